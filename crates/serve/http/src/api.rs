//! The envelope in which the v4 API answers.

use http::{HeaderValue, Response};
use serde::Serialize;

use crate::{Body, Res};

#[derive(Serialize)]
struct Envelope<'a, T, I> {
    result: &'a T,
    success: bool,
    errors: [(); 0],
    messages: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    result_info: Option<&'a I>,
}

/// A result, wrapped.
pub fn success<T: Serialize>(result: &T) -> Res {
    write::<T, ()>(result, None)
}

/// A page of results, wrapped, and where it stands among the others.
pub fn page<T: Serialize, I: Serialize>(result: &T, info: &I) -> Res {
    write(result, Some(info))
}

fn write<T: Serialize, I: Serialize>(result: &T, result_info: Option<&I>) -> Res {
    let envelope = Envelope { result, success: true, errors: [], messages: [], result_info };
    let json = serde_json::to_vec(&envelope).expect("results have text keys only");
    let mut res = Response::new(Body::from(json));
    res.headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    res
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_result_is_wrapped_and_has_info_only_as_a_page() {
        let text = |res: Res| async {
            let bytes = res.into_body().collect().await.expect("bytes").to_bytes();
            String::from_utf8(bytes.to_vec()).expect("UTF-8")
        };
        assert_eq!(
            text(success(&())).await,
            r#"{"result":null,"success":true,"errors":[],"messages":[]}"#
        );
        assert_eq!(
            text(page(&[1], &[("count", 1)])).await,
            r#"{"result":[1],"success":true,"errors":[],"messages":[],"result_info":[["count",1]]}"#
        );
    }
}

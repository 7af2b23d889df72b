//! A value and its metadata as `multipart/form-data`, as the SDKs and `wrangler --metadata` send it.

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use littoral_http::{Refusal, Upload, UploadError};
use littoral_types::Body;
use multer::{Constraints, Multipart, SizeLimit};

use super::metadata::{self, METADATA_TEXT_MAX};
use super::refuse;
use super::value::{Collector, Stage, VALUE_BYTES_MAX};

/// Bytes of a whole form, so that a value over its limit can still be counted.
const FORM_BYTES_MAX: u64 = VALUE_BYTES_MAX + 8 * 1024 * 1024;

/// The boundary, if the body is a form.
///
/// # Errors
/// When it is a form without a boundary.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let essence = kind.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    multer::parse_boundary(kind).map(Some).map_err(refuse::bad_body)
}

/// Reads the parts `value` and `metadata`; others are ignored, as `metadata[a]` is, which some
/// SDKs make of an object.
pub(crate) async fn read<S: Stage>(
    upload: &mut Upload,
    boundary: String,
    stage: S,
) -> Result<(Body, Bytes), Refusal> {
    let limits = SizeLimit::new()
        .whole_stream(FORM_BYTES_MAX)
        .for_field("metadata", METADATA_TEXT_MAX as u64);
    let parts =
        stream::unfold(upload, |upload| async move { Some((upload.next().await?, upload)) });
    let constraints = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(Box::pin(parts), boundary, constraints);
    let (mut value, mut text) = (None, Bytes::new());
    while let Some(mut field) = form.next_field().await.map_err(refused)? {
        match field.name() {
            Some("value") if value.is_none() => {
                let mut collector = Collector::new(stage.clone(), None);
                while let Some(part) = field.chunk().await.map_err(refused)? {
                    collector.push(&part).await?;
                }
                value = Some(collector.finish().await?);
            }
            Some("value") => return Err(refuse::bad_body("the part named value comes twice")),
            Some("metadata") => text = field.bytes().await.map_err(refused)?,
            _ => while field.chunk().await.map_err(refused)?.is_some() {},
        }
    }
    let value = value.ok_or_else(|| refuse::bad_body("there is no part named value"))?;
    Ok((value, metadata::check(&text)?))
}

fn refused(error: multer::Error) -> Refusal {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<UploadError>() {
            Ok(cause) => refuse::upload(*cause),
            Err(cause) => refuse::bad_body(cause),
        },
        multer::Error::StreamSizeExceeded { .. } => refuse::value_too_large(FORM_BYTES_MAX),
        multer::Error::FieldSizeExceeded { .. } => Refusal::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            littoral_http::code::TOO_LARGE,
            format!("Metadata text exceeds {METADATA_TEXT_MAX} bytes."),
        ),
        error => refuse::bad_body(format_args!("{error}; is the form complete?")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use littoral_clock::Clock;

    use super::super::value::load;
    use super::super::value::tests::folder;
    use super::*;

    async fn form(text: &str) -> Result<(Bytes, Bytes), Refusal> {
        // In small pieces: boundaries do not come whole.
        let parts = text.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
        let mut upload = Upload::ready(parts, Clock::system());
        let (value, metadata) = read(&mut upload, "X".into(), folder()).await?;
        Ok((load(value).await?, metadata))
    }

    fn part(head: &str, body: &str) -> String {
        format!("--X\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    }

    #[tokio::test]
    async fn value_and_metadata_come_as_they_were_sent() {
        let sent = [
            part("name=\"metadata[a]\"", "1"),
            part(
                "name=\"value\"; filename=\"blob\"\r\nContent-Type: application/octet-stream",
                "a\r\nb",
            ),
            part("name=\"metadata\"\r\nContent-Type: application/json", "{\"m\": [1, 2]}"),
            "--X--\r\n".into(),
        ];
        let (value, metadata) = form(&sent.concat()).await.expect("a form");
        assert_eq!(value, "a\r\nb");
        assert_eq!(metadata, "{\"m\": [1, 2]}");
    }

    #[tokio::test]
    async fn a_form_that_is_cut_short_or_incomplete_is_refused() {
        let value = part("name=\"value\"", "abc");
        for bad in [
            "".to_owned(),
            "--X".to_owned(),
            value.clone(),
            format!("{value}--X\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{{"),
            part("name=\"metadata\"", "{}") + "--X--\r\n",
            format!("{value}{value}--X--\r\n"),
            format!("{}{value}--X--\r\n", part("name=\"metadata\"", "{nope")),
            format!("{}{value}--X--\r\n", part("name=\"metadata\"", &"1".repeat(20_000))),
        ] {
            let refusal = form(&bad).await.expect_err(&bad);
            assert!(refusal.status.is_client_error(), "{bad}: {refusal:?}");
        }
    }

    #[test]
    fn only_a_form_has_a_boundary() {
        let of = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            boundary(&headers)
        };
        assert_eq!(of("multipart/form-data; boundary=X"), Ok(Some("X".into())));
        assert_eq!(of("Multipart/Form-Data; boundary=\"a b\""), Ok(Some("a b".into())));
        assert_eq!(of("text/plain"), Ok(None));
        assert_eq!(of("multipart/mixed; boundary=X"), Ok(None));
        assert!(of("multipart/form-data").is_err());
    }
}

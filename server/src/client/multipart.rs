//! A value with its metadata, as the form that the API takes.

use bytes::Bytes;
use http::HeaderValue;
use littoral_clock::secret;

/// The body, and the content type that names its boundary. The boundary is 128 random bits, so the
/// value cannot hold it.
pub fn form(value: &[u8], metadata: &str) -> (HeaderValue, Bytes) {
    let boundary = format!("littoral-{:032x}", u128::from_ne_bytes(secret()));
    let mut body = Vec::with_capacity(value.len() + metadata.len() + 400);
    let mut part = |name: &str, content: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        let disposition = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(disposition.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    part("value", value);
    part("metadata", metadata.as_bytes());
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
        .expect("hexadecimal digits are visible ASCII");
    (content_type, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_holds_both_parts_and_ends() {
        let (content_type, body) = form(b"v\x00\r\n", "{}");
        let boundary = content_type.to_str().expect("text").split('=').nth(1).expect("named");
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nv\x00\r\n\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{{}}\r\n\
             --{boundary}--\r\n"
        );
        assert_eq!(body, expected);
    }
}

//! Bytes in a URL, as the clients write them.

/// For a path: all but letters, digits and `-._~` escaped.
pub fn percent(text: impl AsRef<[u8]>) -> String {
    escape(text.as_ref(), "%20")
}

/// For a query, as a form: a space is a plus.
pub fn form(text: impl AsRef<[u8]>) -> String {
    escape(text.as_ref(), "+")
}

fn escape(bytes: &[u8], space: &str) -> String {
    let mut escaped = String::new();
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(byte.into());
            }
            b' ' => escaped.push_str(space),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

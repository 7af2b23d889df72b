//! One operation as its client saw it, and the JSON line that says so.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

/// Longest text of a version.
pub const VERSION_BYTES_MAX: usize = 40;

/// What one client asked of one location, from when to when, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Who asked; a number will do.
    #[serde(deserialize_with = "name")]
    pub process: String,
    /// Where it was asked.
    #[serde(deserialize_with = "name")]
    pub location: String,
    pub op: Op,
    pub key: String,
    /// What a write was given, or what a read was shown.
    #[serde(default)]
    pub version: Option<String>,
    /// The version that the reader showed: nothing older will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<String>,
    /// The version that must be the newest; for a [`Op::Cas`] without one, there must be no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    pub start_ns: u64,
    pub end_ns: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Get,
    Put,
    Delete,
    /// A put on a condition.
    Cas,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A read showed a value; a write was acknowledged.
    Ok,
    /// There is no value. Of a delete: acknowledged all the same; of a cas: refused.
    Absent,
    /// An error, after which it is certain that nothing was changed.
    Refused,
    /// An error, or no answer: a write may have happened, or may still.
    Unknown,
}

/// Why an operation can't be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error("{0}")]
    Json(String),
    #[error("ends at {end_ns}, before it starts at {start_ns}")]
    EndsBeforeItStarts { start_ns: u64, end_ns: u64 },
    #[error("a {0} that ended `ok` has a version, and this one has none")]
    NoVersion(Op),
    #[error("a put does not end `absent`")]
    AbsentPut,
    #[error("{field}: `{text}` is no version: 1 to 40 characters of [0-9a-z-]")]
    Version { field: &'static str, text: String },
}

impl Operation {
    /// Whether it contradicts itself.
    pub fn validate(&self) -> Result<(), Defect> {
        let Self { start_ns, end_ns, .. } = *self;
        if end_ns < start_ns {
            return Err(Defect::EndsBeforeItStarts { start_ns, end_ns });
        }
        for (field, version) in [
            ("version", &self.version),
            ("min_version", &self.min_version),
            ("if_match", &self.if_match),
        ] {
            if let Some(text) = version.as_ref().filter(|text| !is_version(text)) {
                return Err(Defect::Version { field, text: text.chars().take(80).collect() });
            }
        }
        match (self.op, self.outcome) {
            (Op::Get | Op::Put | Op::Cas, Outcome::Ok) if self.version.is_none() => {
                Err(Defect::NoVersion(self.op))
            }
            (Op::Put, Outcome::Absent) => Err(Defect::AbsentPut),
            _ => Ok(()),
        }
    }

    /// Reads a JSON line.
    pub(crate) fn of_json(line: &[u8]) -> Result<Self, Defect> {
        let operation: Self = serde_json::from_slice(line).map_err(|error| {
            let text = error.to_string();
            // The parser counts lines of its own input, which is one line.
            Defect::Json(match text.rsplit_once(" at line 1 column ") {
                Some((what, column)) => format!("{what}, at column {column}"),
                None => text,
            })
        })?;
        operation.validate()?;
        Ok(operation)
    }
}

impl FromStr for Operation {
    type Err = Defect;

    fn from_str(line: &str) -> Result<Self, Defect> {
        Self::of_json(line.as_bytes())
    }
}

/// The JSON line.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Cas => "cas",
        })
    }
}

fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-';
    (1..=VERSION_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// A text, or a number as its text.
fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Name;
    impl de::Visitor<'_> for Name {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a whole number")
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_u64<E>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_i64<E>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    deserializer.deserialize_any(Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"process":"p","location":"fra","op":"put","key":"k","version":"0a-z","start_ns":1,"end_ns":2,"outcome":"ok"}"#;

    #[test]
    fn a_line_comes_back_as_it_was() {
        let operation: Operation = LINE.parse().expect("well-formed");
        assert_eq!(operation.to_string(), LINE);
        let numbered = LINE.replace("\"p\"", "7").replace("\"fra\"", "-1");
        let operation: Operation = numbered.parse().expect("numbers are names too");
        assert_eq!((operation.process.as_str(), operation.location.as_str()), ("7", "-1"));
        let annotated = LINE.replace("\"key\"", "\"note\":[1],\"key\"");
        assert!(annotated.parse::<Operation>().is_ok(), "what else was recorded is left alone");
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_the_reason() {
        for (from, to, why) in [
            ("\"end_ns\":2", "\"end_ns\":0", "before it starts"),
            ("\"0a-z\"", "null", "a put that ended `ok` has a version"),
            ("put\",\"key\":\"k\",\"version\":\"0a-z\"", "get\",\"key\":\"k\"", "a get that ended"),
            ("\"ok\"", "\"absent\"", "does not end `absent`"),
            ("0a-z", "0A", "version: `0A` is no version"),
            ("0a-z", "", "version: `` is no version"),
            ("\"outcome\"", "\"min_version\":\"_\",\"outcome\"", "min_version: `_`"),
            ("\"key\":\"k\",", "", "missing field `key`, at column"),
            ("\"put\"", "\"push\"", "unknown variant `push`"),
            ("1,\"end", "-1,\"end", "invalid value"),
            ("\"ok\"}", "\"ok\"", "EOF"),
        ] {
            let line = LINE.replace(from, to);
            assert_ne!(line, LINE, "{from}");
            let defect = line.parse::<Operation>().expect_err(to).to_string();
            assert!(defect.contains(why), "{defect}");
        }
        assert!(LINE.replace("0a-z", &"9".repeat(40)).parse::<Operation>().is_ok());
        assert!(LINE.replace("0a-z", &"9".repeat(41)).parse::<Operation>().is_err());
    }
}

//! The JSON around every answer but a value.

use serde::Deserialize;

/// An answer that went well.
#[derive(Debug, Deserialize)]
pub struct Envelope<T> {
    pub result: T,
    #[serde(default)]
    pub result_info: Option<ResultInfo>,
}

/// Where a list stands.
#[derive(Debug, Default, Deserialize)]
pub struct ResultInfo {
    #[serde(default)]
    pub cursor: Option<String>,
}

/// An answer that did not.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    pub errors: Vec<Problem>,
}

#[derive(Debug, Deserialize)]
pub struct Problem {
    pub code: u32,
    pub message: String,
}

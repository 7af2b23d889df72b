//! A `zone.toml` with problems, drawn with the places where they are.

use std::fmt;
use std::path::Path;

use littoral_zones::config::Problem;
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

#[derive(Debug)]
pub(super) struct Invalid {
    file: String,
    text: NamedSource<String>,
    problems: Vec<Problem>,
}

impl Invalid {
    pub(super) fn new(file: &Path, text: String, problems: Vec<Problem>) -> Self {
        let file = file.display().to_string();
        Self { text: NamedSource::new(&file, text), file, problems }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let line = if at == 0 { "" } else { "\n" };
            write!(f, "{line}{}:{problem}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

impl Diagnostic for Invalid {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("littoral::zone_invalid"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("docs/guide/zones.md says what may stand in it; nothing was changed"))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |problem: &Problem| {
            LabeledSpan::new_with_span(Some("here".into()), problem.place.clone())
        };
        Some(Box::new(self.problems.iter().map(label)))
    }
}

//! What was found, and how it is shown.

use serde_json::{Value, json};

/// Whether the node works in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// It does not work, or data is in danger.
    Error,
    /// It works, but not for ever, or not as well.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// A name for programs.
    pub(super) check: &'static str,
    pub(super) what: String,
    pub(super) why: String,
    pub(super) next: String,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// What is as it should be.
    well: Vec<String>,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Report {
    pub(super) fn well(&mut self, what: impl Into<String>) {
        self.well.push(what.into());
    }

    pub(super) fn error(
        &mut self,
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        let (what, why, next) = (what.into(), why.into(), next.into());
        self.findings.push(Finding { severity: Severity::Error, check, what, why, next });
    }

    pub(super) fn warning(
        &mut self,
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        let (what, why, next) = (what.into(), why.into(), next.into());
        self.findings.push(Finding { severity: Severity::Warning, check, what, why, next });
    }

    /// Errors first.
    fn sorted(&self) -> impl Iterator<Item = &Finding> {
        let of = |severity| self.findings.iter().filter(move |found| found.severity == severity);
        of(Severity::Error).chain(of(Severity::Warning))
    }

    pub(super) fn summary(&self) -> String {
        let count = |severity: Severity| {
            let count = self.findings.iter().filter(|found| found.severity == severity).count();
            format!("{count} {}{}", severity.name(), if count == 1 { "" } else { "s" })
        };
        format!("{}, {}", count(Severity::Error), count(Severity::Warning))
    }

    pub(super) fn drawn(&self) -> String {
        let mut lines: Vec<String> =
            self.well.iter().map(|what| format!("ok       {what}")).collect();
        for Finding { severity, check, what, why, next } in self.sorted() {
            lines.push(format!("\n{:<8} {what}  [{check}]", severity.name()));
            lines.push(format!("  why    {why}"));
            lines.push(format!("  next   {next}"));
        }
        if self.findings.is_empty() {
            lines.push("\nnothing found".into());
        }
        lines.join("\n")
    }

    pub(super) fn json(&self) -> Value {
        let finding = |found: &Finding| {
            json!({
                "severity": found.severity.name(), "check": found.check, "what": found.what,
                "why": found.why, "next": found.next,
            })
        };
        json!({ "findings": self.sorted().map(finding).collect::<Vec<_>>(), "well": self.well })
    }

    #[cfg(test)]
    pub(super) fn checks(&self) -> Vec<&'static str> {
        self.findings.iter().map(|found| found.check).collect()
    }
}

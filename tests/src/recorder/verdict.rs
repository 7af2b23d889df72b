//! What `littoral history check` says of what was recorded.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Recorder;

/// Of the whole history, and of its end.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub operations: u64,
    /// How often each promise was broken; those that were judged.
    pub broken: BTreeMap<String, u64>,
    pub proofs: Vec<String>,
}

/// Of reads at the end: after the last write of their key.
const SETTLED_AFTER: &str = "7s";

impl Recorder {
    /// What is recorded from now on is the end: all writes have settled.
    pub fn ends(&self) {
        let mut inner = self.inner();
        inner.ends = true;
        inner.phase = "settled";
    }

    /// Asks the program.
    ///
    /// # Panics
    /// When it can't be run or does not understand the history.
    #[track_caller]
    pub fn verdict(&self, littoral: &Path) -> Verdict {
        let mut inner = self.inner();
        inner.out.flush().and_then(|()| inner.settled.flush()).expect("the history is written");
        drop(inner);
        let mut verdict = Verdict::default();
        verdict.add(&judge(littoral, &self.file, &[]));
        verdict.operations = self.operations();
        verdict.add(&judge(littoral, &self.settled, &["--settled-after", SETTLED_AFTER]));
        verdict
    }
}

#[track_caller]
fn judge(littoral: &Path, file: &Path, options: &[&str]) -> Value {
    let mut command = Command::new(littoral);
    command.args(["history", "check", "--json"]).arg(file).args(options);
    let ended = crate::run(&mut command, b"");
    serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|error| panic!("no verdict ({error}): {}", ended.said()))
}

impl Verdict {
    fn add(&mut self, report: &Value) {
        let promises = report["promises"].as_object();
        for (name, promise) in promises.into_iter().flatten() {
            if promise["judged"] == true {
                let count = promise["violations"].as_u64().unwrap_or_default();
                *self.broken.entry(name.clone()).or_default() += count;
            }
        }
        let violations = report["violations"].as_array();
        self.proofs.extend(violations.into_iter().flatten().map(|violation| {
            let text = |field: &str| violation[field].as_str().unwrap_or_default().to_owned();
            format!("{} of {}: {}", text("promise"), text("key"), text("what"))
        }));
    }

    pub fn broken(&self, promise: &str) -> u64 {
        self.broken.get(promise).copied().unwrap_or_default()
    }

    /// # Panics
    /// When a promise was broken, or was not judged.
    #[track_caller]
    pub fn is_clean(&self) {
        assert_eq!(self.broken.len(), PROMISES, "judged: {:?}", self.broken);
        let shown: Vec<_> = self.proofs.iter().take(SHOWN).cloned().collect();
        assert!(shown.is_empty(), "{:#?}\n  {}", self.broken, shown.join("\n  "));
    }
}

/// Those of `docs/guide/history.md`.
const PROMISES: usize = 10;
const SHOWN: usize = 20;

//! What is done to the processes of a network: by their ids, which `run.sh` wrote down.

use std::fs;
use std::process::Command;

use super::{Network, PATIENCE};
use crate::wait::until;

impl Network {
    /// The id of a node, or of a PostgreSQL server, if it runs or has run.
    pub fn id(&self, name: &str) -> Option<u32> {
        fs::read_to_string(self.dir.join(format!("run/{name}.pid"))).ok()?.trim().parse().ok()
    }

    /// Whether it runs.
    pub fn runs(&self, name: &str) -> bool {
        self.id(name).is_some_and(|id| runs(id) && is(id, name))
    }

    /// The process and those it has started.
    fn ids(&self, name: &str) -> Vec<u32> {
        let Some(id) = self.id(name).filter(|_| self.runs(name)) else { return Vec::new() };
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        std::iter::once(id).chain(children).collect()
    }

    /// `kill -9`, and waits until it is gone.
    #[track_caller]
    pub fn kill(&self, name: &str) {
        assert!(self.runs(name), "{name} runs before it is killed");
        self.end(name);
    }

    /// The same of one that may not run.
    pub(super) fn end(&self, name: &str) {
        let ids = self.ids(name);
        send("KILL", &ids);
        until(&format!("{name} is gone"), PATIENCE, || {
            (!ids.iter().any(|id| runs(*id))).then_some(())
        });
    }

    /// SIGSTOP: it is there, takes connections, and says nothing.
    #[track_caller]
    pub fn freeze(&self, name: &str) {
        // First what would start more of them.
        send("STOP", self.ids(name).get(..1).unwrap_or_default());
        send("STOP", &self.ids(name));
    }

    /// SIGCONT.
    #[track_caller]
    pub fn thaw(&self, name: &str) {
        send("CONT", &self.ids(name));
    }

    /// SIGTERM; the caller waits.
    #[track_caller]
    pub fn ask_to_end(&self, name: &str) {
        send("TERM", self.ids(name).get(..1).unwrap_or_default());
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn ended(&self, name: &str) {
        // One that is ending has no command line any more, and is there all the same.
        let id = self.id(name);
        until(&format!("{name} has ended"), PATIENCE, || (!id.is_some_and(runs)).then_some(()));
    }

    /// SIGHUP: reads again what can change.
    #[track_caller]
    pub fn reload(&self, name: &str) {
        send("HUP", self.ids(name).get(..1).unwrap_or_default());
    }

    /// Seconds of processor time that a process has used so far.
    pub fn processor_seconds(&self, name: &str) -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id(name)?)).ok()?;
        // The second field is a name in parentheses, which may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
        Some(ticks / TICKS_PER_SECOND)
    }
}

/// Of every Linux, as user space is shown it.
const TICKS_PER_SECOND: f64 = 100.0;

/// One that has ended and of which nobody has taken note does not run.
fn runs(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = status.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Ids are given again: whether this is the process that had it.
fn is(id: u32, name: &str) -> bool {
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    line.contains(&format!("nodes/{name}/node.toml")) || line.contains(&format!("/{name}\0"))
}

fn send(signal: &str, ids: &[u32]) {
    if ids.is_empty() {
        return;
    }
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    // One may have ended meanwhile.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$@\" 2>/dev/null", signal])
        .args(ids)
        .status();
}

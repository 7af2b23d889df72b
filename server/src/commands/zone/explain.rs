//! What a zone does with a request, drawn as the stages of its plan.

use std::fmt::Write as _;

use http::Method;
use littoral_zones::explain::{Explanation, Question, RuleSaid};
use miette::Result;

use crate::args::ExplainZone;
use crate::client::{Call, Client};
use crate::terminal;

pub(super) async fn run(options: ExplainZone) -> Result<()> {
    let ExplainZone { request, method, headers, address, json, remote } = options;
    let client = Client::new(&remote)?;
    let question = Question { method, url: request, headers, address };
    let target = client.account_path("/zones/explain");
    let said: Explanation = client.result(Call::new(Method::POST, target).json(&question)).await?;
    if json {
        return Ok(terminal::say(&serde_json::to_string(&said).expect("plain values are JSON"))?);
    }
    Ok(terminal::say(drawn(&question, &said).trim_end())?)
}

fn drawn(question: &Question, said: &Explanation) -> String {
    let mut text = format!(
        "{} {}\nzone {}, version {}\n",
        question.method, question.url, said.zone, said.version
    );
    let width = said.rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let last = said.rules.iter().map(|rule| rule.stage).max();
    for stage in 0..last.map_or(0, |last| last + 1) {
        // A string takes all.
        let _ = writeln!(text, "\nstage {}", stage + 1);
        for rule in said.rules.iter().filter(|rule| rule.stage == stage) {
            let _ = writeln!(text, "  {}", line(rule, width));
            for effect in &rule.effects {
                let _ = writeln!(text, "  {:width$}    {effect}", "");
            }
        }
    }
    let end = match (&said.answered_by, &said.status, &said.route) {
        (Some(rule), Some(status), _) => format!("{status}, by the rule {rule}"),
        (_, status, Some(route)) => {
            let status = status.map(|status| format!("{status}, ")).unwrap_or_default();
            let target = said.target.as_deref().map(|target| format!(": {target}"));
            format!("{status}{route}{}", target.unwrap_or_default())
        }
        (_, status, None) => format!("{}, no route takes it", status.unwrap_or(404)),
    };
    let _ = writeln!(text, "\n→ {end}\n  {} in all", took(said.took_us));
    text
}

fn line(rule: &RuleSaid, width: usize) -> String {
    let RuleSaid { name, kind, after, decided, note, took_us, .. } = rule;
    let after = match after.is_empty() {
        true => String::new(),
        false => format!("  after {}", after.join(", ")),
    };
    let decided = decided.as_deref().unwrap_or("not needed");
    let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
    format!("{name:width$}  {kind:<10}  {:>9}  {decided}{note}{after}", took(*took_us))
}

fn took(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        us => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_drawn_by_stage_with_what_they_decided() {
        let rule = |name: &str, stage, after: &[&str], decided: Option<&str>| RuleSaid {
            name: name.into(),
            kind: "call".into(),
            stage,
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            decided: decided.map(str::to_owned),
            note: String::new(),
            began_us: 0,
            took_us: 10_240,
            effects: vec!["plan is gold".into()],
        };
        let said = Explanation {
            zone: "shop".into(),
            version: 3,
            rules: vec![rule("a", 0, &[], Some("go on")), rule("bb", 1, &["a"], None)],
            answered_by: None,
            status: None,
            route: Some("upstream app".into()),
            target: Some("/x".into()),
            took_us: 10_500,
        };
        let question = Question {
            method: "GET".into(),
            url: "http://shop.example/x".into(),
            headers: Vec::new(),
            address: None,
        };
        let text = drawn(&question, &said);
        for part in [
            "zone shop, version 3",
            "stage 1\n  a   call         10.24 ms  go on\n",
            "stage 2\n  bb  call         10.24 ms  not needed  after a\n",
            "      plan is gold",
            "→ upstream app: /x\n  10.50 ms in all",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}

//! `littoral kv export`: many keys to a file or a directory.

mod lines;
mod tree;

use std::io::Write as _;
use std::path::Path;

use http::Response;
use hyper::body::Incoming;
use miette::Result;

use self::lines::Lines;
use self::tree::{Refused, Tree};
use super::get::next_bytes;
use super::member::{Item, Member, printable};
use super::progress::Progress;
use crate::args::Export;
use crate::client::{Call, Client, Error, Namespace, encode};
use crate::failure::Failure;
use crate::{files, terminal};

pub async fn run(options: Export) -> Result<()> {
    if let Some(dir) = &options.dir {
        tree::check(dir)?;
    }
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let prefix = Some(options.prefix.clone()).filter(|prefix| !prefix.is_empty());
    let call = Call::get(namespace.path("/export") + &encode([("prefix", prefix)]));
    let answer = client.send(call).await?;
    let progress = Progress::new(&client.clock, None);
    match (&options.output, &options.dir) {
        (_, Some(dir)) => to_tree(answer, dir, &progress).await,
        (Some(file), None) if file != Path::new("-") => to_file(answer, file, &progress).await,
        _ => to_standard_output(answer, &progress).await,
    }
}

async fn to_standard_output(mut answer: Response<Incoming>, progress: &Progress) -> Result<()> {
    while let Some(bytes) = next_bytes(&mut answer).await? {
        terminal::write(&bytes)?;
        add(progress, &bytes);
    }
    terminal::note(&format!("exported: {}", progress.finish()));
    Ok(())
}

async fn to_file(mut answer: Response<Incoming>, file: &Path, progress: &Progress) -> Result<()> {
    let cannot = |source: std::io::Error| {
        let what = format!("cannot write {}", file.display());
        Failure::new("littoral::output", what, "choose a writable place").because(source)
    };
    let mut draft = files::draft(file).map_err(cannot)?;
    while let Some(bytes) = next_bytes(&mut answer).await? {
        draft.write_all(&bytes).map_err(cannot)?;
        add(progress, &bytes);
    }
    files::publish(draft, file).map_err(cannot)?;
    Ok(terminal::say(&format!("exported to {}: {}", file.display(), progress.finish()))?)
}

/// A key is a line.
fn add(progress: &Progress, bytes: &[u8]) {
    let keys = bytes.iter().filter(|byte| **byte == b'\n').count();
    progress.add(keys as u64, bytes.len() as u64, bytes.len() as u64);
}

async fn to_tree(mut answer: Response<Incoming>, dir: &Path, progress: &Progress) -> Result<()> {
    let mut tree = Tree::begin(dir)?;
    let mut lines = Lines::default();
    loop {
        let bytes = next_bytes(&mut answer).await?;
        let last = bytes.is_none();
        for line in lines.push(&bytes.unwrap_or_default(), last) {
            let item = item(&line)?;
            if tree.write(&item)? {
                progress.add(1, item.value.len() as u64, line.len() as u64);
            }
        }
        if last {
            break;
        }
    }
    let (bare, refused) = tree.finish()?;
    terminal::say(&format!("exported to {}: {}", dir.display(), progress.finish()))?;
    if bare > 0 {
        let what = "keys have an expiry or metadata, which a directory does not hold";
        terminal::note(&format!("{bare} {what}; --output does"));
    }
    conclude(&refused)
}

fn item(line: &[u8]) -> Result<Item, Error> {
    let member: Member<'_> =
        serde_json::from_slice(line).map_err(|source| Error::Strange { source })?;
    member.into_item().map_err(|(key, why)| Error::Broken(format!("{key}: {why}").into()))
}

fn conclude(refused: &[Refused]) -> Result<()> {
    for Refused { key, why } in refused {
        terminal::note(&format!("failed: {}: {why}", printable(key)));
    }
    if refused.is_empty() {
        return Ok(());
    }
    let what = format!("{} keys are not in the directory", refused.len());
    let next = "export to a file with --output, which holds every key";
    Err(Failure::new("littoral::export_incomplete", what, next).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake::Fake;

    const KEYS: [(&str, &[u8]); 4] =
        [("a/b.json", b"{}"), ("a/c", b"\xff\x00"), ("top", b""), ("\u{e9}\n", b"line\n")];

    async fn fake() -> std::sync::Arc<Fake> {
        let fake = Fake::start(|_, _| None).await;
        for (key, value) in KEYS {
            fake.keys.lock().unwrap().insert(key.into(), value.into());
        }
        fake
    }

    fn options(fake: &Fake) -> Export {
        Export { prefix: String::new(), output: None, dir: None, at: fake.at.clone() }
    }

    #[tokio::test]
    async fn a_directory_holds_every_key_byte_for_byte() {
        let (fake, home) = (fake().await, tempfile::tempdir().expect("a folder"));
        let dir = home.path().join("out");
        run(Export { dir: Some(dir.clone()), ..options(&fake) }).await.expect("exported");
        for (key, value) in KEYS {
            assert_eq!(std::fs::read(dir.join(key)).expect(key), value);
        }
        let again = run(Export { dir: Some(dir), ..options(&fake) }).await;
        assert!(again.is_err(), "nothing is mixed with what is there");
    }

    #[tokio::test]
    async fn a_file_holds_a_line_per_key() {
        let (fake, home) = (fake().await, tempfile::tempdir().expect("a folder"));
        let file = home.path().join("out.ndjson");
        run(Export { output: Some(file.clone()), ..options(&fake) }).await.expect("exported");
        let text = std::fs::read(&file).expect("there");
        let items: Vec<_> = Lines::default()
            .push(&text, true)
            .iter()
            .map(|line| item(line).expect("an item"))
            .map(|item| (item.key, item.value.to_vec()))
            .collect();
        assert_eq!(items, KEYS.map(|(key, value)| (key.to_owned(), value.to_vec())));
    }

    #[tokio::test]
    async fn keys_that_are_no_paths_are_named_and_leave_nothing_outside() {
        let fake = Fake::start(|_, _| None).await;
        for key in ["../out-of-it", "/root", "a//b", "a/./b", "ok", "ok/below", "nul\0"] {
            fake.keys.lock().unwrap().insert(key.into(), "x".into());
        }
        let home = tempfile::tempdir().expect("a folder");
        let dir = home.path().join("out");
        let error = run(Export { dir: Some(dir.clone()), ..options(&fake) }).await;
        assert_eq!(error.expect_err("some").to_string(), "6 keys are not in the directory");
        assert_eq!(std::fs::read(dir.join("ok")).expect("there"), b"x");
        assert_eq!(std::fs::read_dir(home.path()).expect("there").count(), 1);
    }

    #[tokio::test]
    async fn a_refused_export_leaves_no_file() {
        let fake = Fake::start(|_, _| Some(401)).await;
        let home = tempfile::tempdir().expect("a folder");
        let output = Some(home.path().join("out.ndjson"));
        assert!(run(Export { output, ..options(&fake) }).await.is_err());
        assert_eq!(std::fs::read_dir(home.path()).expect("there").count(), 0);
    }
}

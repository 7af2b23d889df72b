//! `littoral kv import`: many keys from a directory or a file, several requests at a time.

mod batch;
mod name;
mod send;
mod source;

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use miette::Result;

use self::batch::Batches;
use self::name::Naming;
use self::source::Source;
use super::progress::Progress;
use crate::args::Import;
use crate::client::{Client, Namespace, Page};
use crate::failure::Failure;
use crate::terminal;

/// A key that was not written, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub key: String,
    pub why: String,
}

pub async fn run(options: Import) -> Result<()> {
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let naming = Naming { prefix: options.prefix.clone(), strip: options.strip };
    let source = Source::open(&options.path, naming)?;
    let skipped_links = source.skipped_links;
    let skip = match options.skip_existing {
        true => existing(&namespace, &options.prefix).await?,
        false => HashSet::new(),
    };
    let progress = Progress::new(&client.clock, source.total_bytes);
    let batches = Batches::new(source, &options, skip);
    let failed = write(&namespace, batches, options.parallel.into(), &progress).await?;
    let summary = progress.finish();
    if skipped_links > 0 {
        terminal::note(&format!("passed over {skipped_links} symbolic links"));
    }
    conclude(&summary, &failed)
}

/// The keys that are there before.
async fn existing(namespace: &Namespace<'_>, prefix: &str) -> Result<HashSet<String>> {
    let page = Page { prefix: prefix.to_owned(), limit: 1_000, ..Page::default() };
    let mut names = HashSet::new();
    let mut cursor = None;
    loop {
        let (keys, next) = namespace.list(&page, cursor).await?;
        names.extend(keys.into_iter().map(|key| key.name));
        cursor = next;
        if cursor.is_none() {
            return Ok(names);
        }
    }
}

/// Sends every batch, `parallel` at a time, and reads the source no faster.
async fn write(
    namespace: &Namespace<'_>,
    batches: Batches,
    parallel: usize,
    progress: &Progress,
) -> Result<Vec<Failed>> {
    let mut failed = Vec::new();
    let mut sent =
        stream::iter(batches).map(|batch| send::send(namespace, batch)).buffer_unordered(parallel);
    while let Some(outcome) = sent.next().await {
        let mut outcome = outcome?;
        progress.add(outcome.keys, outcome.bytes, outcome.source_bytes);
        failed.append(&mut outcome.failed);
    }
    Ok(failed)
}

fn conclude(summary: &str, failed: &[Failed]) -> Result<()> {
    terminal::say(&format!("imported: {summary}"))?;
    for Failed { key, why } in failed {
        terminal::note(&format!("failed: {}: {why}", super::member::printable(key)));
    }
    if failed.is_empty() {
        return Ok(());
    }
    let what = format!("{} of the keys were not written", failed.len());
    let next = "mend what is named above and import again: writing a key twice does no harm";
    Err(Failure::new("littoral::import_incomplete", what, next).into())
}

#[cfg(test)]
mod tests;

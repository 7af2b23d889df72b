//! One command per file: options in, work done, a report when it failed.

mod dev;
mod kv;
mod manual;
mod serve;
mod token;
mod trace;

use std::future::Future;

use miette::{IntoDiagnostic as _, Result};

use crate::args::Command;
use crate::failure::Failure;

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Dev(options) => dev::run(*options),
        Command::Serve(options) => serve::run(&options),
        Command::Kv(kv) => block_on(unless_stopped(kv::run(kv.command))),
        Command::Token(token) => token::run(token.command),
        Command::Trace(options) => block_on(unless_stopped(trace::run(options))),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { dir } => manual::pages(dir.as_deref()),
    }
}

/// Runs `work` on a runtime that uses every core.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(Box::pin(work))
}

/// Runs `work`, and drops it with what it holds when the process is told to stop.
async fn unless_stopped<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let stop = stop_signal()?;
    tokio::select! {
        done = work => done,
        () = stop => Err(Failure::interrupted().into()),
    }
}

/// Waits for the process to be told to stop. Listens from the call on, before it is awaited.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).into_diagnostic()?;
    let mut interrupt = signal(SignalKind::interrupt()).into_diagnostic()?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

//! One command per file: options in, work done, a report when it failed.

mod dev;
mod serve;

use std::future::Future;

use miette::{IntoDiagnostic as _, Result};

use crate::args::Command;

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Dev(options) => dev::run(*options),
        Command::Serve(options) => serve::run(&options),
    }
}

/// Runs `work` on a runtime that uses every core.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .into_diagnostic()?;
    runtime.block_on(work)
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

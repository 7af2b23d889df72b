//! One command per file: options in, work done, a report when it failed.

mod ca;
mod dev;
mod doctor;
mod epoch;
mod example;
pub mod explain;
mod history;
mod known;
pub mod kv;
mod manual;
mod origin;
mod reach;
mod reverse_proxy;
pub mod serve;
mod token;
mod topology;
mod trace;
mod zone;

use std::future::Future;

use miette::{IntoDiagnostic as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::Command;
use crate::failure::Failure;
use crate::network::Network;

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Dev(options) => dev::run(*options),
        Command::Serve(options) => serve::run(&options),
        Command::ReverseProxy(options) => reverse_proxy::run(options),
        Command::Ca(ca) => ca::run(ca.command),
        Command::Epoch(epoch) => epoch::run(epoch.command),
        Command::Origin(origin) => origin::run(origin.command),
        Command::Doctor(options) => doctor::run(options),
        Command::Topology(options) => topology::run(options),
        Command::Example(example) => example::run(example.command),
        Command::Kv(kv) => block_on(unless_stopped(kv::run(kv.command))),
        Command::Token(token) => token::run(token.command),
        Command::Trace(options) => block_on(unless_stopped(trace::run(options))),
        Command::Zone(zone) => block_on(unless_stopped(zone::run(zone.command))),
        Command::History(history) => history::run(history.command),
        Command::Explain { code } => explain::run(code),
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
    let mut stop = Stop::listen()?;
    tokio::select! {
        done = work => done,
        () = stop.told() => Err(Failure::interrupted().into()),
    }
}

/// What tells the process to stop: `SIGTERM`, and ctrl-c.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// From here on no signal is missed, though nobody waits for it yet.
    fn listen() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).into_diagnostic()?,
            interrupt: signal(SignalKind::interrupt()).into_diagnostic()?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves until told to stop, then drains; told again, it ends at once.
async fn serve_until_told(network: Network, mut stop: Stop) -> Result<()> {
    stop.told().await;
    drain(network, stop).await
}

/// Ends when everything is done, or when told to stop once more.
async fn drain(network: Network, mut stop: Stop) -> Result<()> {
    tokio::select! {
        () = network.drain() => Ok(()),
        () = stop.told() => Err(Failure::interrupted().into()),
    }
}

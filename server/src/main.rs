//! The one binary: reads the command line, runs one command, and turns its failure into an exit
//! code and a sentence that says what to do next.

#![expect(unreachable_pub, reason = "a binary exports nothing; `pub` says what a module offers")]

mod args;
mod client;
mod commands;
mod config;
mod failure;
mod front;
mod gateway;
mod files;
mod logs;
mod mark;
mod network;
mod node;
mod watch;
mod opening;
mod reference;
mod world;
mod zones;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

/// The system's own keeps what one thread freed from all others, and grows for days by that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    failure::install_handler();
    match commands::run(args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => failure::report(&report),
    }
}

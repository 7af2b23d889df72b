//! The command line as it is typed.

mod dev;
pub mod parse;
mod serve;

use clap::{Parser, Subcommand};

pub use dev::{DEV_ACCOUNT, DEV_TOKEN, Dev};
pub use serve::{LogArgs, Serve};

/// Where client commands look when not told: the first location of `dev`.
pub const DEV_URL: &str = "http://127.0.0.1:8787";

/// An edge platform of your own: a tiered cache with a key-value store on it.
#[derive(Debug, Parser)]
#[command(
    name = "littoral",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Dev(Box<Dev>),
    Serve(Serve),
}

//! The command line as it is typed.

mod ca;
mod dev;
mod doctor;
mod epoch;
mod example;
mod history;
mod kv;
mod origin;
pub mod parse;
mod remote;
mod reverse_proxy;
mod serve;
mod token;
mod topology;
mod trace;
mod watch;
mod zone;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use ca::{Ca, CaCommand};
pub use dev::{DEV_ACCOUNT, DEV_TOKEN, Dev};
pub use doctor::Doctor;
pub use epoch::{Epoch, EpochCommand};
pub use example::{Example, ExampleCommand, ExampleNetwork, Origins};
pub use history::{Check, History, HistoryCommand};
pub use kv::{
    Delete, DeletePrefix, Export, Get, Import, Kv, KvCommand, List, NamespaceCommand, PolicyChange,
    Purge, Put, Watch,
};
pub use origin::{Backup, Copy, Kept, OfConfig, OneOrigin, Origin, OriginCommand, Restore};
pub use remote::{At, Remote};
pub use reverse_proxy::ReverseProxy;
pub use serve::{LogArgs, Serve};
pub use token::{CreateToken, Token, TokenCommand};
pub use topology::Topology;
pub use trace::Trace;
pub use watch::WatchArgs;
pub use zone::{Explain as ExplainZone, Purge as PurgeZone, Which, Zone, ZoneCommand};

/// Where client commands look when not told: the first location of `dev`.
pub const DEV_URL: &str = "http://127.0.0.1:8787";

const ABOUT: &str = "\
Littoral keeps keys close to those who read them. Every location is a cache that asks its region's
tier, which asks an upper tier, which asks the truth: two stores in two regions. Writes go to the
truth, and purges come down the same way. It speaks the Workers KV API, so wrangler, the cloudflare
SDKs and a Worker's KV binding work as they are.";

const AFTER: &str = "\
Begin:
  littoral dev                                    a network of eight locations on this machine
  littoral kv namespace create demo
  littoral kv put greeting 'hello, coast' --namespace demo
  littoral kv get greeting --namespace demo
  littoral trace greeting --namespace demo        which hop answers, and why

Environment:
  LITTORAL_URL, LITTORAL_TOKEN, LITTORAL_ACCOUNT, LITTORAL_NAMESPACE stand for the options of the
  same names; LITTORAL_LOG and LITTORAL_LOG_FORMAT for --log and --log-format.

Exit codes:
  0 done · 1 failed · 2 wrong usage · 3 the answer is no (no such key or namespace, a
  precondition that does not hold, or doctor found something) · 130 interrupted
  `history check` has its own: 1 a promise was broken · 2 unreadable";

/// An edge platform of your own: a tiered cache with a key-value store on it.
#[derive(Debug, Parser)]
#[command(name = "littoral", version, propagate_version = true, max_term_width = 100)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Dev(Box<Dev>),
    Serve(Serve),
    ReverseProxy(ReverseProxy),
    Ca(Ca),
    Epoch(Epoch),
    Origin(Origin),
    Topology(Topology),
    Doctor(Doctor),
    Example(Example),
    Kv(Box<Kv>),
    Token(Token),
    Trace(Trace),
    Zone(Box<Zone>),
    History(History),
    /// Say what an error code of the API means, and what to do.
    #[command(after_long_help = "\
Examples:
  littoral explain 10412
  All there are, a line each:
      littoral explain")]
    Explain {
        /// The code; without it, all are listed.
        code: Option<u32>,
    },
    /// Print a script by which a shell completes commands.
    #[command(after_long_help = "\
Examples:
  littoral completions bash > ~/.local/share/bash-completion/completions/littoral
  littoral completions zsh > ~/.zfunc/_littoral
  littoral completions fish > ~/.config/fish/completions/littoral.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the pages of all commands to a directory.
    #[command(after_long_help = "\
Examples:
  littoral man | man -l -
  littoral man ~/.local/share/man/man1")]
    Man {
        /// Write littoral.1, littoral-dev.1, … here.
        dir: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_value_may_be_a_negative_number_but_a_mistyped_option_is_no_value() {
        let value = |words: &[&str]| {
            let line = ["littoral", "kv", "put", "--namespace", "n", "k"];
            let args = Args::try_parse_from(line.iter().chain(words)).ok()?;
            let Command::Kv(kv) = args.command else { panic!("not kv") };
            let KvCommand::Put(put) = kv.command else { panic!("not put") };
            put.value
        };
        for (words, expected) in [
            (&["-1"][..], Some("-1")),
            (&["-"], Some("-")),
            (&["--", "--raw"], Some("--raw")),
            (&["--tll"], None),
            (&["v", "--path", "f"], None),
            (&[], None),
        ] {
            assert_eq!(value(words).as_deref(), expected, "{words:?}");
        }
    }

    #[test]
    fn every_command_explains_itself() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} has no help");
            for argument in command.get_arguments() {
                let shown = argument.get_help().is_some() || argument.is_hide_set();
                assert!(shown, "{path} {} has no help", argument.get_id());
            }
            command.get_subcommands().for_each(|inner| walk(inner, &path));
        }
        walk(&Args::command(), "");
    }
}

//! Options of `token`.

use clap::{Args, Subcommand};

use super::{Remote, parse};

/// Make, show and revoke tokens.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    Create(CreateToken),
    /// Show tokens: id, name and what each may do. Their text is not kept anywhere.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Make a token invalid, everywhere.
    Revoke {
        /// Its id, as `token list` shows it.
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print the hash of a token, for a configuration file. Asks nobody.
    #[command(after_long_help = "\
Examples:
  Make up a token, keep it, and put its hash into the configuration:
      TOKEN=$(openssl rand -hex 32)
      printf %s \"$TOKEN\" | littoral token hash

A token given as an argument can be seen by others of this machine; standard input cannot.")]
    Hash {
        /// The token; without it, it is read from standard input (one line).
        #[arg(value_parser = parse::token)]
        token: Option<String>,
    },
}

/// Make a token; prints its text, which is shown this once only.
#[derive(Debug, Args)]
#[command(group(
    clap::ArgGroup::new("scopes").required(true).multiple(true).args(["read", "write"])
))]
#[command(after_long_help = "\
Examples:
  One that may read every namespace, for a month:
      littoral token create dashboard --read '*' --expires 30d
  One that may write one namespace and read another:
      littoral token create deploy --write site --read config")]
pub struct CreateToken {
    /// What it is for.
    pub name: String,

    /// A namespace it may read, by title or id; `*`: all. May be given more than once.
    #[arg(long, value_name = "NAMESPACE")]
    pub read: Vec<String>,

    /// A namespace it may read and write, by title or id; `*`: all, and tokens too.
    #[arg(long, value_name = "NAMESPACE")]
    pub write: Vec<String>,

    /// How long it is valid: seconds, or a length of time such as "30d". Without it, for ever.
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub expires: Option<u64>,

    #[command(flatten)]
    pub remote: Remote,
}

//! Where a client command asks, and as whom.

use clap::Args;
use littoral_config::TimeSpan;
use littoral_types::Tenant;

use super::{DEV_ACCOUNT, DEV_TOKEN, DEV_URL, parse};

/// The node that is asked. The defaults are those of `littoral dev`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct Remote {
    /// Address of any location; http only.
    #[arg(long, value_name = "URL", env = "LITTORAL_URL", default_value = DEV_URL)]
    pub url: String,

    /// The token.
    #[arg(
        long,
        value_name = "TEXT",
        env = "LITTORAL_TOKEN",
        hide_env_values = true,
        default_value = DEV_TOKEN,
        value_parser = parse::token
    )]
    pub token: String,

    /// The account: 32 hexadecimal digits.
    #[arg(
        long,
        value_name = "ID",
        env = "LITTORAL_ACCOUNT",
        default_value = DEV_ACCOUNT,
        value_parser = parse::account
    )]
    pub account: Tenant,

    /// Longest wait for the beginning of an answer.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub timeout: TimeSpan,
}

/// A namespace at a node.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// The namespace, by title or id.
    #[arg(short, long, value_name = "NAMESPACE", env = "LITTORAL_NAMESPACE")]
    pub namespace: String,

    #[command(flatten)]
    pub remote: Remote,
}

//! `littoral kv`: keys and namespaces, over the API.

mod delete;
mod export;
mod get;
mod import;
mod list;
mod member;
mod namespace;
pub mod progress;
mod put;
mod watch;

use miette::Result;

use crate::args::KvCommand;

pub use get::{MIN_VERSION, minimum};
pub use member::printable;

pub async fn run(command: KvCommand) -> Result<()> {
    match command {
        KvCommand::Get(options) => get::run(options).await,
        KvCommand::Put(options) => put::run(options).await,
        KvCommand::Delete(options) => delete::run(options).await,
        KvCommand::List(options) => list::run(options).await,
        KvCommand::Import(options) => import::run(options).await,
        KvCommand::Export(options) => export::run(options).await,
        KvCommand::Watch(options) => watch::run(options).await,
        KvCommand::DeletePrefix(options) => delete::prefix(options).await,
        KvCommand::Purge(options) => delete::purge(options).await,
        KvCommand::Namespace(command) => namespace::run(command).await,
    }
}

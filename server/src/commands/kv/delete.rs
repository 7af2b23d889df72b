//! `littoral kv delete`, `delete-prefix` and `purge`: keys that go, and caches that ask anew.

use http::Method;
use miette::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::put::if_match;
use crate::args::{Delete, DeletePrefix, Purge};
use crate::client::{Call, Client, Namespace};
use crate::terminal;

pub async fn run(options: Delete) -> Result<()> {
    let condition = if_match(options.if_match.as_deref())?;
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    for key in &options.keys {
        let version = namespace.delete(key, condition.clone()).await?;
        terminal::say(&version)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Deleted {
    deleted_key_count: u64,
}

pub async fn prefix(options: DeletePrefix) -> Result<()> {
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let which = match &options.prefix {
        Some(prefix) => json!({ "prefix": prefix }),
        None => json!({ "everything": true }),
    };
    let call = Call::new(Method::POST, namespace.path("/delete_prefix")).json(&which);
    let Deleted { deleted_key_count } = client.result(call).await?;
    Ok(terminal::say(&format!("deleted {deleted_key_count} keys"))?)
}

pub async fn purge(options: Purge) -> Result<()> {
    let client = Client::new(&options.at.remote)?;
    let namespace = Namespace::resolve(&client, &options.at).await?;
    let mut which = json!({});
    if options.everything {
        which["everything"] = true.into();
    }
    if !options.keys.is_empty() {
        which["keys"] = options.keys.into();
    }
    if !options.prefixes.is_empty() {
        which["prefixes"] = options.prefixes.into();
    }
    let call = Call::new(Method::POST, namespace.path("/purge")).json(&which);
    let _: Value = client.result(call).await?;
    Ok(terminal::say("purged")?)
}

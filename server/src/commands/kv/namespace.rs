//! `littoral kv namespace`: the namespaces of the account.

use http::Method;
use miette::Result;
use serde_json::{Map, Value, json};

use super::member::printable;
use crate::args::{NamespaceCommand, PolicyChange, Remote};
use crate::client::{Call, Client, Error, Namespace, NamespaceInfo};
use crate::terminal;

pub async fn run(command: NamespaceCommand) -> Result<()> {
    match command {
        NamespaceCommand::List { json, remote } => list(&remote, json).await,
        NamespaceCommand::Create { title, if_absent, remote } => {
            create(&remote, &title, if_absent).await
        }
        NamespaceCommand::Rename { namespace, title, remote } => {
            let client = Client::new(&remote)?;
            let namespace = Namespace::named(&client, &namespace).await?;
            let body = json!({ "title": title });
            let call = Call::new(Method::PUT, namespace.path("")).json(&body);
            let _: Value = client.result(call).await?;
            Ok(terminal::say(&namespace.id)?)
        }
        NamespaceCommand::Delete { namespace, remote } => {
            let client = Client::new(&remote)?;
            let namespace = Namespace::named(&client, &namespace).await?;
            let _: Value = client.result(Call::new(Method::DELETE, namespace.path(""))).await?;
            Ok(terminal::say(&namespace.id)?)
        }
        NamespaceCommand::Policy { namespace, change, remote } => {
            policy(&remote, &namespace, &change).await
        }
    }
}

async fn list(remote: &Remote, json: bool) -> Result<()> {
    let client = Client::new(remote)?;
    for namespace in Namespace::all(&client).await? {
        let NamespaceInfo { id, title } = &namespace;
        terminal::say(&match json {
            true => serde_json::to_string(&namespace).expect("a namespace is JSON"),
            false => format!("{id}\t{}", printable(title)),
        })?;
    }
    Ok(())
}

async fn create(remote: &Remote, title: &str, if_absent: bool) -> Result<()> {
    let client = Client::new(remote)?;
    let target = client.account_path("/storage/kv/namespaces");
    let call = Call::new(Method::POST, target).json(&json!({ "title": title }));
    let id = match client.result::<NamespaceInfo>(call).await {
        Ok(made) => made.id,
        Err(error) if if_absent && error.is_taken_title() => titled(&client, title).await?,
        Err(error) => return Err(error.into()),
    };
    Ok(terminal::say(&id)?)
}

/// The id of the namespace of just this title, even when the title looks like an id.
async fn titled(client: &Client, title: &str) -> Result<String, Error> {
    let all = Namespace::all(client).await?;
    match all.into_iter().find(|namespace| namespace.title == title) {
        Some(found) => Ok(found.id),
        None => Namespace::named(client, title).await.map(|namespace| namespace.id),
    }
}

async fn policy(remote: &Remote, namespace: &str, change: &PolicyChange) -> Result<()> {
    let client = Client::new(remote)?;
    let namespace = Namespace::named(&client, namespace).await?;
    let mut policy: Map<String, Value> =
        client.result(Call::get(namespace.path("/policy"))).await?;
    if apply(&mut policy, change) {
        let call = Call::new(Method::PUT, namespace.path("/policy")).json(&policy);
        policy = client.result(call).await?;
    }
    for (name, value) in &policy {
        terminal::say(&format!("{name} = {value}"))?;
    }
    Ok(())
}

/// Whether anything was to be changed.
fn apply(policy: &mut Map<String, Value>, change: &PolicyChange) -> bool {
    let wanted = [
        ("refresh_s", change.refresh.map(Value::from)),
        ("cache_ttl_s", change.cache_ttl.map(Value::from)),
        ("cache_ttl_min_s", change.cache_ttl_min.map(Value::from)),
        ("expiration_ttl_min_s", change.expiration_ttl_min.map(Value::from)),
        ("absent_s", change.absent.map(Value::from)),
        ("stale_if_error_s", change.stale_if_error.map(Value::from)),
        ("compare", change.compare.map(Value::from)),
    ];
    let mut changed = false;
    for (name, value) in wanted {
        if let Some(value) = value {
            policy.insert(name.into(), value);
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_changes() {
        let mut policy = Map::from_iter([("refresh_s".to_owned(), json!(60))]);
        assert!(!apply(&mut policy, &PolicyChange::default()));
        let change = PolicyChange { compare: Some(true), ..PolicyChange::default() };
        assert!(apply(&mut policy, &change));
        assert_eq!(Value::Object(policy), json!({"refresh_s": 60, "compare": true}));
    }
}

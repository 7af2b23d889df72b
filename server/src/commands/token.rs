//! `littoral token`: who may do what.

use std::io::BufRead as _;

use http::Method;
use littoral_clock::Clock;
use miette::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{block_on, unless_stopped};
use crate::args::{CreateToken, Remote, TokenCommand, parse};
use crate::client::{Call, Client, Error, Namespace, percent};
use crate::failure::Failure;
use crate::terminal;

pub fn run(command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Hash { token } => hash(token),
        TokenCommand::Create(options) => block_on(unless_stopped(create(options))),
        TokenCommand::List { json, remote } => block_on(unless_stopped(list(remote, json))),
        TokenCommand::Revoke { id, remote } => block_on(unless_stopped(revoke(remote, id))),
    }
}

/// What a token may do in one namespace, or in all.
#[derive(Debug, Deserialize, Serialize)]
struct Scope {
    namespace: String,
    access: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    value: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Listed {
    id: String,
    name: String,
    #[serde(default)]
    scopes: Vec<Scope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Value>,
}

async fn create(options: CreateToken) -> Result<()> {
    let client = Client::new(&options.remote)?;
    let mut scopes = Vec::new();
    for (names, access) in [(&options.read, "read"), (&options.write, "write")] {
        for name in names {
            let namespace = scope_of(&client, name).await?;
            scopes.push(Scope { namespace, access: access.into() });
        }
    }
    let mut body = json!({ "name": options.name, "scopes": scopes });
    if let Some(seconds) = options.expires {
        let now = Clock::system().wall().seconds();
        body["expires_at"] = now.saturating_add(seconds).into();
    }
    let call = Call::new(Method::POST, client.account_path("/tokens")).json(&body);
    let Made { id, value } = client.result(call).await?;
    terminal::note(&format!("token {id} is made; this is the only time its text is shown:"));
    Ok(terminal::say(&value)?)
}

async fn scope_of(client: &Client, name: &str) -> Result<String, Error> {
    match name {
        "*" => Ok("*".into()),
        name => Namespace::named(client, name).await.map(|namespace| namespace.id),
    }
}

async fn list(remote: Remote, as_json: bool) -> Result<()> {
    let client = Client::new(&remote)?;
    let tokens: Vec<Listed> = client.result(Call::get(client.account_path("/tokens"))).await?;
    for token in &tokens {
        terminal::say(&match as_json {
            true => serde_json::to_string(token).expect("a token is JSON"),
            false => line(token),
        })?;
    }
    Ok(())
}

fn line(token: &Listed) -> String {
    let Listed { id, name, scopes, expires_at } = token;
    let scopes: Vec<_> =
        scopes.iter().map(|Scope { namespace, access }| format!("{access}:{namespace}")).collect();
    let expires = match expires_at {
        Some(Value::Null) | None => String::new(),
        Some(time) => format!("\texpires {time}"),
    };
    format!("{id}\t{name}\t{}{expires}", scopes.join(" "))
}

async fn revoke(remote: Remote, id: String) -> Result<()> {
    let client = Client::new(&remote)?;
    let target = client.account_path(&format!("/tokens/{}", percent(&id)));
    let _: Value = client.result(Call::new(Method::DELETE, target)).await?;
    Ok(terminal::say(&format!("revoked {id}"))?)
}

fn hash(token: Option<String>) -> Result<()> {
    let token = match token {
        Some(token) => token,
        None => read_line()?,
    };
    Ok(terminal::say(&hash_of(&token))?)
}

/// How a token is known where it is not to be read: in configuration files and in the store.
fn hash_of(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

fn read_line() -> Result<String> {
    let mut line = String::new();
    let next = "give the token on one line of standard input, or as an argument";
    std::io::stdin().lock().read_line(&mut line).map_err(|source| {
        Failure::new("littoral::input", "cannot read standard input", next).because(source)
    })?;
    let token = line.trim_end_matches(['\r', '\n']);
    parse::token(token).map_err(|why| Failure::new("littoral::input", why, next).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_the_example_shows() {
        let example = include_str!("../../../examples/serve.toml");
        assert!(example.contains(&hash_of("change-me")));
    }

    #[test]
    fn a_token_is_listed_with_what_it_may_do() {
        let token = json!({
            "id": "1", "name": "ci", "expires_at": 99,
            "scopes": [{"namespace": "*", "access": "read"}, {"namespace": "a", "access": "write"}],
        });
        let token: Listed = serde_json::from_value(token).expect("a token");
        assert_eq!(line(&token), "1\tci\tread:* write:a\texpires 99");
    }
}

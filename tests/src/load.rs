//! Many writers at many locations, until they are cut off; what each was told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::marked::{marked, number_of};
use crate::namespace::Namespace;
use crate::told::{Told, Tried};
use crate::wire::{Connection, Request, Response};

/// Keys that all writers share.
const SHARED_KEYS: u64 = 48;
/// Large enough to be a file of its own.
const LARGE: usize = 300_000;
const BULK: u64 = 8;

/// One writer's part of a load.
#[derive(Debug)]
pub struct Writer<'a> {
    pub namespace: Namespace,
    pub at: SocketAddr,
    pub chance: Chance,
    /// Gives each write its number, over all writers and rounds.
    pub numbers: &'a AtomicU64,
    /// Counts what is acknowledged.
    pub done: &'a AtomicU64,
}

impl Writer<'_> {
    /// Writes until the connection ends.
    ///
    /// # Panics
    /// When it is refused.
    pub fn write_until_cut(mut self) -> Told {
        let mut told = Told::default();
        let Ok(mut connection) = Connection::try_open(self.at) else { return told };
        loop {
            let goes_on = match self.chance.below(10) {
                0 => self.bulk(&mut connection, &mut told),
                1..3 => self.delete(&mut connection, &mut told),
                _ => self.put(&mut connection, &mut told),
            };
            if !goes_on {
                return told;
            }
        }
    }

    fn key(&mut self) -> String {
        format!("k{:02}", self.chance.below(SHARED_KEYS))
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn put(&mut self, connection: &mut Connection, told: &mut Told) -> bool {
        let (key, number) = (self.key(), self.number());
        let len = match self.chance.below(20) {
            0 => LARGE,
            1..6 => 5_000,
            _ => 100,
        };
        let request = self.namespace.value("PUT", &key).body(marked(&key, number, len));
        self.told(connection, &request, told, &[(key, number)], false)
    }

    fn delete(&mut self, connection: &mut Connection, told: &mut Told) -> bool {
        let (key, number) = (self.key(), self.number());
        let request = self.namespace.value("DELETE", &key);
        self.told(connection, &request, told, &[(key, number)], true)
    }

    fn bulk(&mut self, connection: &mut Connection, told: &mut Told) -> bool {
        let from = self.chance.below(SHARED_KEYS - BULK);
        let members: Vec<_> =
            (from..from + BULK).map(|n| (format!("k{n:02}"), self.number())).collect();
        let delete = self.chance.below(3) == 0;
        let request = if delete {
            let names: Vec<_> = members.iter().map(|(key, _)| key).collect();
            self.namespace.request("POST", "/bulk/delete").json(&json!(names))
        } else {
            let member = |(key, number): &(String, u64)| -> Value {
                let value = String::from_utf8(marked(key, *number, 200)).unwrap_or_default();
                json!({ "key": key, "value": value })
            };
            let members: Vec<_> = members.iter().map(member).collect();
            self.namespace.request("PUT", "/bulk").json(&json!(members))
        };
        self.told(connection, &request, told, &members, delete)
    }

    /// Sends it, and writes down what came back; whether the connection still stands.
    fn told(
        &self,
        connection: &mut Connection,
        request: &Request,
        told: &mut Told,
        members: &[(String, u64)],
        delete: bool,
    ) -> bool {
        let answer = connection.try_send(request).ok();
        if let Some(answer) = &answer {
            assert_eq!(answer.status, 200, "{} {}", answer.message(), self.at);
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        let of_one = answer.as_ref().filter(|_| members.len() == 1);
        let of_one = of_one.and_then(|answer| answer.header("littoral-version"));
        let mut stands = answer.is_some();
        for (key, number) in members {
            let mut version = of_one.map(str::to_owned);
            if version.is_none() && stands {
                // A bulk request is told its newest version only: each is looked up.
                match connection.try_send(&self.namespace.value("GET", key)) {
                    Ok(found) => version = version_if_ours(key, *number, delete, &found),
                    Err(_) => stands = false,
                }
            }
            told.add(key, Tried { number: *number, delete, version });
        }
        stands
    }
}

/// The version that is read, unless another writer was there since.
fn version_if_ours(key: &str, number: u64, delete: bool, found: &Response) -> Option<String> {
    let ours = match found.status {
        404 => delete,
        200 => {
            let whole = number_of(key, &found.body);
            assert!(whole.is_some(), "{key}: a torn value of {} bytes", found.body.len());
            whole == Some(number)
        }
        status => panic!("{key}: {status} {}", found.message()),
    };
    let version = found.header("etag").map(|tag| tag.trim_matches('"').to_owned());
    version.filter(|_| ours)
}

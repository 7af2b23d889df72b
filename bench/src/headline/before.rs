//! The component as it was: for each request the rules are looked up in a far store, then one check
//! follows the other, then the server of pages is asked. It keeps nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use littoral_tasks::Tasks;
use littoral_tests::{Relay, Relays, Weather, percent};

use super::model::{FAR_MS, ms};
use super::services::{Addresses, LEVEL, RESULT, Res, STUDENT, serve, with};
use crate::client::{Answer, Client};
use crate::serving::TOKEN;

/// The old component, running.
pub(super) struct Before {
    pub(super) address: SocketAddr,
    #[expect(dead_code, reason = "held while it runs")]
    far: Relay,
}

/// A map of redirects in the key-value store.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Of the namespace.
    pub(super) path: String,
    pub(super) status: u16,
}

struct EntryPoint {
    /// Far away: behind a relay.
    kv: Client,
    authorization: String,
    rules: Vec<Rules>,
    checks: Client,
    pages: Client,
    third_party: Client,
}

impl Before {
    /// `store`: the API of the location where the nearer store stands, which is far away.
    pub(super) async fn start(
        store: SocketAddr,
        rules: Vec<Rules>,
        services: Addresses,
        relays: &Relays,
        tasks: &Tasks,
    ) -> Result<Self> {
        let far = Weather::of_trip(ms(FAR_MS), std::time::Duration::ZERO);
        let far = relays.between(Ipv4Addr::LOCALHOST.into(), store, far)?;
        let component = Arc::new(EntryPoint {
            kv: Client::new(far.address(), "kv.example"),
            authorization: format!("Bearer {TOKEN}"),
            rules,
            checks: Client::new(services.checks, "checks.example"),
            pages: Client::new(services.pages, "pages.example"),
            third_party: Client::new(services.third_party, "third-party.example"),
        });
        let answer = move |request: Request<Incoming>| {
            let component = Arc::clone(&component);
            Box::pin(async move {
                component.answer(&request).await.unwrap_or_else(|error| {
                    with(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}").into())
                })
            }) as _
        };
        Ok(Self { address: serve(tasks, answer).await?, far })
    }
}

impl EntryPoint {
    async fn answer(&self, request: &Request<Incoming>) -> Result<Res> {
        let path = request.uri().path();
        if path.starts_with("/subtitles/") {
            return passed_on(self.third_party.get(path, &[]).await?);
        }
        for rules in &self.rules {
            if let Some(to) = self.lookup(rules, path).await? {
                let mut res = with(StatusCode::from_u16(rules.status)?, Bytes::new());
                res.headers_mut().insert(http::header::LOCATION, to.parse()?);
                return Ok(res);
            }
        }
        let student = request.headers().get(STUDENT);
        let student = student.map(|student| student.to_str()).transpose()?.unwrap_or_default();
        if path.starts_with("/api/") {
            let (mut found, mut level) = (Vec::new(), String::new());
            for check in ["a", "b", "c", "d", "e", "f"] {
                let result = self.check(check, student, &level).await?;
                if check == "a" {
                    level.clone_from(&result);
                }
                found.push(result);
            }
            let mut res = with(StatusCode::OK, Bytes::from_static(b"let in\n"));
            res.headers_mut().insert("x-checks", found.join(".").parse()?);
            return Ok(res);
        }
        if path.starts_with("/landing/") {
            let experiment = self.check("c", student, "").await?;
            let offer = self.check("e", student, "").await?;
            let mut res = passed_on(self.pages.get(path, &[]).await?)?;
            res.headers_mut().insert("x-checks", format!("{experiment}.{offer}").parse()?);
            return Ok(res);
        }
        passed_on(self.pages.get(path, &[]).await?)
    }

    /// What a set of rules says about a path.
    async fn lookup(&self, rules: &Rules, path: &str) -> Result<Option<String>> {
        let path = format!("{}/values/{}", rules.path, percent(path));
        let said = self.kv.get(&path, &[("authorization", &self.authorization)]).await?;
        match said.status {
            200 => Ok(Some(String::from_utf8(said.body)?)),
            404 => Ok(None),
            other => anyhow::bail!("the store answers {other}"),
        }
    }

    async fn check(&self, check: &str, student: &str, level: &str) -> Result<String> {
        let headers = [(STUDENT, student), (LEVEL, level)];
        let said = self.checks.get(&format!("/check/{check}"), &headers).await?;
        ensure!(said.status == 204, "the check {check} answers {}", said.status);
        Ok(said.header(RESULT).context("a check without its result")?.to_owned())
    }
}

fn passed_on(answer: Answer) -> Result<Res> {
    Ok(with(StatusCode::from_u16(answer.status)?, answer.body.into()))
}

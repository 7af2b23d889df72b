//! A node, its front, and what a client sends to it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use littoral_clock::Clock;
use littoral_control::{Account, Bootstrap, Control, Front, Options, hash};
use littoral_http::{Body, Call, Front as _, Interim, Places, Upload};
use littoral_kv::doors::{Access, Doors, Options as DoorOptions};
use littoral_kv::testing::Alone;
use littoral_tasks::Tasks;
use littoral_types::{Ctx, Tenant, Wall};
use serde_json::Value;

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const OTHER_ACCOUNT: &str = "fedcba9876543210fedcba9876543210";
pub(crate) const TOKEN: &str = "dev-token";
pub(crate) const OTHER_TOKEN: &str = "other-token";

pub(crate) struct World {
    pub(crate) alone: Alone,
    pub(crate) clock: Clock,
    front: Front,
    /// A namespace of [`ACCOUNT`].
    pub(crate) namespace: String,
    _dir: tempfile::TempDir,
}

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) reason: String,
    pub(crate) body: Bytes,
}

/// What is sent.
pub(crate) struct Ask {
    method: Method,
    target: String,
    headers: HeaderMap,
    parts: Vec<Bytes>,
    peer: SocketAddr,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(DoorOptions { open_on_loopback: true, ..DoorOptions::default() }).await
    }

    pub(crate) async fn with(doors: DoorOptions) -> Self {
        let clock = Clock::simulated(Wall(1_700_000_000_000), 0);
        let tasks = Tasks::new(clock.clone());
        let dir = tempfile::tempdir().expect("a folder");
        let alone = Alone::new(clock.clone(), tasks.clone(), &dir.path().join("staging"));
        let account = |id: &str| Tenant(u128::from_str_radix(id, 16).expect("an id"));
        let bootstrap = |id, token| Bootstrap {
            account: account(id),
            hash: hash(token),
            access: Access::Write,
        };
        let named = |id| Account { id: account(id), name: format!("account {id}") };
        let options = Options {
            accounts: vec![named(ACCOUNT), named(OTHER_ACCOUNT)],
            bootstrap: vec![bootstrap(ACCOUNT, TOKEN), bootstrap(OTHER_ACCOUNT, OTHER_TOKEN)],
            namespaces_per_account_max: 5,
            tokens_per_account_max: 5,
            ..Options::default()
        };
        let control = Control::new(alone.kv.clone(), options, doors);
        let places = Places::new(["here"]);
        let doors =
            Doors::new(alone.kv.clone(), std::sync::Arc::new(control.clone()), places, doors);
        let front = Front::new(doors, control);
        let namespace = String::new();
        let mut world = Self { alone, clock, front, namespace, _dir: dir };
        world.namespace = world.create("first").await;
        world
    }

    /// A namespace's id.
    pub(crate) async fn create(&self, title: &str) -> String {
        let made = self.post(NAMESPACES, &format!("{{\"title\":{title:?}}}")).await;
        made.result()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answered {
        let (head, body) = self.open(ask).await.into_parts();
        let reason = head.extensions.get::<littoral_http::ReasonPhrase>();
        Answered {
            status: head.status.as_u16(),
            reason: reason
                .map_or("", |reason| std::str::from_utf8(reason.as_bytes()).expect("UTF-8"))
                .to_owned(),
            headers: head.headers,
            body: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    /// The answer, its body still to come.
    pub(crate) async fn open(&self, ask: Ask) -> http::Response<Body> {
        let mut request = Request::new(());
        *request.method_mut() = ask.method;
        *request.uri_mut() = ask.target.parse().expect("a target");
        *request.headers_mut() = ask.headers;
        let (head, ()) = request.into_parts();
        let deadline = self.clock.after(std::time::Duration::from_secs(15));
        let ctx = Ctx { deadline, ..Ctx::default() };
        let body = Upload::ready(ask.parts, self.clock.clone());
        self.front
            .answer(Call { head, body, peer: ask.peer, ctx, interim: Interim::default() })
            .wait()
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send(Ask::rest(Method::GET, self.place(path))).await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Answered {
        self.send(Ask::rest(Method::PUT, self.place(path)).body(body.to_owned())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answered {
        self.send(Ask::rest(Method::POST, self.place(path)).body(body.to_owned())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answered {
        self.send(Ask::rest(Method::DELETE, self.place(path))).await
    }

    /// A path of its own from `/` on, else one below the namespace.
    pub(crate) fn place(&self, path: &str) -> String {
        if path.starts_with('/') {
            return path.replace("{account}", ACCOUNT);
        }
        format!("{}/{}/{path}", NAMESPACES.replace("{account}", ACCOUNT), self.namespace)
    }

    /// A request of the binding.
    pub(crate) fn binding(&self, method: Method, target: &str) -> Ask {
        Ask::new(method, target).header("littoral-namespace", &self.namespace)
    }
}

pub(crate) const NAMESPACES: &str = "/client/v4/accounts/{account}/storage/kv/namespaces";

impl Ask {
    pub(crate) fn new(method: Method, target: impl Into<String>) -> Self {
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        Self { method, target: target.into(), headers: HeaderMap::new(), parts: vec![], peer }
    }

    pub(crate) fn rest(method: Method, target: impl Into<String>) -> Self {
        Self::new(method, target).token(TOKEN)
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.parts.push(body.into());
        self
    }

    pub(crate) fn elsewhere(mut self) -> Self {
        self.peer = SocketAddr::from(([192, 0, 2, 1], 50_000));
        self
    }
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The result of a success.
    pub(crate) fn result(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["success"]), (200, &Value::Bool(true)), "{json}");
        json["result"].clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status and code of a refusal, whose envelope is checked.
    pub(crate) fn refusal(&self) -> (u16, u64) {
        let json = self.json();
        assert_eq!(json["success"], Value::Bool(false), "{json}");
        assert_eq!(json["result"], Value::Null, "{json}");
        assert!(!json["errors"][0]["message"].as_str().expect("a message").is_empty());
        (self.status, json["errors"][0]["code"].as_u64().expect("a code"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Takes a success for granted.
    pub(crate) fn ok(&self) -> &Self {
        assert!(StatusCode::from_u16(self.status).is_ok_and(|s| s.is_success()), "{}", self.text());
        self
    }
}

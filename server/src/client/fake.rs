//! A node that is none: keys in a map behind as much of the API as the commands' tests need.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use littoral_clock::Clock;
use littoral_tasks::{TaskKind, Tasks};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::args::{At, Remote};

pub const NAMESPACE: &str = "000000000000000000000000000000aa";

/// What a test makes of a request before the map sees it: a status to refuse it with.
type Fault = Box<dyn FnMut(&request::Parts, &Bytes) -> Option<u16> + Send>;

pub struct Fake {
    pub keys: Mutex<BTreeMap<String, Bytes>>,
    /// Method and target of each request.
    pub asked: Mutex<Vec<String>>,
    fault: Mutex<Fault>,
    tasks: Tasks,
    pub at: At,
}

impl Fake {
    pub async fn start(
        fault: impl FnMut(&request::Parts, &Bytes) -> Option<u16> + Send + 'static,
    ) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let remote = Remote {
            url: format!("http://{}", listener.local_addr().expect("bound")),
            token: "t".into(),
            account: littoral_types::Tenant(1),
            timeout: littoral_config::TimeSpan::seconds(10),
        };
        let fake = Arc::new(Self {
            keys: Mutex::default(),
            asked: Mutex::default(),
            fault: Mutex::new(Box::new(fault)),
            tasks: Tasks::new(Clock::system()),
            at: At { namespace: NAMESPACE.into(), remote },
        });
        let accepting = Arc::clone(&fake);
        fake.tasks.spawn(TaskKind::Follower, async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&accepting);
                let service = service_fn(move |request| Arc::clone(&fake).answer(request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                accepting.tasks.spawn(TaskKind::Follower, async move {
                    let _ = connection.await;
                });
            }
        });
        fake
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("whole").to_bytes();
        self.asked.lock().unwrap().push(format!("{} {}", head.method, head.uri));
        let refused = (self.fault.lock().unwrap())(&head, &body);
        let (status, text) = match refused {
            Some(status) => (status, problem(10_000 + u32::from(status))),
            None => self.route(&head, &body),
        };
        let mut answer = Response::new(Full::new(text));
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        answer.headers_mut().insert("littoral-version", "1-1".parse().expect("text"));
        Ok(answer)
    }

    fn route(&self, head: &request::Parts, body: &Bytes) -> (u16, Bytes) {
        let (_, path) = head.uri.path().split_once(NAMESPACE).unwrap_or_default();
        let mut keys = self.keys.lock().unwrap();
        match (
            head.method.as_str(),
            path.split_at(path[1..].find('/').map_or(path.len(), |at| at + 1)),
        ) {
            ("PUT", ("/bulk", _)) => {
                let members: Vec<Value> = serde_json::from_slice(body).expect("members");
                for member in &members {
                    let text = member["value"].as_str().expect("text");
                    let value = match member["base64"].as_bool() {
                        Some(true) => STANDARD.decode(text).expect("base64").into(),
                        _ => Bytes::from(text.to_owned()),
                    };
                    keys.insert(member["key"].as_str().expect("a key").into(), value);
                }
                ok(json!({"successful_key_count": members.len(), "unsuccessful_keys": []}))
            }
            ("PUT", ("/values", key)) => {
                keys.insert(decoded(&key[1..]), body.clone());
                ok(json!({}))
            }
            ("GET", ("/keys", _)) => ok(keys.keys().map(|name| json!({"name": name})).collect()),
            ("GET", ("/export", _)) => {
                let line = |(name, value): (&String, &Bytes)| match std::str::from_utf8(value) {
                    Ok(text) => json!({"name": name, "value": text}).to_string() + "\n",
                    Err(_) => {
                        let value = STANDARD.encode(value);
                        json!({"name": name, "value": value, "base64": true}).to_string() + "\n"
                    }
                };
                (200, keys.iter().map(line).collect::<String>().into())
            }
            _ => (404, problem(10009)),
        }
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().expect("text").into_owned()
}

fn ok(result: Value) -> (u16, Bytes) {
    (200, json!({"result": result, "success": true, "errors": []}).to_string().into())
}

fn problem(code: u32) -> Bytes {
    let errors = json!([{"code": code, "message": "no"}]);
    json!({"result": null, "success": false, "errors": errors}).to_string().into()
}

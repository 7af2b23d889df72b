//! What a location's listener hands requests to: its own few paths, else the doors.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use littoral_clock::Clock;
use littoral_control::{Control, Front as Inner};
use littoral_http::{Answer, Body, Call, Front, Refusal, Res, code};
use littoral_kv::doors::{Credentials, Directory as _, Doors};
use littoral_telemetry::metrics::{self, Registry};
use littoral_types::Ctx;
use littoral_zones::Zones;
use serde::{Deserialize, Serialize};

use crate::network::{Access, Error, Location};
use crate::node::{Node, Shared};
use crate::opening;

/// All locations of the process, once they are bound. Known under `/dev` only.
pub type Known = Arc<OnceLock<Arc<[Location]>>>;

/// A location's front.
pub struct Outer {
    inner: Inner,
    control: Control,
    own: Arc<Own>,
    /// Where zones are served.
    zones: Option<Zones>,
}

/// What the paths of its own answer from.
struct Own {
    clock: Clock,
    metrics: Registry,
    /// `None`: nothing under `/dev`.
    dev: Option<Known>,
}

/// Paths of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Health,
    Metrics,
    Locations,
    Clock,
}

/// The largest body of `PUT /dev/clock`.
const CLOCK_BYTES_MAX: u64 = 1_024;

impl Outer {
    /// # Errors
    /// When what is configured is no token or account.
    pub fn new(
        node: &Arc<Node>,
        shared: &Shared,
        access: &Access,
        dev: Option<Known>,
    ) -> Result<Self, Error> {
        let doors = opening::doors(&shared.limits, dev.is_some());
        let options = opening::control(access);
        let control = Control::new(node.kv.clone(), options, doors);
        let directory = Arc::new(control.clone());
        let doors = Doors::new(node.kv.clone(), directory, opening::places(shared), doors);
        let own = Own { clock: shared.clock.clone(), metrics: node.metrics.clone(), dev };
        let inner = Inner::new(doors, control.clone());
        Ok(Self { inner, control, own: Arc::new(own), zones: None })
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    /// From now on it answers for the API of zones too.
    pub fn with_zones(&mut self, zones: Zones) {
        self.zones = Some(zones);
    }

    /// Empties removed namespaces that an earlier run did not get to the end of.
    pub fn sweep(&self) -> impl Future<Output = ()> + use<> {
        self.control.clone().sweep()
    }

    fn own_path(&self, path: &str) -> Option<Path> {
        match path {
            "/healthz" => Some(Path::Health),
            "/metrics" => Some(Path::Metrics),
            "/dev/locations" if self.own.dev.is_some() => Some(Path::Locations),
            "/dev/clock" if self.own.dev.is_some() => Some(Path::Clock),
            _ => None,
        }
    }
}

impl Front for Outer {
    fn answer(&self, call: Call) -> Answer {
        if Inner::is_binding(&call.head.headers) {
            return self.inner.answer(call);
        }
        if let Some(zones) = self.zones.as_ref().filter(|_| Zones::is_api(call.head.uri.path())) {
            return zones.api(call);
        }
        let Some(path) = self.own_path(call.head.uri.path()) else {
            return self.inner.answer(call);
        };
        let (control, own) = (self.control.clone(), Arc::clone(&self.own));
        Answer::Later(own.serve(control, path, call))
    }
}

impl Own {
    fn serve(self: Arc<Self>, control: Control, path: Path, call: Call) -> BoxFuture<'static, Res> {
        Box::pin(async move {
            let local = call.peer.ip().is_loopback();
            let answer = match permit(&control, &call.ctx, &call.head.headers, local).await {
                Ok(()) => self.at(path, call).await,
                Err(refusal) => Err(refusal),
            };
            answer.unwrap_or_else(|refusal| refusal.envelope())
        })
    }

    async fn at(&self, path: Path, call: Call) -> Result<Res, Refusal> {
        match (path, &call.head.method) {
            (Path::Health, &Method::GET | &Method::HEAD) => Ok(text("text/plain", "ok\n".into())),
            (Path::Metrics, &Method::GET) => Ok(text(metrics::CONTENT_TYPE, self.metrics.encode())),
            (Path::Locations, &Method::GET) => Ok(self.locations()),
            (Path::Clock, &Method::GET) => Ok(self.now()),
            (Path::Clock, &Method::PUT) => self.move_clock(call).await,
            (Path::Health, _) => Err(Refusal::method("GET, HEAD")),
            (Path::Clock, _) => Err(Refusal::method("GET, PUT")),
            _ => Err(Refusal::method("GET")),
        }
    }

    fn locations(&self) -> Res {
        #[derive(Serialize)]
        struct Shown<'a> {
            name: &'a str,
            region: &'a str,
            address: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            zones: Option<String>,
        }
        let known = self.dev.as_ref().and_then(|known| known.get());
        let shown = |location: &'_ Location| -> serde_json::Value {
            let Location { name, region, address, zones } = location;
            let (address, zones) = (address.to_string(), zones.map(|zones| zones.to_string()));
            serde_json::to_value(Shown { name, region, address, zones })
                .expect("names and addresses are JSON")
        };
        let list: Vec<_> = known.into_iter().flat_map(|known| known.iter()).map(shown).collect();
        json(&list)
    }

    fn now(&self) -> Res {
        json(&serde_json::json!({ "now_ms": self.clock.wall().0 }))
    }

    /// Moves the clock of every location: all share it.
    async fn move_clock(&self, mut call: Call) -> Result<Res, Refusal> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Move {
            advance_ms: i64,
        }
        let body = call
            .body
            .collect(CLOCK_BYTES_MAX)
            .await
            .map_err(|error| Refusal::bad_request(code::BAD_BODY, error.to_string()))?;
        let moved: Move = serde_json::from_slice(&body).map_err(|error| {
            let why = format!("the clock takes {{\"advance_ms\": <whole number>}}: {error}");
            Refusal::bad_request(code::BAD_BODY, why)
        })?;
        self.clock.advance(moved.advance_ms);
        Ok(self.now())
    }
}

/// On this machine none is needed; a wrong token is refused everywhere.
async fn permit(
    control: &Control,
    ctx: &Ctx,
    headers: &HeaderMap,
    local: bool,
) -> Result<(), Refusal> {
    let credentials = Credentials::of(headers);
    if local && credentials == Credentials::None {
        return Ok(());
    }
    control.grant(ctx, credentials.token()?).await.map(drop)
}

fn json<T: Serialize + ?Sized>(value: &T) -> Res {
    text("application/json", serde_json::to_string(value).expect("plain values are JSON"))
}

fn text(kind: &'static str, text: String) -> Res {
    let mut res = http::Response::new(Body::from(text.into_bytes()));
    *res.status_mut() = StatusCode::OK;
    res.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    res
}

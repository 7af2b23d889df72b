//! The servers behind the component: the checks' service, the server of pages, the third party. Each
//! takes its time, and gives an answer that can be told right from wrong.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use littoral_clock::{Chance, Clock};
use littoral_tasks::{TaskKind, Tasks};
use tokio::net::TcpListener;

use super::model::{CHECK_MS, PAGES_MS, THIRD_PARTY_MS, drawn, ms};

pub(super) type Res = Response<Full<Bytes>>;

/// Who asks; a check answers each in another way.
pub(super) const STUDENT: &str = "x-student";
/// What A gives and D needs.
pub(super) const LEVEL: &str = "x-level";
pub(super) const RESULT: &str = "x-result";

const PAGE_BYTES: usize = 20 * 1024;
const ASSET_BYTES: usize = 40 * 1024;
const SUBTITLES_BYTES: usize = 2 * 1024;

/// Where they answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) checks: SocketAddr,
    pub(super) pages: SocketAddr,
    pub(super) third_party: SocketAddr,
}

pub(super) struct Services {
    pub(super) at: Addresses,
    called: Arc<AtomicUsize>,
}

impl Services {
    pub(super) async fn start(clock: &Clock, tasks: &Tasks) -> Result<Self> {
        let chance = Arc::new(Mutex::new(Chance::seeded(6)));
        let time = clock.clone();
        let checks = serve(tasks, move |request| {
            let took = drawn(CHECK_MS, &mut chance.lock().unwrap_or_else(PoisonError::into_inner));
            let time = time.clone();
            Box::pin(async move {
                time.sleep(took).await;
                check(&request)
            })
        });
        let time = clock.clone();
        let pages = serve(tasks, move |request| {
            let time = time.clone();
            Box::pin(async move {
                time.sleep(ms(PAGES_MS)).await;
                with(StatusCode::OK, content(request.uri().path()))
            })
        });
        let (called, time) = (Arc::new(AtomicUsize::new(0)), clock.clone());
        let counts = Arc::clone(&called);
        let third_party = serve(tasks, move |request| {
            counts.fetch_add(1, Ordering::AcqRel);
            let time = time.clone();
            Box::pin(async move {
                time.sleep(ms(THIRD_PARTY_MS)).await;
                with(StatusCode::OK, content(request.uri().path()))
            })
        });
        let at = Addresses {
            checks: checks.await?,
            pages: pages.await?,
            third_party: third_party.await?,
        };
        Ok(Self { at, called })
    }

    /// Calls to the third party since the last time.
    pub(super) fn called(&self) -> usize {
        self.called.swap(0, Ordering::AcqRel)
    }
}

/// What stands at a path.
pub(super) fn content(path: &str) -> Bytes {
    let len = match path {
        path if path.starts_with("/assets/") => ASSET_BYTES,
        path if path.starts_with("/subtitles/") => SUBTITLES_BYTES,
        _ => PAGE_BYTES,
    };
    path.bytes().chain([b'\n']).cycle().take(len).collect()
}

/// What a check finds out about a student; D about what A has found out.
pub(super) fn result(check: char, student: u64, level: Option<&str>) -> String {
    match check {
        'a' => format!("level-{}", student % 5),
        'd' => format!("plan-of-{}", level.unwrap_or("nobody")),
        other => format!("{other}-{}", (student * u64::from(other)) % 7),
    }
}

fn check(request: &Request<Incoming>) -> Res {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let student = header(STUDENT).and_then(|student| student.parse().ok());
    let check = request.uri().path().strip_prefix("/check/").and_then(|rest| rest.chars().next());
    let mut res = with(StatusCode::NO_CONTENT, Bytes::new());
    match student.zip(check).map(|(student, check)| result(check, student, header(LEVEL)).parse()) {
        Some(Ok(value)) => drop(res.headers_mut().insert(RESULT, value)),
        _ => *res.status_mut() = StatusCode::BAD_REQUEST,
    }
    res
}

pub(super) fn with(status: StatusCode, body: Bytes) -> Res {
    let mut res = Response::new(Full::new(body));
    *res.status_mut() = status;
    res
}

/// Answers on a free port for as long as the tasks live.
pub(super) async fn serve(
    tasks: &Tasks,
    answer: impl Fn(Request<Incoming>) -> BoxFuture<'static, Res> + Send + Sync + 'static,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (answer, spawner) = (Arc::new(answer), tasks.clone());
    tasks.spawn(TaskKind::Connection, async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let answer = Arc::clone(&answer);
            spawner.spawn(TaskKind::Connection, async move {
                let service = service_fn(|request| {
                    let answered = answer(request);
                    async move { Ok::<_, Infallible>(answered.await) }
                });
                // A client that goes away is no news.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

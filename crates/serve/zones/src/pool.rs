//! An upstream: servers that do the same, of which those that work are asked.

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, StatusCode, header};
use http_body::Body as _;
use littoral_clock::Clock;
use littoral_gateway::{
    Answered, Backend, Error, Limits, Sent, Trust, Upstream as Connections, nothing,
};
use littoral_tasks::{TaskKind, Tasks};

use crate::config::Upstream;
use server::Server;

/// A request adds a fifth of a second try to the budget, which holds ten at most: when everything
/// fails, the load grows by a fifth, not many times over.
const BUDGET_OF_A_TRY: u32 = 5;
const BUDGET_MAX: u32 = 10 * BUDGET_OF_A_TRY;

/// An upstream that runs.
pub struct Pool {
    pub(crate) config: Upstream,
    servers: Vec<Server>,
    host: Option<HeaderValue>,
    /// Where the search for a server begins.
    next: AtomicUsize,
    budget: AtomicU32,
    clock: Clock,
}

impl Pool {
    /// Begins to ask its servers for signs of life, until nobody holds it any more.
    pub fn start(
        config: Upstream,
        trust: Option<Trust>,
        clock: &Clock,
        tasks: &Tasks,
    ) -> Arc<Self> {
        let limits = Limits {
            connections_max: config.connections_max,
            answer_time: config.answer_time,
            ..Limits::default()
        };
        let server = |server: &crate::config::Server| {
            let (authority, clock, tasks) =
                (server.authority.clone(), clock.clone(), tasks.clone());
            let connections = match trust.clone().filter(|_| server.secure) {
                Some(trust) => Connections::secure(authority, trust, clock, tasks, limits),
                None => Connections::new(authority, clock, tasks, limits),
            };
            Server::new(server.authority.clone(), connections)
        };
        let pool = Arc::new(Self {
            servers: config.servers.iter().map(server).collect(),
            host: config.host.as_deref().and_then(|host| HeaderValue::from_str(host).ok()),
            next: AtomicUsize::new(0),
            budget: AtomicU32::new(BUDGET_MAX),
            clock: clock.clone(),
            config,
        });
        if let Some(health) = &pool.config.health {
            for at in 0..pool.servers.len() {
                let (pool, clock, health) = (Arc::downgrade(&pool), clock.clone(), health.clone());
                tasks.spawn(TaskKind::Probe, async move {
                    while let Some(pool) = pool.upgrade() {
                        pool.servers[at].probe(&health, pool.host(), &clock).await;
                        drop(pool);
                        clock.sleep(health.every).await;
                    }
                });
            }
        }
        pool
    }

    /// The host that its servers are told when there is no client's.
    pub(crate) fn host(&self) -> &str {
        let first = self.config.servers.first().map_or("", |server| &server.authority);
        self.config.host.as_deref().unwrap_or(first)
    }

    /// The server to ask: of those that work the one with the least to do, not `failed` if there is
    /// another. If none works, any: being wrong about all of them is likelier than all being down.
    fn pick(&self, failed: Option<usize>) -> usize {
        let (count, now) = (self.servers.len(), self.clock.mono());
        let from = self.next.fetch_add(1, Ordering::Relaxed);
        let order = || (0..count).map(|at| (from + at) % count);
        let works = |at: &usize| self.servers[*at].works(now);
        let least = |places: &mut dyn Iterator<Item = usize>| {
            places.min_by_key(|at| self.servers[*at].under_way())
        };
        let other = |at: &usize| Some(*at) != failed;
        least(&mut order().filter(other).filter(works))
            .or_else(|| least(&mut order().filter(works)))
            .or_else(|| least(&mut order().filter(other)))
            .unwrap_or(0)
    }

    /// Whether so few are left out by now that one more may be.
    fn may_eject(&self) -> bool {
        let now = self.clock.mono();
        let out = self.servers.iter().filter(|server| server.ejected(now)).count();
        (out + 1) * 2 <= self.servers.len()
    }

    fn earn(&self) {
        let earned = |budget: u32| (budget < BUDGET_MAX).then_some(budget + 1);
        // Full is full.
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    fn spend(&self) -> bool {
        let spent = |budget: u32| budget.checked_sub(BUDGET_OF_A_TRY);
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok()
    }

    async fn answer(&self, mut request: Request<Sent>) -> Result<Answered, Error> {
        if let Some(host) = &self.host {
            request.headers_mut().insert(header::HOST, host.clone());
        }
        self.earn();
        let again = repeatable(&request);
        let (mut failed, mut left) = (None, self.config.retries);
        loop {
            let at = self.pick(failed);
            let server = &self.servers[at];
            let answered = server.ask(request).await;
            let bad = is_failure(&answered);
            // That all our connections are taken is not the server's fault.
            if !matches!(answered, Err(Error::Busy(_))) {
                server.judged(bad, &self.config, self.clock.mono(), || self.may_eject());
            }
            let Some(head) = again.as_ref().filter(|_| bad && left > 0) else { return answered };
            let nowhere_else = self.servers.len() == 1 && answered.is_ok();
            if nowhere_else || !self.spend() {
                return answered;
            }
            left -= 1;
            failed = Some(at);
            request = copy(head);
        }
    }
}

impl Backend for Pool {
    fn ask(&self, request: Request<Sent>) -> BoxFuture<'_, Result<Answered, Error>> {
        Box::pin(self.answer(request))
    }
}

fn is_failure(answered: &Result<Answered, Error>) -> bool {
    match answered {
        Ok(answered) => matches!(
            answered.head.status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(_) => true,
    }
}

/// The head of a request that may be sent twice: nothing is changed by it, and it has no body.
fn repeatable(request: &Request<Sent>) -> Option<Request<()>> {
    let repeatable = request.method().is_idempotent() && request.body().is_end_stream();
    repeatable.then(|| {
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        head
    })
}

fn copy(head: &Request<()>) -> Request<Sent> {
    let mut request = Request::new(nothing());
    *request.method_mut() = head.method().clone();
    *request.uri_mut() = head.uri().clone();
    *request.headers_mut() = head.headers().clone();
    request
}

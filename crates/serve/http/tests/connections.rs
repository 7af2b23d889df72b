//! What a client on a real socket sees of a server: limits, bodies, and a drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use littoral_clock::{Chance, Clock};
use littoral_http::{Answer, Body, Call, Front, Options, Refusal, Res, Server, UploadError};
use littoral_tasks::{Shutdown, Tasks};
use littoral_telemetry::metrics::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// Answers by path.
struct Paths {
    release: Arc<Notify>,
    seen: mpsc::Sender<String>,
}

const UPLOAD_MAX: u64 = 1_000;

impl Front for Paths {
    fn answer(&self, mut call: Call) -> Answer {
        let path = call.head.uri.path().to_owned();
        let (release, seen) = (Arc::clone(&self.release), self.seen.clone());
        match path.as_str() {
            "/now" => Answer::Ready(Response::new(Body::from(Bytes::from_static(b"now")))),
            "/wait" => Answer::Later(Box::pin(async move {
                seen.send(path).await.expect("the test listens");
                release.notified().await;
                Response::new(Body::from(Bytes::from_static(b"waited")))
            })),
            "/live" => Answer::Ready(Response::new(Body::live(Box::pin(
                futures_util::stream::unfold(true, |first| async move {
                    if !first {
                        std::future::pending::<()>().await;
                    }
                    Some((Ok(Bytes::from_static(b"tick")), false))
                }),
            )))),
            "/upload" => Answer::Later(Box::pin(async move {
                let collected = call.body.collect(UPLOAD_MAX).await;
                seen.send(format!("{collected:?}")).await.expect("the test listens");
                let res = match collected {
                    Ok(bytes) => Response::new(Body::from(bytes.len().to_string().into_bytes())),
                    Err(UploadError::TooLarge { len, .. }) => status(len.to_string(), 413),
                    Err(error) => status(error.to_string(), 400),
                };
                call.body.drain().await;
                res
            })),
            _ => Answer::Ready(Refusal::no_route().envelope()),
        }
    }
}

fn status(text: String, code: u16) -> Res {
    let mut res = Response::new(Body::from(text.into_bytes()));
    *res.status_mut() = StatusCode::from_u16(code).expect("a status");
    res
}

struct Started {
    address: SocketAddr,
    shutdown: Shutdown,
    release: Arc<Notify>,
    seen: mpsc::Receiver<String>,
    running: JoinHandle<bool>,
    registry: Registry,
}

#[expect(clippy::disallowed_methods, reason = "a test owns its runtime")]
fn start(options: Options) -> Started {
    let clock = Clock::system();
    let tasks = Tasks::new(clock.clone());
    let release = Arc::new(Notify::new());
    let (sender, seen) = mpsc::channel(16);
    let front = Arc::new(Paths { release: Arc::clone(&release), seen: sender });
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(any, options, front, clock, tasks, Chance::seeded(1)).expect("free");
    let registry = Registry::new("here");
    let server = server.counted(&registry);
    let shutdown = Shutdown::new();
    let address = server.local_addr();
    let running = tokio::spawn(server.run(shutdown.clone()));
    Started { address, shutdown, release, seen, running, registry }
}

impl Started {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("accepted")
    }

    /// Sends `request` on a connection of its own and reads to the end of what comes back.
    async fn talk(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sent");
        rest(&mut stream).await
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset after the answer ends it too.
    let _ = stream.read_to_end(&mut all).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads until `mark` has come.
async fn until(stream: &mut TcpStream, mark: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(mark) {
        let mut part = [0; 4096];
        let len = stream.read(&mut part).await.expect("readable");
        assert!(len > 0, "closed before {mark}: {}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&part[..len]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_taken_port_is_named_and_the_way_out_too() {
    let started = start(Options::default());
    let clock = Clock::system();
    let (sender, _) = mpsc::channel(1);
    let front = Arc::new(Paths { release: Arc::new(Notify::new()), seen: sender });
    let again = Server::bind(
        started.address,
        Options::default(),
        front,
        clock.clone(),
        Tasks::new(clock),
        Chance::seeded(1),
    );
    let error = again.err().expect("taken").to_string();
    assert!(error.starts_with(&format!("{} is taken", started.address)), "{error}");
    assert!(error.ends_with("choose another with --listen"), "{error}");
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_turn() {
    let started = start(Options::default());
    let one = "GET /now HTTP/1.1\r\nhost: a\r\n\r\n";
    let last = "GET /now HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = started.talk(&format!("{one}{one}{last}")).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches("\r\n\r\nnow").count(), 3, "{answers}");
}

#[tokio::test]
async fn a_head_request_has_the_length_and_no_body() {
    let started = start(Options::default());
    let answer = started.talk("HEAD /now HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_head_over_its_limits_is_refused() {
    let started = start(Options { head_bytes_max: 8_192, headers_max: 10, ..Options::default() });
    // Not a byte more than is read, or the reset that follows would take the answer with it.
    let long = format!("{:a<8192}", "GET /now HTTP/1.1\r\nx: ");
    let answer = started.talk(&long).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many = format!("GET /now HTTP/1.1\r\n{}\r\n", "x: a\r\n".repeat(11));
    assert!(started.talk(&many).await.starts_with("HTTP/1.1 431"));
    assert!(started.talk("what is this\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_connection_above_the_limit_is_told_so() {
    let started = start(Options { connections_max: 1, ..Options::default() });
    let mut first = started.connect().await;
    first.write_all(b"GET /now HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    until(&mut first, "now").await;
    let mut second = started.connect().await;
    let answer = rest(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_after_its_time() {
    let started = start(Options { idle_max: Duration::from_millis(20), ..Options::default() });
    let mut silent = started.connect().await;
    let mut halting = started.connect().await;
    halting.write_all(b"GET /now HT").await.expect("sent");
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(rest(&mut halting).await, "");
}

#[tokio::test]
async fn a_request_that_takes_longer_than_the_idle_time_is_answered() {
    let mut started = start(Options { idle_max: Duration::from_millis(5), ..Options::default() });
    let mut stream = started.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    started.seen.recv().await.expect("begun");
    let mut silent = started.connect().await;
    assert_eq!(rest(&mut silent).await, "");
    started.release.notify_one();
    until(&mut stream, "waited").await;
}

#[tokio::test]
async fn a_drain_finishes_what_has_begun_and_closes_the_rest() {
    let mut started = start(Options::default());
    let mut unused = started.connect().await;
    let mut idle = started.connect().await;
    idle.write_all(b"GET /now HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    until(&mut idle, "now").await;
    let mut live = started.connect().await;
    live.write_all(b"GET /live HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    until(&mut live, "tick").await;
    let mut begun = started.connect().await;
    begun.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    started.seen.recv().await.expect("begun");
    started.shutdown.signal();
    assert_eq!(rest(&mut unused).await, "");
    assert_eq!(rest(&mut idle).await, "");
    assert!(rest(&mut live).await.ends_with("0\r\n\r\n"), "a live stream ends properly");
    assert!(!started.running.is_finished());
    started.release.notify_one();
    assert!(rest(&mut begun).await.ends_with("waited"));
    assert!(started.running.await.expect("no panic"), "drained in time");
    assert!(TcpStream::connect(started.address).await.is_err());
}

#[tokio::test]
async fn who_asks_just_after_the_drain_began_is_answered_and_told_to_close() {
    let farewell_time = Duration::from_secs(5);
    let started = start(Options { farewell_time, ..Options::default() });
    let mut idle = started.connect().await;
    idle.write_all(b"GET /now HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    until(&mut idle, "now").await;
    started.shutdown.signal();
    let mut late = started.connect().await;
    for stream in [&mut idle, &mut late] {
        stream.write_all(b"GET /now HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
        let answer = rest(stream).await;
        assert!(answer.contains("connection: close") && answer.ends_with("now"), "{answer}");
    }
}

#[tokio::test]
async fn a_drain_ends_when_its_time_is_over() {
    let mut started = start(Options { drain_time: Duration::from_millis(5), ..Options::default() });
    let mut begun = started.connect().await;
    begun.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    started.seen.recv().await.expect("begun");
    started.shutdown.signal();
    assert!(!started.running.await.expect("no panic"), "one request was cut");
    assert_eq!(rest(&mut begun).await, "");
}

#[tokio::test]
async fn a_body_over_the_limit_is_read_to_its_end_and_its_length_told() {
    let started = start(Options::default());
    let body = "a".repeat(3_000_000);
    let head = "POST /upload HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    let declared =
        started.talk(&format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
    assert!(declared.starts_with("HTTP/1.1 413") && declared.ends_with("3000000"), "{declared}");
    let chunked =
        format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let chunked = started.talk(&chunked).await;
    assert!(chunked.starts_with("HTTP/1.1 413") && chunked.ends_with("3000000"), "{chunked}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let started = start(Options::default());
    let asked =
        "POST /upload HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5000\r\n\r\n";
    let answer = started.talk(asked).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_body_cut_short_is_an_error_never_a_shorter_body() {
    for head in ["content-length: 10\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n5\r\nabc"] {
        let mut started = start(Options::default());
        let mut stream = started.connect().await;
        let request = format!("POST /upload HTTP/1.1\r\nhost: a\r\n{head}");
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("closed");
        let seen = started.seen.recv().await.expect("told");
        assert_eq!(seen, "Err(Cut)");
    }
}

#[tokio::test]
async fn a_body_that_stops_is_given_up() {
    let mut started = start(Options { pause_max: Duration::from_millis(5), ..Options::default() });
    let mut stream = started.connect().await;
    stream
        .write_all(b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
        .await
        .expect("sent");
    let seen = started.seen.recv().await.expect("told");
    assert!(seen.starts_with("Err(Slow"), "{seen}");
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_trace_is_shown_to_who_asked_with_one() {
    let started = start(Options::default());
    let asked = "GET /now HTTP/1.1\r\nconnection: close\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
    let answer = started.talk(asked).await;
    assert!(answer.contains("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"), "{answer}");
    let plain = started.talk("GET /now HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(!plain.contains("traceparent"), "{plain}");
}

#[tokio::test]
async fn what_happens_is_counted() {
    let started = start(Options { connections_max: 1, ..Options::default() });
    let mut first = started.connect().await;
    first.write_all(b"GET /now HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n").await.expect("sent");
    until(&mut first, "404 Not Found").await;
    let mut second = started.connect().await;
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 503"));
    let text = started.registry.encode();
    for line in [
        "littoral_http_requests_total{location=\"here\",status=\"2xx\"} 1",
        "littoral_http_requests_total{location=\"here\",status=\"4xx\"} 1",
        "littoral_http_connections{location=\"here\"} 1",
        "littoral_http_connections_shed_total{location=\"here\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

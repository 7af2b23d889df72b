//! Many who ask for the same: one question if the answer may be shared, and nobody waits if not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier, Condvar, Mutex};

use littoral_tests::{Connection, Proxy, Request, Site, answer};

/// Who waits until so many have come.
struct Gate(Mutex<usize>, Condvar);

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(0), Condvar::new()))
    }

    /// Comes, and waits until `all` have.
    fn pass(&self, all: usize) {
        let mut come = self.0.lock().expect("nobody panicked");
        *come += 1;
        self.1.notify_all();
        while *come < all {
            come = self.1.wait(come).expect("nobody panicked");
        }
    }
}

/// So many at once, each on a connection of its own; what each was answered.
fn herd(proxy: &Proxy, many: usize) -> Vec<String> {
    let together = Barrier::new(many);
    std::thread::scope(|scope| {
        let ask = || {
            let mut connection = Connection::open(proxy.address());
            together.wait();
            connection.send(&Request::new("GET", "/")).expect(200).text().to_owned()
        };
        let all: Vec<_> = (0..many).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    })
}

#[test]
fn a_herd_reaches_the_site_once() {
    let (go, wait) = sync_channel(1);
    let wait = Mutex::new(wait);
    let site = Site::start(move |_, to| {
        wait.lock().unwrap().recv().expect("told to go on");
        answer(to, "200 OK", &[("Cache-Control", "max-age=1000")], b"body")
    });
    let proxy = Proxy::before(&site);
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| herd(&proxy, 100));
        // The site has been asked, and by whoever comes it is not asked again.
        littoral_tests::until("the site is asked", std::time::Duration::from_secs(60), || {
            (!site.asked().is_empty()).then_some(())
        });
        go.send(()).expect("the site waits");
        let answers = answers.join().expect("all answered");
        assert!(answers.iter().all(|answer| answer == "body"));
    });
    assert_eq!(site.asked().len(), 1);
}

#[test]
fn those_who_wait_for_what_proves_uncacheable_then_ask_all_at_once() {
    const MANY: usize = 40;
    let (gate, count) = (Gate::new(), Mutex::new(0));
    let waits = Arc::clone(&gate);
    let site = Site::start(move |_, to| {
        let number = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count
        };
        // The first answers alone; all others only once all others are here: one after the other, they
        // would wait for ever.
        if number > 1 {
            waits.pass(MANY - 1);
        }
        answer(to, "200 OK", &[("Cache-Control", "no-store")], number.to_string().as_bytes())
    });
    let proxy = Proxy::before(&site);
    let mut answers = herd(&proxy, MANY);
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), MANY, "each has an answer of its own");
}

#[test]
fn a_second_reader_reads_what_has_come_before_the_rest_has() {
    let (go, wait) = sync_channel::<()>(1);
    let wait = Mutex::new(wait);
    let site = Site::start(move |_, to| {
        to.write_all(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=1000\r\nContent-Length: 10\r\n\r\nfirst",
        )?;
        wait.lock().unwrap().recv().expect("told to go on");
        to.write_all(b"later")?;
        Ok(true)
    });
    let proxy = Proxy::before(&site);
    let mut readers = [open(&proxy), open(&proxy)];
    for reader in &mut readers {
        assert_eq!(read_until(reader, "first").matches("200 OK").count(), 1);
    }
    go.send(()).expect("the site waits");
    for reader in &mut readers {
        read_until(reader, "later");
    }
    assert_eq!(site.asked().len(), 1);
    assert_eq!(proxy.get("/").text(), "firstlater");
    assert_eq!(site.asked().len(), 1);
}

fn open(proxy: &Proxy) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").expect("it reads");
    stream
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        stream.read_exact(&mut byte).expect("more comes");
        text.push(byte[0]);
    }
    String::from_utf8(text).expect("text")
}

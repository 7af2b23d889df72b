//! An unchanged `workerd` whose KV binding points at an edge works, errors' texts included.

use std::net::SocketAddr;

use littoral_tests::{Clients, Dev, Ended, Namespace, TOKEN, run};

/// Runs every test of the Worker, its binding pointed at one location.
#[track_caller]
fn worker(dev: &Dev, namespace: &Namespace, at: SocketAddr) -> Ended {
    let clients = Clients::of(dev);
    clients.script("workerd/worker.js");
    let config = String::from_utf8(clients.read("workerd/config.capnp")).expect("text");
    let config = config
        .replace("ADDRESS", &at.to_string())
        .replace("NAMESPACE", &namespace.id)
        .replace("TOKEN", TOKEN);
    let config = clients.file("config.capnp", config);
    run(&mut clients.workerd(&["test", config.to_str().expect("a plain path")]), b"")
}

#[test]
fn a_worker_sees_at_the_first_location_what_the_real_service_shows() {
    let dev = Dev::start();
    let namespace = dev.namespace("worker");
    let ended = worker(&dev, &namespace, dev.address()).well();
    assert_eq!(ended.said().matches("[ PASS ]").count(), 10, "{}", ended.said());
    assert_eq!(namespace.names(""), [""; 0], "every test of the Worker tidies up");
}

#[test]
fn a_worker_sees_the_same_at_the_last_location() {
    let dev = Dev::start();
    let last = dev.locations().last().expect("a location").address;
    worker(&dev, &dev.namespace("worker"), last).well();
}

//! A node without the right certificate gets nothing; one whose certificate is replaced goes on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use littoral_tests::{
    Ended, Namespace, Network, NetworkOptions, Node, Response, Stopwatch, littoral, run, until,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
/// For one that must not answer.
const SILENCE: Duration = Duration::from_secs(10);

fn network() -> Network {
    Network::start(&NetworkOptions { postgres: false, ..NetworkOptions::default() })
}

fn curl(node: &Node, certificates: Option<&Path>) -> Ended {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--insecure", "--http2", "--max-time", "10"]);
    if let Some(folder) = certificates {
        command.arg("--cert").arg(folder.join("node.pem"));
        command.arg("--key").arg(folder.join("node.key"));
    }
    let path = format!("https://{}/ping", node.peers);
    run(command.args(["--output", "/dev/null", "--write-out", "%{http_code}", &path]), b"")
}

fn certificates(network: &Network, node: &Node) -> std::path::PathBuf {
    network.dir().join("nodes").join(&node.name).join("certificates")
}

/// Gives a node a certificate with its own name.
fn issue(authority: &Path, network: &Network, node: &Node, days: &str) {
    let identity = format!("littoral://example/{}/{}/{}", node.region, node.location, node.name);
    let mut command = littoral();
    command.args(["ca", "issue"]).arg(authority).arg(identity).arg("--out");
    run(command.arg(certificates(network, node)).args(["--days", days]), b"").well();
}

/// A read that this node can't answer alone.
fn read(namespace: &Namespace, node: &Node, key: &str) -> Response {
    let at = namespace.at(node.address);
    at.send(&at.value("GET", key))
}

fn restart(network: &Network, node: &Node) {
    network.kill(&node.name);
    network.up(&[&node.name]);
}

#[test]
fn whoever_has_no_certificate_of_the_network_gets_nothing() {
    let network = network();
    let asked = &network.nodes()[2];

    let mut plain = TcpStream::connect(asked.peers).expect("it listens");
    plain.set_read_timeout(Some(SILENCE)).expect("a time");
    plain.write_all(b"GET /ping HTTP/1.1\r\nHost: node\r\n\r\n").expect("taken");
    let mut said = Vec::new();
    // It may end by breaking.
    let _ = plain.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("HTTP"), "{said}");

    let none = curl(asked, None).badly();
    assert_eq!(none.text(), "000", "{}", none.said());
    let foreign = tempfile::tempdir().expect("a folder");
    let authority = foreign.path().join("authority");
    run(littoral().args(["ca", "init", "--network", "example"]).arg(&authority), b"").well();
    let identity = "littoral://example/europe/lhr/lhr-1";
    let mut issued = littoral();
    issued.args(["ca", "issue"]).arg(&authority).args([identity, "--out"]).arg(foreign.path());
    run(&mut issued, b"").well();
    let stranger = curl(asked, Some(foreign.path())).badly();
    assert_eq!(stranger.text(), "000", "{}", stranger.said());
    // The same question with a right one is answered, so it was not the question.
    let member = curl(asked, Some(&certificates(&network, &network.nodes()[0]))).well();
    assert_ne!(member.text(), "000", "{}", member.said());
}

#[test]
fn a_node_whose_certificate_is_not_believed_is_shut_out_until_it_has_another() {
    let network = network();
    let namespace = network.namespace("believed", &json!({ "refresh_s": 1 }));
    let node = network.nodes().last().expect("eight of them");
    for key in ["before", "foreign", "expired", "after"] {
        namespace.put(key, key);
    }
    assert_eq!(read(&namespace, node, "before").expect(200).text(), "before");
    let own = network.dir().join("authority");

    // Of another authority that calls itself the same.
    let foreign = network.dir().join("foreign");
    run(littoral().args(["ca", "init", "--network", "example"]).arg(&foreign), b"").well();
    issue(&foreign, &network, node, "30");
    restart(&network, node);
    assert_eq!(read(&namespace, node, "foreign").status, 503);

    // Of ours, and no longer valid.
    issue(&own, &network, node, "0");
    let issued = Stopwatch::start();
    until("the second in which it was made is over", PATIENCE, || {
        (issued.elapsed() > Duration::from_secs(1)).then_some(())
    });
    restart(&network, node);
    assert_eq!(read(&namespace, node, "expired").status, 503);
    // Nobody else minds.
    for other in &network.nodes()[..3] {
        assert_eq!(read(&namespace, other, "expired").expect(200).text(), "expired");
    }

    // A new one, without a restart.
    let before = network.id(&node.name);
    issue(&own, &network, node, "30");
    network.reload(&node.name);
    until("the node is believed again", PATIENCE, || {
        let answer = read(&namespace, node, "after");
        (answer.status == 200).then(|| assert_eq!(answer.text(), "after"))
    });
    assert_eq!(network.id(&node.name), before);
    assert!(network.runs(&node.name));
    fs::remove_dir_all(foreign).expect("a folder of ours");
}

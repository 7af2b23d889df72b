//! The npm SDK, unchanged, works against the REST API.

use littoral_tests::{Clients, Dev, run};

#[test]
fn every_method_of_the_npm_sdk_does_what_it_says() {
    let dev = Dev::start();
    let clients = Clients::of(&dev);
    let ended =
        run(&mut clients.node(&["--test", "--test-reporter=spec"], "npm-sdk.mjs"), b"").well();
    assert!(
        ended.text().contains("ℹ pass 7") && ended.text().contains("ℹ fail 0"),
        "{}",
        ended.text()
    );
}

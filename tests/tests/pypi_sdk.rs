//! The PyPI SDK, unchanged, works against the REST API.

use littoral_tests::{Clients, Dev, run};

#[test]
fn every_method_of_the_pypi_sdk_does_what_it_says() {
    let dev = Dev::start();
    let clients = Clients::of(&dev);
    let ended = run(&mut clients.python("pypi_sdk.py"), b"").well();
    assert!(ended.stderr.contains("Ran 7 tests"), "{}", ended.stderr);
}

//! A write that waits is known at every place it says, when it is answered.

use littoral_tests::{Dev, Namespace};

#[test]
fn a_write_that_waits_for_everywhere_is_seen_at_every_location_by_plain_reads() {
    let dev = Dev::start();
    let namespace = dev.namespace("waits");
    let seen: Vec<Namespace> =
        dev.locations().iter().map(|one| namespace.at(one.address)).collect();
    namespace.put("k", "first");
    for (n, writer) in seen.iter().enumerate() {
        // Held at every edge, fresh for a minute: the next plain read would serve it.
        let before = writer.get("k");
        assert!(seen.iter().all(|at| at.get("k").is_some()), "held everywhere: {before:?}");
        let value = format!("written at {n}");
        let put = writer.request("PUT", "/values/k?wait=everywhere").body(value.clone());
        let answer = writer.send(&put).expect(200);
        assert_eq!(answer.header("littoral-reached"), Some("8;of=8"));
        for at in &seen {
            assert_eq!(at.get("k").as_deref(), Some(value.as_bytes()));
        }
    }
    let delete = namespace.request("DELETE", "/values/k?wait=everywhere");
    assert_eq!(namespace.send(&delete).expect(200).header("littoral-reached"), Some("8;of=8"));
    assert!(seen.iter().all(|at| at.get("k").is_none()));
}

#[test]
fn a_write_that_waits_for_the_regions_is_told_to_one_location_in_each() {
    let dev = Dev::start();
    let namespace = dev.namespace("waits");
    let put = |query: &str| {
        namespace.send(&namespace.request("PUT", &format!("/values/k{query}")).body("v"))
    };
    assert_eq!(put("?wait=regional").expect(200).header("littoral-reached"), Some("4;of=4"));
    assert_eq!(put("").expect(200).header("littoral-reached"), None);
    let before = namespace.get("k");
    let refused = put("?wait=yes").expect(400);
    assert_eq!(refused.code(), Some(10432));
    assert!(refused.message().contains("everywhere"), "{}", refused.message());
    assert_eq!(namespace.get("k"), before, "nothing was written");
}

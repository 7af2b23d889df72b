//! Namespaces: what must be refused, where nothing is, and pages of them.

use littoral_tests::{ACCOUNT, ANY, Case, Dev, Request, TOKEN, check};
use serde_json::json;

#[test]
fn titles_are_required_short_and_unique() {
    let dev = Dev::of(1);
    let first = dev.namespace("first");
    dev.namespace("second");
    let create = |body| dev.request("POST", "/storage/kv/namespaces").json(&body);
    let rename = |body| first.request("PUT", "").json(&body);
    let long = "t".repeat(513);
    check(
        dev.address(),
        &[
            Case::new(create(json!({})), &[400], Some(10019), ""),
            Case::new(create(json!({ "title": "" })), &[400], Some(10019), ""),
            Case::new(create(json!({ "title": 7 })), &[400], None, ""),
            Case::new(create(json!([])), &[400], None, ""),
            Case::new(create(json!({ "title": long })), &[400], None, "512"),
            Case::new(
                create(json!({ "title": "first" })),
                &[400],
                Some(10014),
                "a namespace with this account ID and title already exists",
            ),
            Case::new(rename(json!({ "title": "" })), &[400], Some(10019), ""),
            Case::new(rename(json!({ "title": "second" })), &[400], Some(10014), "already exists"),
            Case::new(dev.request("POST", "/storage/kv/namespaces").body("{"), &[400], None, ""),
        ],
    );
    let list = dev.request("GET", "/storage/kv/namespaces?order=title").send(dev.address());
    let titles: Vec<_> = list.expect(200).json()["result"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|one| one["title"].clone())
        .collect();
    assert_eq!(titles, ["first", "second"]);
    // Its own title again is no clash, and a title given up is free.
    first.send(&rename(json!({ "title": "first" }))).expect(200);
    let answer = first.send(&rename(json!({ "title": "third" }))).expect(200).json();
    assert_eq!(answer["result"]["title"], "third");
    dev.namespace("first");
}

#[test]
fn unknown_namespaces_are_not_found_by_any_operation() {
    let dev = Dev::of(1);
    let ghost = "ffffffffffffffffffffffffffffffff";
    let request = |method: &str, tail: &str| {
        dev.request(method, &format!("/storage/kv/namespaces/{ghost}{tail}"))
    };
    let case = |request, says| Case::new(request, &[404], Some(10013), says);
    check(
        dev.address(),
        &[
            case(request("GET", ""), "namespace not found"),
            case(request("PUT", "").json(&json!({ "title": "t" })), "namespace not found"),
            case(request("DELETE", ""), "namespace not found"),
            case(request("GET", "/keys"), "list keys: 'namespace not found'"),
            case(request("GET", "/values/k"), "get: 'namespace not found'"),
            case(request("GET", "/metadata/k"), "get: 'namespace not found'"),
            case(request("PUT", "/values/k").body("v"), "put: 'namespace not found'"),
            case(request("DELETE", "/values/k"), "remove key: 'namespace not found'"),
            case(
                request("PUT", "/bulk").json(&json!([{ "key": "k", "value": "v" }])),
                "bulk put: 'namespace not found'",
            ),
            case(
                request("POST", "/bulk/get").json(&json!({ "keys": ["k"] })),
                "bulk get keys: 'namespace not found'",
            ),
            case(
                request("POST", "/bulk/delete").json(&json!(["k"])),
                "bulk remove keys: 'namespace not found'",
            ),
            case(
                request("DELETE", "/bulk").json(&json!(["k"])),
                "bulk remove keys: 'namespace not found'",
            ),
        ],
    );
    let malformed = dev.request("GET", "/storage/kv/namespaces/nope/values/k");
    let says = "could not parse UUID from request's namespace_id: 'invalid namespace format: nope'";
    check(dev.address(), &[Case::new(malformed, &[400], Some(10011), says)]);
}

#[test]
fn absent_keys_are_not_found_and_deleting_them_is_fine() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("absent");
    check(
        dev.address(),
        &[
            Case::new(namespace.value("GET", "k"), &[404], Some(10009), "get: 'key not found'"),
            Case::new(
                namespace.request("GET", "/metadata/k"),
                &[404],
                Some(10009),
                "get: 'key not found'",
            ),
        ],
    );
    let answer = namespace.send(&namespace.value("DELETE", "k")).expect(200).json();
    assert_eq!(answer["success"], true);
}

#[test]
fn where_nothing_is_there_is_no_route() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("routes");
    let bare = |method: &str, path: String| {
        Request::new(method, path).header("Authorization", format!("Bearer {TOKEN}"))
    };
    let missing = &[400, 404];
    check(
        dev.address(),
        &[
            Case::new(bare("GET", "/client/v4/nothing".into()), missing, Some(7000), "No route"),
            Case::new(
                bare("GET", format!("/client/v4/accounts/{ACCOUNT}/storage/kv/nothing")),
                missing,
                Some(7000),
                "",
            ),
            Case::new(namespace.request("GET", "/nothing"), missing, Some(7000), ""),
            Case::new(
                bare("GET", "/client/v4/accounts/nobody/storage/kv/namespaces".into()),
                missing,
                Some(7003),
                "Could not route to",
            ),
            Case::new(dev.request("DELETE", "/storage/kv/namespaces"), &[405], None, ""),
            Case::new(namespace.request("POST", "/keys"), &[405], None, ""),
            Case::new(namespace.request("PATCH", "/values/k"), &[405], None, ""),
            Case::new(namespace.request("POST", ""), &[405], None, ""),
        ],
    );
}

#[test]
fn pages_of_namespaces_are_bounded_and_end() {
    let dev = Dev::of(1);
    for n in 0..25 {
        dev.namespace(&format!("title {n:02}"));
    }
    let list = |query: &str| dev.request("GET", &format!("/storage/kv/namespaces?{query}"));
    let case = |query: &str, code| Case::new(list(query), &[400], Some(code), "");
    check(
        dev.address(),
        &[
            case("page=0", 10007),
            case("page=x", 10007),
            case("per_page=0", 10008),
            case("per_page=1001", 10008),
            case("order=color", 10043),
            case("direction=up", 10044),
        ],
    );
    let page = |query: &str| list(query).send(dev.address()).expect(200).json();
    let first = page("");
    assert_eq!(first["result"].as_array().map(Vec::len), Some(20));
    for (field, value) in [("page", 1), ("per_page", 20), ("count", 20), ("total_count", 25)] {
        assert_eq!(first["result_info"][field], value, "{field}");
    }
    let second = page("page=2&order=title&direction=desc");
    assert_eq!(second["result"].as_array().map(Vec::len), Some(5));
    assert_eq!(second["result"][4]["title"], "title 00");
    let beyond = page("page=9&per_page=1000");
    assert_eq!(beyond["result"], json!([]));
    assert_eq!(beyond["success"], true);
}

#[test]
fn a_deleted_namespace_is_gone_with_its_keys() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("brief");
    namespace.put("k", "v");
    let far = namespace.at(dev.locations()[2].address);
    assert_eq!(far.get("k").as_deref(), Some(&b"v"[..]));
    namespace.send(&namespace.request("DELETE", "")).expect(200);
    let gone = namespace.send(&namespace.value("GET", "k"));
    assert_eq!((gone.status, gone.code()), (404, Some(10013)));
    check(dev.address(), &[Case::new(namespace.request("DELETE", ""), ANY, Some(10013), "")]);
    littoral_tests::until("the far location knows", std::time::Duration::from_secs(30), || {
        (far.send(&far.value("GET", "k")).code() == Some(10013)).then_some(())
    });
    // Its title is free, and the new one is empty.
    let again = dev.namespace("brief");
    assert_ne!(again.id, namespace.id);
    assert_eq!(again.names(""), [""; 0]);
}

#[test]
fn listings_refuse_what_they_cannot_mean() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("list");
    let case = |query: &str, code| {
        Case::new(namespace.request("GET", &format!("/keys?{query}")), &[400], Some(code), "")
    };
    check(
        dev.address(),
        &[
            case("limit=0", 10028),
            case("limit=1001", 10028),
            case("limit=x", 10028),
            case("limit=-1", 10028),
            case("cursor=no+cursor", 10041),
            case("cursor=AAAA", 10041),
        ],
    );
}

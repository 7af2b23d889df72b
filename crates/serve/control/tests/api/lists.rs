//! Lists: order, pages, prefixes, values, both directions.

use serde_json::{Value, json};

use crate::world::World;

async fn fill(world: &World, count: usize) {
    let members: Vec<Value> =
        (0..count).map(|n| json!({"key": format!("k{n:04}"), "value": format!("v{n}")})).collect();
    let put = world.put("bulk", &json!(members).to_string()).await;
    assert_eq!(put.result()["successful_key_count"], count);
}

/// All pages, each key's name.
async fn pages(world: &World, query: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("keys?{query}&cursor={cursor}")).await;
        let names = page.result().as_array().expect("keys").clone();
        let info = &page.json()["result_info"];
        assert_eq!(info["count"], names.len());
        pages
            .push(names.iter().map(|key| key["name"].as_str().expect("text").to_owned()).collect());
        cursor = info["cursor"].as_str().expect("text").to_owned();
        if cursor.is_empty() {
            return pages;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_key_comes_once_in_the_order_of_its_bytes() {
    let world = World::new().await;
    fill(&world, 2_500).await;
    let all = pages(&world, "").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    let flat: Vec<_> = all.concat();
    let expected: Vec<_> = (0..2_500).map(|n| format!("k{n:04}")).collect();
    assert_eq!(flat, expected);
    let reverse = pages(&world, "limit=999&reverse=true").await.concat();
    assert!(reverse.iter().rev().eq(&expected));
    let some = pages(&world, "prefix=k00&limit=7&start_after=k0050").await.concat();
    assert_eq!(some, expected[51..100]);
}

#[tokio::test(start_paused = true)]
async fn a_list_shows_values_and_versions_if_asked() {
    let world = World::new().await;
    world.put("values/a", "text").await.ok();
    let binary = http::Method::PUT;
    let ask = crate::world::Ask::rest(binary, world.place("values/b")).body(vec![0xff, 0xfe]);
    let version = world.send(ask).await.header("littoral-version").to_owned();
    let listed = world.get("keys?values=true&versions=true&prefix=b").await.result();
    assert_eq!(listed, json!([{"name": "b", "value": "//4=", "base64": true, "version": version}]));
    let listed = world.get("keys?values=true").await.result();
    assert_eq!(listed[0], json!({"name": "a", "value": "text"}));
}

#[tokio::test(start_paused = true)]
async fn a_page_full_of_large_values_is_cut_and_goes_on() {
    let world = World::new().await;
    let large = "x".repeat(3 * 1024 * 1024);
    for key in ["a", "b", "c", "d"] {
        world.put(&format!("values/{key}"), &large).await.ok();
    }
    let sizes: Vec<_> = pages(&world, "values=true").await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_written_between_two_pages_are_seen_if_they_lie_ahead() {
    let world = World::new().await;
    for key in ["k1", "k3", "k5"] {
        world.put(&format!("values/{key}"), "v").await.ok();
    }
    let first = world.get("keys?limit=2").await;
    let cursor = first.json()["result_info"]["cursor"].as_str().expect("more").to_owned();
    for key in ["k2", "k4"] {
        world.put(&format!("values/{key}"), "v").await.ok();
    }
    let second = world.get(&format!("keys?limit=2&cursor={cursor}")).await;
    assert_eq!(second.result(), json!([{"name": "k4"}, {"name": "k5"}]));
    assert_eq!(second.json()["result_info"], json!({"count": 2, "cursor": ""}));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    for (query, code) in
        [("limit=0", 10028), ("limit=1001", 10028), ("limit=x", 10028), ("cursor=x", 10041)]
    {
        assert_eq!(world.get(&format!("keys?{query}")).await.refusal(), (400, code), "{query}");
    }
    let other = world.create("other").await;
    world.put("values/a", "1").await.ok();
    world.put("values/b", "1").await.ok();
    let cursor = world.get("keys?limit=1").await.json()["result_info"]["cursor"].clone();
    let cursor = cursor.as_str().expect("more");
    let elsewhere = world.place("keys").replace(&world.namespace, &other);
    let refused = world.get(&format!("{elsewhere}?cursor={cursor}")).await;
    assert_eq!(refused.refusal(), (400, 10041));
}

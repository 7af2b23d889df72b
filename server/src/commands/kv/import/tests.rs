//! Imports into a map behind the API, with requests that fail as a test wants.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::request;
use littoral_config::ByteCount;

use super::*;
use crate::client::fake::Fake;

fn options(fake: &Fake, path: &Path) -> Import {
    Import {
        path: path.to_owned(),
        prefix: String::new(),
        strip: 0,
        skip_existing: false,
        parallel: 3,
        batch_keys: 4,
        batch_bytes: ByteCount::kib(64),
        at: fake.at.clone(),
    }
}

async fn fake(
    fault: impl FnMut(&request::Parts, &Bytes) -> Option<u16> + Send + 'static,
) -> Arc<Fake> {
    Fake::start(fault).await
}

/// A directory of `count` small files, one that is binary and one that is large.
fn tree(count: usize) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join("many")).expect("made");
    for number in 0..count {
        let file = home.path().join(format!("many/{number}.json"));
        std::fs::write(file, format!("{{\"n\":\"{number}\\u00e9\"}}")).expect("written");
    }
    std::fs::write(home.path().join("binary"), [0, 255, 10]).expect("written");
    std::fs::write(home.path().join("large"), vec![b'x'; 300 << 10]).expect("written");
    home
}

fn assert_same(fake: &Fake, root: &Path) {
    let keys = fake.keys.lock().unwrap();
    let source = Source::open(root, Naming::default()).expect("opened");
    let mut count = 0;
    for item in source.map(|found| found.item.expect("readable")) {
        assert_eq!(keys.get(&item.key), Some(&item.value), "{}", item.key);
        count += 1;
    }
    assert_eq!(keys.len(), count);
}

#[tokio::test]
async fn a_directory_arrives_whole_in_batches_with_the_large_file_alone() {
    let fake = fake(|_, _| None).await;
    let home = tree(30);
    run(options(&fake, home.path())).await.expect("imported");
    assert_same(&fake, home.path());
    let asked = fake.asked.lock().unwrap().clone();
    let bulks = asked.iter().filter(|line| line.ends_with("/bulk")).count();
    assert_eq!(bulks, 8, "31 small files, four at a time: {asked:?}");
    assert_eq!(asked.iter().filter(|line| line.contains("/values/large")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_turned_away_for_now_is_brought_again() {
    let mut asked = 0;
    let fake = fake(move |_, _| {
        asked += 1;
        [None, Some(503), Some(429)][asked % 3]
    })
    .await;
    let home = tree(10);
    run(options(&fake, home.path())).await.expect("imported");
    assert_same(&fake, home.path());
}

#[tokio::test]
async fn one_bad_member_is_found_and_named_and_all_others_arrive() {
    let fake = fake(|head, body| {
        let bad = head.uri.path().ends_with("/bulk")
            && String::from_utf8_lossy(body).contains("many/7.json");
        bad.then_some(400)
    })
    .await;
    let home = tree(10);
    let error = run(options(&fake, home.path())).await.expect_err("one is missing");
    assert_eq!(error.to_string(), "1 of the keys were not written");
    let keys = fake.keys.lock().unwrap();
    assert_eq!(keys.len(), 11);
    assert!(!keys.contains_key("many/7.json"));
}

#[tokio::test]
async fn a_wrong_token_ends_the_import_at_once() {
    let fake = fake(|_, _| Some(401)).await;
    let home = tree(200);
    assert!(run(options(&fake, home.path())).await.is_err());
    assert!(fake.asked.lock().unwrap().len() <= 4);
}

#[tokio::test]
async fn keys_that_exist_are_passed_over_when_asked() {
    let fake = fake(|_, _| None).await;
    fake.keys.lock().unwrap().insert("binary".into(), "kept".into());
    let home = tree(3);
    let options = Import { skip_existing: true, ..options(&fake, home.path()) };
    run(options).await.expect("imported");
    let keys = fake.keys.lock().unwrap();
    assert_eq!((keys.len(), &keys["binary"][..]), (5, &b"kept"[..]));
}

#[tokio::test]
async fn two_files_that_become_one_key_are_not_silently_one() {
    let fake = fake(|_, _| None).await;
    let home = tempfile::tempdir().expect("a folder");
    for folder in ["a", "b"] {
        std::fs::create_dir(home.path().join(folder)).expect("made");
        std::fs::write(home.path().join(folder).join("same"), folder).expect("written");
    }
    let options = Import { strip: 1, ..options(&fake, home.path()) };
    assert!(run(options).await.is_err());
    assert_eq!(&fake.keys.lock().unwrap()["same"][..], b"a");
}

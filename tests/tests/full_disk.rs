//! A full disk: a clear refusal, reads and deletes go on, and writes again once there is room.

use std::time::Duration;

use littoral_tests::{Dev, Mount, Namespace, Options, until};

const PATIENCE: Duration = Duration::from_secs(60);
const DISK_MIB: u64 = 600;

fn start(disk: &Mount) -> Dev {
    let more = ["--trips", "0"].map(str::to_owned).to_vec();
    let data_dir = Some(disk.path().join("data"));
    Dev::with(Options { locations: Some(3), data_dir, more, ..Options::default() })
}

/// The version, or the refusal: its status, code and message.
fn try_put(at: &Namespace, key: &str, value: Vec<u8>) -> Result<String, (u16, u64, String)> {
    let answer = at.send(&at.value("PUT", key).body(value));
    match answer.status {
        200 => Ok(answer.header("littoral-version").expect("a version").to_owned()),
        status => Err((status, answer.code().unwrap_or_default(), answer.message())),
    }
}

/// What a refusal on a full disk must be.
#[track_caller]
fn check_refusal((status, code, message): &(u16, u64, String)) {
    assert!(matches!((*status, *code), (503, 10422 | 10423) | (507, 10428)), "{status} {message}");
    assert!(message.contains("disk"), "it says what is the matter: {message}");
}

#[test]
fn writes_are_refused_while_the_disk_is_full_and_taken_again_without_a_restart() {
    let Some(disk) = Mount::of_mib(DISK_MIB) else { return };
    let dev = start(&disk);
    let namespace = dev.namespace("full");
    let large = vec![b'l'; 400_000];
    namespace.put("small", "before");
    namespace.put("large", large.clone());
    namespace.put("deleted", "before");

    let ballast = disk.fill();
    for location in dev.locations() {
        let at = namespace.at(location.address);
        check_refusal(&try_put(&at, "small", b"during".to_vec()).expect_err("the disk is full"));
        check_refusal(&try_put(&at, "large", vec![b'n'; 400_000]).expect_err("the disk is full"));
        check_refusal(&try_put(&at, "new", b"during".to_vec()).expect_err("the disk is full"));
        assert_eq!(at.get("small").as_deref(), Some(&b"before"[..]), "{}", location.name);
        assert_eq!(at.get("large").as_ref(), Some(&large), "{}", location.name);
    }
    assert_eq!(namespace.names(""), ["deleted", "large", "small"]);

    std::fs::remove_file(ballast).expect("room is made");
    let version = until("writes are taken again", PATIENCE, || {
        try_put(&namespace, "small", b"after".to_vec()).ok()
    });
    for location in dev.locations() {
        let at = namespace.at(location.address);
        let read = at.value("GET", "small").header("Littoral-Min-Version", &version);
        assert_eq!(at.send(&read).expect(200).text(), "after");
    }
    namespace.put("large", vec![b'a'; 400_000]);
    namespace.delete("deleted");
    assert!(dev.stop().success());

    let dev = start(&disk);
    let namespace = dev.existing(&namespace.id);
    assert_eq!(namespace.names(""), ["large", "small"]);
    assert_eq!(namespace.get("small").as_deref(), Some(&b"after"[..]));
    assert_eq!(namespace.get("large"), Some(vec![b'a'; 400_000]));
}

#[test]
fn a_disk_that_fills_up_by_writing_keeps_room_for_deletes() {
    let Some(disk) = Mount::of_mib(DISK_MIB) else { return };
    let dev = start(&disk);
    let namespace = dev.namespace("filling");
    let mut written = Vec::new();
    let refusal = loop {
        let key = format!("k{}", written.len());
        match try_put(&namespace, &key, vec![b'x'; 4 << 20]) {
            Ok(_) => written.push(key),
            Err(refusal) => break refusal,
        }
        assert!(written.len() < 400, "the disk is never full");
    };
    check_refusal(&refusal);
    assert!(written.len() > 10, "{}", written.len());
    for key in &written {
        let value = namespace.get(key).expect("it was acknowledged");
        assert!(value == vec![b'x'; 4 << 20], "{key}");
    }
    // The refused one may have reached one store: it is nobody's loss if it goes too.
    let refused = format!("k{}", written.len());
    for key in written.into_iter().chain([refused]) {
        namespace.delete(key);
    }
    until("deletes made room", PATIENCE, || try_put(&namespace, "again", vec![b'y'; 4 << 20]).ok());
    assert_eq!(namespace.names(""), ["again"]);
}

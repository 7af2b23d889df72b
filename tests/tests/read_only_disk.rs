//! A disk that fails and turns read-only under the process, and one that was so from the start.

use littoral_tests::{Dev, Mount, Options, littoral, run};

fn start(disk: &Mount) -> Dev {
    let more = ["--trips", "0"].map(str::to_owned).to_vec();
    let data_dir = Some(disk.path().join("data"));
    Dev::with(Options { locations: Some(3), data_dir, more, ..Options::default() })
}

#[test]
fn reads_go_on_when_the_disk_turns_read_only_and_all_is_there_once_it_is_repaired() {
    let Some(disk) = Mount::that_fails(600) else { return };
    let dev = start(&disk);
    let namespace = dev.namespace("read-only");
    let large = vec![b'l'; 400_000];
    namespace.put("k", "before");
    namespace.put("large", large.clone());

    disk.fail();
    for location in dev.locations() {
        let at = namespace.at(location.address);
        for (key, value) in [("k", b"during".to_vec()), ("large", vec![b'd'; 400_000])] {
            let refused = at.send(&at.value("PUT", key).body(value));
            let known = matches!(
                (refused.status, refused.code()),
                (503, Some(10422 | 10423)) | (507, Some(10428))
            );
            assert!(known, "{} {}", refused.status, refused.message());
        }
        assert_eq!(at.get("k").as_deref(), Some(&b"before"[..]), "{}", location.name);
        assert_eq!(at.get("large").as_ref(), Some(&large), "{}", location.name);
        assert_eq!(at.names(""), ["k", "large"], "{}", location.name);
    }
    assert!(dev.log().contains("Read-only file system"), "the log says what is the matter");
    assert!(dev.stop().success(), "it ends as ever");

    disk.repair();
    let dev = start(&disk);
    let namespace = dev.existing(&namespace.id);
    assert_eq!(namespace.get("k").as_deref(), Some(&b"before"[..]));
    assert_eq!(namespace.get("large"), Some(large));
    namespace.put("k", "after");
    assert_eq!(namespace.get("k").as_deref(), Some(&b"after"[..]));
}

#[test]
fn a_read_only_data_directory_is_refused_by_name_at_the_start() {
    let Some(disk) = Mount::of_mib(600) else { return };
    let dev = start(&disk);
    dev.namespace("there");
    assert!(dev.stop().success());
    disk.read_only(true);
    let mut again = littoral();
    again.args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(disk.path().join("data"));
    let ended = run(&mut again, b"").badly();
    assert!(ended.stderr.contains("littoral::data_dir"), "{}", ended.stderr);
    // A long line may be broken.
    let said: String = ended.stderr.split_whitespace().collect();
    assert!(said.contains("Read-onlyfilesystem"), "{}", ended.stderr);
    disk.read_only(false);
    assert_eq!(start(&disk).locations().len(), 3);
}

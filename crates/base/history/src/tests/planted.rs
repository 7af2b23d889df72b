//! Of every promise, at least one violation, which is named: it, and nothing else.

use super::story::{judged, strict};
use crate::Promise;

#[track_caller]
fn breaks(promise: Promise, lines: &[usize], text: &str) {
    let report = judged(text, &strict());
    let found: Vec<_> =
        report.violations.iter().map(|found| (found.promise, &found.lines[..])).collect();
    assert_eq!(found, [(promise, lines)], "{:#?}", report.violations);
    assert_eq!((report.count(promise), report.is_clean()), (1, false));
    assert_eq!(report.violations[0].key, "k");
}

#[test]
fn a_version_that_no_write_was_given_is_invented() {
    breaks(
        Promise::NoInventedVersion,
        &[2],
        "
        fra put k 1 0-1 ok
        fra get k 2 2-3 ok",
    );
    breaks(
        Promise::NoInventedVersion,
        &[2],
        "
        fra put other 2 0-1 ok
        fra get k 2 2-3 ok",
    );
}

#[test]
fn a_value_shown_before_its_write_began_is_invented() {
    breaks(
        Promise::NoInventedVersion,
        &[1, 2],
        "
        fra get k 1 0-1 ok
        fra put k 1 2-3 ok",
    );
}

#[test]
fn a_refused_write_that_is_shown_is_invented() {
    breaks(
        Promise::NoInventedVersion,
        &[1, 2],
        "
        fra put k 1 0-1 refused
        fra get k 1 2-3 ok",
    );
}

#[test]
fn a_deletes_version_is_no_value_and_a_puts_no_absence() {
    breaks(
        Promise::NoInventedVersion,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        fra delete k 2 2-3 ok
        sin get k 2 4-5 ok",
    );
    breaks(
        Promise::NoInventedVersion,
        &[1, 2],
        "
        fra put k 1 0-1 unknown
        fra get k 1 2-3 absent",
    );
}

#[test]
fn one_unknown_write_explains_one_unheard_version_not_two() {
    breaks(
        Promise::NoInventedVersion,
        &[3],
        "
        fra put k _ 0-1 unknown
        fra get k 1 2-3 ok
        fra get k 2 4-5 ok",
    );
}

#[test]
fn less_than_the_reader_showed_breaks_the_minimum() {
    breaks(
        Promise::Minimum,
        &[3],
        "
        fra put k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k 1 4-5 ok min=2",
    );
}

#[test]
fn nothing_breaks_the_minimum_when_no_delete_is_as_new() {
    breaks(
        Promise::Minimum,
        &[3],
        "
        fra delete k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k _ 4-5 absent min=2",
    );
    breaks(
        Promise::Minimum,
        &[2],
        "
        fra put k 2 0-1 ok
        sin get k _ 4-5 absent min=2
        fra delete k 3 6-7 ok",
    );
    breaks(
        Promise::Minimum,
        &[3],
        "
        fra delete k _ 0-1 ok
        fra put k 2 3-4 ok
        sin get k _ 5-6 absent min=2",
    );
}

#[test]
fn reads_that_go_back_are_not_monotonic() {
    breaks(
        Promise::MonotonicReads,
        &[3, 4],
        "
        fra put k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k 2 4-5 ok
        sin get k 1 6-7 ok",
    );
    breaks(
        Promise::MonotonicReads,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        sin get k 1 4-5 ok
        sin get k _ 6-7 absent",
    );
}

#[test]
fn a_deleted_value_that_comes_back_is_not_monotonic() {
    for delete in ["2 2-3 ok", "_ 3-4 ok", "_ 2-3 unknown", "2 2-3 unknown"] {
        breaks(
            Promise::MonotonicReads,
            &[4, 5],
            &format!(
                "
            fra put k 1 0-1 ok
            fra delete k {delete}
            sin get k 1 4-5 ok
            sin get k _ 6-7 absent
            sin get k 1 8-9 ok"
            ),
        );
    }
}

#[test]
fn a_write_that_its_own_location_does_not_show_is_named() {
    breaks(
        Promise::ReadYourWrites,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        sin put k 2 2-3 ok
        sin get k 1 4-5 ok",
    );
    breaks(
        Promise::ReadYourWrites,
        &[1, 2],
        "
        sin cas k 1 0-1 ok
        sin get k _ 4-5 absent",
    );
    breaks(
        Promise::ReadYourWrites,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        sin delete k _ 3-4 ok
        sin get k 1 5-6 ok",
    );
}

#[test]
fn an_older_version_for_a_later_write_breaks_the_order_of_time() {
    breaks(
        Promise::RealTimeOrder,
        &[1, 2],
        "
        fra put k 2 0-1 ok
        sin delete k 1 3-4 ok",
    );
}

#[test]
fn two_writes_with_one_version_are_named() {
    breaks(
        Promise::UniqueVersions,
        &[1, 2],
        "
        fra put k 1 0-1 ok
        sin put k 1 0-1 ok",
    );
    breaks(
        Promise::UniqueVersions,
        &[1, 2],
        "
        fra put other 1 0-1 ok
        sin put k 1 0-1 unknown",
    );
}

#[test]
fn two_winners_of_one_version_break_compare_and_set() {
    breaks(
        Promise::CompareAndSet,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        fra cas k 2 2-3 ok if=1
        sin cas k 3 2-3 ok if=1",
    );
    breaks(
        Promise::CompareAndSet,
        &[1, 2],
        "
        fra cas k 2 2-3 ok
        sin cas k 3 2-3 ok",
    );
    breaks(
        Promise::CompareAndSet,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        fra cas k 2 2-3 ok if=1
        sin delete k 3 2-3 ok if=1",
    );
}

#[test]
fn a_write_that_a_condition_overlooked_breaks_compare_and_set() {
    breaks(
        Promise::CompareAndSet,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        sin put k 2 2-3 ok
        fra cas k 3 4-5 ok if=1",
    );
    breaks(
        Promise::CompareAndSet,
        &[3, 4],
        "
        fra put k 1 0-1 ok
        fra delete k 2 2-3 ok
        fra put k 3 4-5 ok
        sin cas k 4 6-7 ok",
    );
}

#[test]
fn a_condition_met_by_what_is_not_there_breaks_compare_and_set() {
    breaks(Promise::CompareAndSet, &[1], "fra cas k 2 0-1 ok if=1");
    breaks(
        Promise::CompareAndSet,
        &[1, 2],
        "
        fra put k 1 0-1 refused
        fra cas k 2 2-3 ok if=1",
    );
    breaks(
        Promise::CompareAndSet,
        &[2],
        "
        fra put k 2 0-1 ok
        sin cas k 1 0-1 ok if=2",
    );
}

#[test]
fn what_was_overwritten_too_long_ago_is_stale() {
    breaks(
        Promise::Staleness,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k 1 70-71 ok",
    );
    breaks(
        Promise::Staleness,
        &[1, 2],
        "
        fra put k 1 0-1 ok
        sin get k _ 70-71 absent",
    );
    breaks(
        Promise::Staleness,
        &[2, 3],
        "
        fra put k 1 0-1 ok
        fra delete k _ 3-4 ok
        sin get k 1 71-72 ok",
    );
}

#[test]
fn an_acknowledged_write_that_is_gone_once_all_has_settled_is_lost() {
    let bounds = crate::Bounds { stale_after: None, ..strict() };
    for (text, lines) in [
        (
            "fra put k 1 0-1 ok
          fra put k 2 2-3 ok
          sin get k 1 104-105 ok",
            [2, 3],
        ),
        (
            "fra delete k 1 0-1 ok
          fra put k 2 2-3 ok
          sin get k _ 104-105 absent",
            [2, 3],
        ),
        (
            "fra put k 1 0-1 ok
          fra delete k 2 2-3 ok
          sin get k 1 104-105 ok",
            [2, 3],
        ),
    ] {
        let report = judged(text, &bounds);
        let found: Vec<_> = report.violations.iter().map(|v| (v.promise, &v.lines[..])).collect();
        assert_eq!(found, [(Promise::LostWrite, &lines[..])], "{:#?}", report.violations);
    }
}

#[test]
fn locations_that_never_agree_are_named() {
    breaks(
        Promise::Convergence,
        &[3, 4],
        "
        fra put k 1 0-1 ok
        fra put k 2 2-3 unknown
        fra get k 1 104-105 ok
        sin get k 2 104-105 ok",
    );
    breaks(
        Promise::Convergence,
        &[3, 4],
        "
        fra put k 1 0-1 ok
        fra delete k _ 2-3 unknown
        fra get k 1 104-105 ok
        sin get k _ 104-105 absent",
    );
}

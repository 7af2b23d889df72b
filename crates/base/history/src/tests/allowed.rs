//! What may look wrong, and is not.

use std::time::Duration;

use super::story::{judged, strict, told};
use crate::{Bounds, Defect, Error, History, LINE_BYTES_MAX, Promise, check};

#[track_caller]
fn clean(text: &str) {
    let report = judged(text, &strict());
    assert!(report.is_clean(), "{:#?}", report.violations);
}

#[test]
fn what_overlaps_may_have_come_in_either_order() {
    clean(
        "
        fra put k 1 0-5 ok
        fra put k 2 1-5 ok
        fra get k 2 4-6 ok
        sin get k 1 4-6 ok
        sin get k 2 5-7 ok
        fra get k _ 0-5 absent",
    );
    // What ended in the very moment in which another began is not before it.
    clean(
        "
        fra put k 1 0-1 ok
        fra get k _ 1-2 absent",
    );
    clean(
        "
        fra get k 1 0-1 ok
        fra put k 1 1-2 ok",
    );
}

#[test]
fn another_location_may_lag_for_a_while() {
    clean(
        "
        fra put k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k 1 4-5 ok
        sin get k 1 69-70 ok
        sin get k 2 80-81 ok",
    );
}

#[test]
fn an_unknown_write_may_happen_late_or_never() {
    clean(
        "
        fra put k 1 0-1 ok
        fra put k 2 2-3 unknown
        fra put k _ 2-3 unknown
        fra get k 1 4-5 ok
        fra get k 2 6-7 ok
        fra get k 3 8-9 ok
        sin get k 3 200-201 ok",
    );
    clean(
        "
        fra put k 1 0-1 ok
        fra delete k _ 2-3 unknown
        sin get k _ 6-7 absent min=1
        sin get k _ 8-9 absent",
    );
}

#[test]
fn errors_promise_nothing() {
    clean(
        "
        fra put k 1 0-1 ok
        fra get k _ 2-3 refused min=9
        fra get k _ 2-3 unknown min=9
        fra put k _ 2-3 refused
        fra cas k _ 2-3 absent if=7
        fra get k 1 4-5 ok",
    );
}

#[test]
fn nothing_is_as_new_as_the_newest_delete() {
    clean(
        "
        fra put k 1 0-1 ok
        fra delete k 2 2-3 ok
        fra put k 3 4-5 ok
        sin get k 1 6-7 ok
        sin get k _ 8-9 absent min=2
        sin get k 3 10-11 ok
        sin get k 3 12-13 ok min=2",
    );
    clean(
        "
        fra put k 1 0-1 ok
        fra delete k _ 3-4 ok
        fra get k _ 5-6 absent
        fra put k 3 7-8 ok
        fra get k 3 9-10 ok",
    );
}

#[test]
fn a_delete_without_a_version_may_have_the_one_that_a_reader_showed() {
    clean(
        "
        fra put k 1 0-1 ok
        fra delete k _ 3-4 ok
        fra get k _ 5-6 absent min=2
        fra get k 2 7-8 absent
        fra put k 3 9-10 ok
        fra get k 3 11-12 ok
        fra delete k 4 11-13 ok",
    );
}

#[test]
fn a_minimum_of_another_key_says_nothing_about_this_one() {
    clean(
        "
        fra put k 1 0-1 ok
        fra delete k 2 2-3 ok
        fra put k 4 4-99 ok
        fra delete other 5 5-6 ok
        fra put other 6 6-9 ok
        sin get k 5 7-8 absent min=5
        sin get k 4 9-10 ok
        fra delete k 7 8-99 ok",
    );
}

#[test]
fn a_store_that_forgot_its_deletes_answers_with_the_newest_of_all() {
    clean(
        "
        fra delete k 1 0-1 ok
        fra delete other 2 2-3 ok
        sin get k 2 4-5 absent min=2
        sin get k 1 6-7 absent",
    );
}

#[test]
fn clocks_may_be_apart_by_the_skew() {
    let text = "
        fra put k 2 0-1 ok
        sin put k 1 1.9-3 ok";
    clean(text);
    let exact = Bounds { max_skew: Duration::ZERO, ..Bounds::default() };
    assert_eq!(judged(text, &exact).count(Promise::RealTimeOrder), 1);
}

#[test]
fn conditions_that_were_met_one_after_the_other_are_well() {
    clean(
        "
        fra cas k 1 0-1 ok
        sin cas k 2 2-3 ok if=1
        sin cas k _ 2-3 refused if=1
        fra delete k 3 4-5 ok if=2
        fra cas k 4 6-7 ok
        fra delete k _ 7-8 unknown
        fra cas k 6 9-10 ok
        fra put k 7 10-11 unknown
        fra cas k 8 12-13 ok if=7
        fra put k _ 14-15 unknown
        fra cas k 99 15-16 ok if=90",
    );
}

#[test]
fn a_plain_write_under_way_with_a_conditional_one_may_be_on_either_side() {
    let text = "
        fra put k 1 0-1 ok
        fra cas k 3 2-5 ok if=1
        sin put k 2 3-4 ok";
    let open = Bounds { compare: false, ..strict() };
    assert!(judged(text, &open).is_clean());
    assert_eq!(judged(text, &strict()).count(Promise::CompareAndSet), 1);
}

#[test]
fn promises_without_a_bound_are_not_judged() {
    let text = "
        fra put k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k 1 999-1000 ok";
    assert!(judged(text, &Bounds::default()).is_clean());
    assert!(!Promise::Staleness.is_judged_within(&Bounds::default()));
    assert!(Promise::ALL.iter().all(|promise| promise.is_judged_within(&strict())));
}

#[test]
fn lines_may_come_in_any_order() {
    let text = "
        fra put k 1 0-1 ok
        fra put k 2 2-3 ok
        sin get k 2 4-5 ok
        sin get k 1 6-7 ok";
    let turned: Vec<_> = text.lines().rev().collect();
    let report = judged(&turned.join("\n"), &strict());
    assert_eq!(report.violations.len(), 1, "{report:?}");
    assert_eq!(report.violations[0].lines, [1, 2]);
}

#[test]
fn versions_are_ordered_as_text_and_a_dash_comes_first() {
    clean(
        "
        fra put k a- 0-1 ok
        fra put k a0 3-4 ok
        fra put k b 6-7 ok
        fra get k b 8-9 ok",
    );
    let report = judged("fra put k 9 0-1 ok\n fra put k 10 3-4 ok", &strict());
    assert_eq!(report.count(Promise::RealTimeOrder), 1);
}

#[test]
fn a_report_counts_all_and_keeps_the_first() {
    let reads = "sin get k 9 5-6 ok min=9\n".repeat(crate::PROOFS_MAX + 5);
    let text = format!("fra put k 1 0-1 ok\n{}", reads.replace("9 5", "1 5"));
    let report = check(&told(&text), &Bounds::default());
    assert_eq!(report.count(Promise::Minimum), crate::PROOFS_MAX + 5);
    assert_eq!(report.violations.len(), crate::PROOFS_MAX);
    assert_eq!((report.operations, report.keys, report.locations), (1_006, 1, 2));
}

#[test]
fn an_unreadable_line_is_told_by_its_number() {
    let line = "{\"process\":0,\"location\":\"a\",\"op\":\"get\",\"key\":\"k\",\"version\":null,\
                \"start_ns\":2,\"end_ns\":1,\"outcome\":\"absent\"}\n";
    let good = line.replace(":2", ":0");
    let read = |text: String| History::read(text.as_bytes());
    assert_eq!(read(format!("{good}\n \n{good}")).expect("readable").operations(), 2);
    let error = read(format!("{good}\n{line}{good}")).expect_err("it ends before it starts");
    assert!(
        matches!(error, Error::Line { line: 3, why: Defect::EndsBeforeItStarts { .. } }),
        "{error}"
    );
    let error = read(format!("{good}{}", "x".repeat(LINE_BYTES_MAX + 1))).expect_err("long");
    assert!(matches!(error, Error::LongLine { line: 2 }), "{error}");
    let error = read(format!("{good}\"")).expect_err("cut short");
    assert!(matches!(error, Error::Line { line: 2, why: Defect::Json(_) }), "{error}");
}

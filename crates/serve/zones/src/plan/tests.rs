//! The concurrent plan answers what the sequential one would, whatever the rules and however slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::means::Means;
use crate::pattern::Pattern;
use crate::rule::{
    Asked, Change, Decided, Decision, Declares, Effect, Outcome, Reply, Verdict, View,
};

const HEADERS: [&str; 3] = ["x-a", "x-b", "x-c"];
const FACTS: [&str; 3] = ["f", "g", "h"];

/// A rule that decides by what it sees of what it needs, and by nothing else.
#[derive(Clone, Debug)]
struct Made {
    needs: Vec<usize>,
    gives: Vec<usize>,
    wait_ms: u64,
    /// Of 16 hashes so many deny, and so many fail.
    denies: u8,
    fails: u8,
    /// It waits for all verdicts before it, and leaves a trace.
    counts: bool,
    on_error: bool,
    only_at: Option<u8>,
}

struct Acting {
    made: Made,
    at: usize,
    counted: Arc<AtomicUsize>,
}

/// Six parts: three headers, two facts more, and the path.
fn part(at: usize) -> Part {
    match at {
        0..3 => Part::Header(HeaderName::from_static(HEADERS[at])),
        3..6 => Part::Fact(FACTS[at - 3].into()),
        _ => Part::Path,
    }
}

fn seen(view: &View<'_>, at: usize) -> String {
    match at {
        0..3 => format!("{:?}", view.header(&HeaderName::from_static(HEADERS[at]))),
        3..6 => format!("{:?}", view.fact(FACTS[at - 3])),
        _ => view.path().to_owned(),
    }
}

fn given(at: usize, value: &str) -> Effect {
    match at {
        0..3 => Effect::Header(
            HeaderName::from_static(HEADERS[at]),
            // Sometimes it is taken away.
            (!value.ends_with('0')).then(|| HeaderValue::from_str(value).expect("hexadecimal")),
        ),
        3..6 => Effect::Fact(FACTS[at - 3].into(), value.to_owned()),
        _ => Effect::Path(format!("/{value}")),
    }
}

impl Rule for Acting {
    fn kind(&self) -> &'static str {
        "made"
    }

    fn declares(&self) -> Declares {
        let mut needs: Vec<Part> = self.made.needs.iter().map(|at| part(*at)).collect();
        if self.made.counts {
            needs.push(Part::Verdicts);
        }
        Declares { needs, gives: self.made.gives.iter().map(|at| part(*at)).collect() }
    }

    fn decide(&self, view: &View<'_>, means: &Arc<Means>) -> Decision {
        let Made { needs, gives, denies, fails, .. } = &self.made;
        let all: Vec<String> = needs.iter().map(|at| seen(view, *at)).collect();
        let hash = blake3::hash(format!("{} {all:?}", self.at).as_bytes()).to_hex();
        let lot = u8::from_str_radix(&hash[..1], 16).expect("hexadecimal");
        if self.made.counts {
            self.counted.fetch_add(1, Ordering::Relaxed);
        }
        let decided: Decided = if lot < *denies {
            let mut reply = Reply::new(StatusCode::FORBIDDEN);
            reply.body = bytes::Bytes::copy_from_slice(&hash.as_bytes()[..8]);
            Ok(Outcome::answer(reply, "no"))
        } else if lot < denies + fails {
            Err("broken".into())
        } else {
            let mut outcome = Outcome::pass("yes");
            for at in gives {
                let value = blake3::hash(format!("{hash} {at}").as_bytes()).to_hex();
                outcome = outcome.with(given(*at, &value[..8]));
            }
            let name = HeaderName::from_static("x-rules");
            let value = HeaderValue::from_str(&format!("{}", self.at)).expect("digits");
            Ok(outcome.with(Effect::Answer(Change::Append(name, value))))
        };
        if self.made.wait_ms == 0 {
            return Decision::Now(decided);
        }
        let (clock, wait) = (means.clock.clone(), Duration::from_millis(self.made.wait_ms));
        Decision::Later(Box::pin(async move {
            clock.sleep(wait).await;
            decided
        }))
    }
}

fn plan(all: &[Made], counted: &Arc<AtomicUsize>) -> Plan {
    let step = |(at, made): (usize, &Made)| Step {
        name: at.to_string().into(),
        when: match made.only_at {
            None => Condition::default(),
            Some(first) => Condition {
                paths: vec![Pattern::parse(&format!("/{first:x}*")).expect("a pattern")],
                ..Condition::default()
            },
        },
        rule: Arc::new(Acting { made: made.clone(), at, counted: Arc::clone(counted) }),
        on_error: if made.on_error { OnError::Deny } else { OnError::Allow },
        time_max: Duration::from_millis(60),
    };
    Plan::new(all.iter().enumerate().map(step).collect())
}

/// What counts of an answer.
type Came = (Option<Reply>, Vec<Effect>);

/// One rule after another, each seeing all that those before it did.
async fn in_turn(plan: &Plan, asked: &Asked, means: &Arc<Means>) -> Came {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; plan.steps.len()];
    let mut effects = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let view = View::new(asked, &outcomes, u128::MAX);
        if !step.when.holds(&view) {
            continue;
        }
        let decided = match step.rule.decide(&view, means) {
            Decision::Now(decided) => decided,
            Decision::Later(later) => match means.clock.timeout(step.time_max, later).await {
                Ok(decided) => decided,
                Err(_) => Err("late".into()),
            },
        };
        let outcome = match (decided, step.on_error) {
            (Ok(outcome), _) => outcome,
            (Err(_), OnError::Allow) => continue,
            (Err(_), OnError::Deny) => {
                let message = format!("the rule {} cannot decide now", step.name);
                let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, crate::code::RULE_FAILED);
                Outcome::answer(Reply::refusal(status, code, &message), "")
            }
        };
        effects.extend(outcome.effects.iter().cloned());
        if let Verdict::Answer(reply) = outcome.verdict {
            return (Some(*reply), effects);
        }
        outcomes[at] = Some(outcome);
    }
    (None, effects)
}

async fn at_once(plan: &Plan, asked: &Asked, means: &Arc<Means>) -> Came {
    let done = Progress::new(plan).finish(plan, asked, means).await;
    let effects = done.counted().flat_map(|outcome| outcome.effects.clone()).collect();
    let answered = done.answered.and_then(|at| done.outcomes[at].clone());
    match answered.map(|outcome| outcome.verdict) {
        Some(Verdict::Answer(reply)) => (Some(*reply), effects),
        _ => (None, effects),
    }
}

fn made() -> impl Strategy<Value = Made> {
    let parts = || proptest::collection::vec(0..7_usize, 0..3);
    // Longer than its time, now and then.
    let wait = prop_oneof![Just(0), 1..50_u64, Just(100)];
    let odds = (0..4_u8, 0..3_u8, any::<bool>(), any::<bool>());
    (parts(), parts(), wait, odds, proptest::option::weighted(0.2, 0..16_u8)).prop_map(
        |(needs, gives, wait_ms, (denies, fails, counts, on_error), only_at)| Made {
            needs,
            gives,
            wait_ms,
            denies,
            fails,
            counts,
            on_error,
            only_at,
        },
    )
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true);
    runtime.build().expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_concurrent_plan_answers_what_the_sequential_one_would(
        all in proptest::collection::vec(made(), 0..14),
    ) {
        let counted = Arc::new(AtomicUsize::new(0));
        let plan = plan(&all, &counted);
        let (turn, once) = block_on(async {
            let asked = Asked::example("GET", "shop.example", "/a1");
            let means = Means::bare();
            let turn = in_turn(&plan, &asked, &means).await;
            let traces = counted.swap(0, Ordering::Relaxed);
            let once = at_once(&plan, &asked, &means).await;
            ((turn, traces), (once, counted.load(Ordering::Relaxed)))
        });
        prop_assert_eq!(turn, once);
    }
}

fn slow(needs: &[usize], gives: &[usize]) -> Made {
    Made {
        needs: needs.to_vec(),
        gives: gives.to_vec(),
        wait_ms: 10,
        denies: 0,
        fails: 0,
        counts: false,
        on_error: true,
        only_at: None,
    }
}

fn takes(all: &[Made]) -> Duration {
    let plan = plan(all, &Arc::default());
    block_on(async {
        let means = Means::bare();
        let asked = Asked::example("GET", "shop.example", "/");
        let began = means.clock.mono();
        at_once(&plan, &asked, &means).await;
        means.clock.mono().since(began)
    })
}

#[test]
fn rules_that_need_nothing_of_each_other_take_as_long_as_the_slowest() {
    let ms = |all: &[Made]| takes(all).as_millis();
    let apart = vec![slow(&[], &[]); 6];
    assert!((10..12).contains(&ms(&apart)), "{}", ms(&apart));
    let in_a_row = [slow(&[], &[0]), slow(&[0], &[1]), slow(&[1], &[])];
    assert!((30..34).contains(&ms(&in_a_row)), "{}", ms(&in_a_row));
}

#[test]
fn the_first_that_answers_ends_it_and_slower_ones_behind_it_are_not_awaited() {
    let mut fast = slow(&[], &[]);
    fast.denies = 16;
    let mut late = slow(&[], &[]);
    late.wait_ms = 50;
    let ms = takes(&[fast.clone(), late.clone()]).as_millis();
    assert!((10..12).contains(&ms), "{ms}");
    let ms = takes(&[late, fast]).as_millis();
    assert!((50..53).contains(&ms), "a rule before it may still answer: {ms}");
}

#[test]
fn stages_are_told_by_what_waits_for_what() {
    let all = [slow(&[], &[0]), slow(&[], &[]), slow(&[0], &[4]), slow(&[4, 0], &[])];
    let plan = plan(&all, &Arc::default());
    assert_eq!(plan.stages(), [0, 0, 1, 2]);
    assert_eq!(plan.waits_for(3).collect::<Vec<_>>(), [0, 2]);
}

//! What goes wrong, when: from the seed.

use std::time::Duration;

use littoral_clock::Chance;
use littoral_peer::faults::Rates;
use littoral_types::LocationId;

use crate::report::Fault;
use crate::world::{PER_REGION, SITES, World};

/// Injects faults until the clients are done.
pub(crate) async fn inject(world: &World, mut chance: Chance) {
    loop {
        world.clock.sleep(Duration::from_millis(500 + chance.below(4_000))).await;
        let fault = Fault::ALL[chance.below(Fault::ALL.len() as u64) as usize];
        world.say(|| format!("-- {}", fault.name()));
        world.ledger.lock().tally.fault(fault);
        happen(world, fault, &mut chance).await;
    }
}

fn any(world: &World, chance: &mut Chance) -> u16 {
    chance.below(world.places.count().into()) as u16
}

async fn happen(world: &World, fault: Fault, chance: &mut Chance) {
    let network = &world.network.faults;
    match fault {
        Fault::OneSidedCut => {
            let (from, to) = (any(world, chance), any(world, chance));
            if from != to {
                network.cut(LocationId(from), LocationId(to));
            }
        }
        Fault::Isolation => {
            let alone = LocationId(any(world, chance));
            for other in (0..world.places.count()).map(LocationId).filter(|other| *other != alone) {
                network.cut(alone, other);
                network.cut(other, alone);
            }
        }
        Fault::StoreSilence => {
            let site = LocationId(SITES[chance.below(2) as usize]);
            for other in (0..world.places.count()).map(LocationId).filter(|other| *other != site) {
                network.cut(site, other);
            }
        }
        Fault::Losses => network.set_rates(Rates {
            lost: 0.05,
            twice: 0.1,
            late: 0.3,
            wait_max: Duration::from_millis(800),
            ..Rates::default()
        }),
        Fault::SlowLinks => network.set_rates(Rates {
            lost: 0.0,
            twice: 0.0,
            late: 0.7,
            wait_max: Duration::from_millis(2_500),
            ..Rates::default()
        }),
        Fault::LateAnswers => network.set_rates(Rates {
            answers_late: 0.5,
            wait_max: Duration::from_millis(1_500),
            ..Rates::default()
        }),
        Fault::Heal => {
            network.heal();
            network.set_rates(Rates::default());
        }
        Fault::NodeKilled => {
            let at = any(world, chance);
            world.kill(at);
            let most = if chance.happens(0.5) { 100 } else { 3_000 };
            world.clock.sleep(Duration::from_millis(chance.below(most))).await;
            world.start(at);
        }
        Fault::StoreKilled => {
            let store = &world.stores[chance.below(2) as usize];
            store.crash();
            world.clock.sleep(Duration::from_millis(chance.below(12_000))).await;
            store.start();
        }
        Fault::ClockJump => {
            // There and back; now and then by ten minutes, whose stamps are refused.
            let at = any(world, chance);
            // A store's own machine that starts with a fast clock is not caught yet.
            let far = chance.happens(0.2) && !SITES.contains(&at);
            let by = if far { 600_000 } else { chance.below(300) as i64 - 150 };
            world.jump(at, by);
            world.clock.sleep(Duration::from_secs(2)).await;
            world.jump(at, -by);
        }
        Fault::Epoch => {
            // One of a region keeps its keys: the first.
            let at = world.places.location(any(world, chance));
            if !at.is_multiple_of(PER_REGION) {
                world.next_epoch(at);
            }
            for at in 0..world.places.count() {
                // Some hear late: with the next epoch, or at the end.
                if chance.happens(0.8) {
                    world.clock.sleep(Duration::from_millis(chance.below(500))).await;
                    world.hear(at);
                }
            }
        }
        Fault::HandPurge => purge(world, chance).await,
    }
}

async fn purge(world: &World, chance: &mut Chance) {
    let Some(node) = world.running(any(world, chance)) else { return };
    let scope = match chance.below(3) {
        0 => littoral_kv::PurgeScope::Everything,
        1 => littoral_kv::PurgeScope::Prefix(bytes::Bytes::from_static(b"k")),
        _ => littoral_kv::PurgeScope::Key(format!("k{}", chance.below(6)).into()),
    };
    let deadline = node.kv.clock().after(Duration::from_secs(3));
    let ctx = littoral_types::Ctx { deadline, ..Default::default() };
    let namespace = &world.namespaces[chance.below(2) as usize];
    let purge = node.kv.purge(&ctx, namespace, scope);
    // Refused when no store can be reached: then it did not happen.
    let _ = world.clock.timeout(Duration::from_secs(3), purge).await;
}

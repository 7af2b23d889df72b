//! Many locations, one thread, one seed: the production tiers, key-value store and carrier on a
//! paused clock, under faults, with every promise of the contract asserted over what happened.
//!
//! [`run`] is one seed. The same seed gives the same history, operation for operation.

mod beside;
mod client;
mod faults;
mod history;
mod judge;
mod ledger;
mod node;
mod places;
mod purges;
mod record;
mod refill;
mod report;
mod store;
mod world;

pub use history::{Kind, Operation, Outcome};
pub use purges::{PurgeOptions, Purges, Quiet, on_own_time, purges};
pub use report::{Report, Tally};

use littoral_clock::Chance;

use crate::places::Places;
use crate::world::World;

/// What one seed runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    /// Operations of all clients together.
    pub operations: usize,
    /// Print each operation and fault as it happens.
    pub verbose: bool,
}

impl Options {
    pub fn seed(seed: u64) -> Self {
        Self { seed, operations: 2_000, verbose: false }
    }
}

/// Runs one seed to its end and judges it.
pub fn run(options: Options) -> Report {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    // Who of many waiters is woken first: `.cargo/config.toml` opens this.
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&options.seed.to_le_bytes()));
    let runtime = builder.build().expect("a runtime without I/O needs nothing");
    runtime.block_on(async move {
        let mut chance = Chance::seeded(options.seed);
        let world = World::new(&mut chance, Places::of(options.seed), options.verbose).await;
        let clients = client::start(&world, options.operations, chance.fork());
        let faults = faults::inject(&world, chance.fork());
        tokio::select! {
            biased;
            () = clients => {}
            () = faults => {}
        }
        world.heal().await;
        let settled = judge::settle(&world).await;
        world.stop();
        judge::judge(&world, options.seed, settled)
    })
}

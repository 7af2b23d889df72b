//! Rules of the contract by name, so that the simulation can show that each matters: with one
//! switched off, it must find a broken promise.
//!
//! In every other build all rules hold, at compile time.

/// A rule of the tiered cache or its stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rule {
    /// An answer overtaken by a purge is not kept.
    FillYieldsToPurge,
    /// A purge drops what is held below its version.
    PurgeDrops,
    /// A tier covers an entry only when every store has confirmed it.
    CoverNeedsConfirmation,
    /// A tier covers an entry only while every stream has been heard within the silence limit.
    CoverNeedsHearing,
    /// Only the location to which the epoch gives a key covers it.
    CoverNeedsRank,
    /// What was vouched for under an earlier epoch is covered only if that gave the key here too.
    CoverNeedsEpoch,
    /// A suspect entry past the silence limit is validated before it is served.
    SuspectIsValidated,
    /// Age is handed down, not restarted by a hop.
    AgeIsHandedDown,
    /// An edge asks once its entry's age is past `cacheTtl`.
    EdgeAsksInTime,
    /// A client's minimum is met or refused.
    ClientMinimum,
    /// A question carries the newest version its asker holds or remembers.
    OwnMinimum,
    /// A write is remembered where it was accepted before it is acknowledged.
    WritesAreRemembered,
    /// An evicted or purged version leaves a memory.
    PurgesAreRemembered,
    /// A question joins only another that satisfies it.
    JoinOnlySatisfied,
    /// A debt is written down before a write is acknowledged by one store only.
    DebtBeforeAcknowledgement,
    /// A read that finds the stores apart brings the older one up.
    ReadRepairs,
    /// A store applies a write only over an older row.
    NewestWins,
    /// A write that finds something newer is stamped again.
    StampedAgain,
    /// A condition is decided by the key's home store.
    HomeDecides,
    /// Before a condition is decided, what only the other store has is brought home.
    HomeIsLevelled,
    /// A stamp far ahead of the receiver's clock is refused.
    SkewIsRefused,
    /// A tombstone is collected only when both stores hold it alike, or one has collected it.
    CollectionNeedsBoth,
    /// A tombstone is collected only when its grace has passed.
    CollectionNeedsGrace,
    /// A store that finds no row refuses a write at or below its collection mark.
    MarkRefuses,
    /// What the mark refused is applied only if the other store has it live.
    ReviveNeedsLive,
    /// The crawler brings together what it finds apart.
    CrawlRepairs,
    /// The crawler compares every key, the last of a page too.
    CrawlSkipsNothing,
    /// A store that failed is refilled slowly at first.
    RefillRamps,
    /// A node serves what another one of its location keeps for a second at most.
    CopiesAreYoung,
    /// The nodes of a location hear of a write before it is acknowledged.
    KeeperHasWrites,
}

impl Rule {
    pub const ALL: [Self; 30] = [
        Self::FillYieldsToPurge,
        Self::PurgeDrops,
        Self::CoverNeedsConfirmation,
        Self::CoverNeedsHearing,
        Self::CoverNeedsRank,
        Self::CoverNeedsEpoch,
        Self::SuspectIsValidated,
        Self::AgeIsHandedDown,
        Self::EdgeAsksInTime,
        Self::ClientMinimum,
        Self::OwnMinimum,
        Self::WritesAreRemembered,
        Self::PurgesAreRemembered,
        Self::JoinOnlySatisfied,
        Self::DebtBeforeAcknowledgement,
        Self::ReadRepairs,
        Self::NewestWins,
        Self::StampedAgain,
        Self::HomeDecides,
        Self::HomeIsLevelled,
        Self::SkewIsRefused,
        Self::CollectionNeedsBoth,
        Self::CollectionNeedsGrace,
        Self::MarkRefuses,
        Self::ReviveNeedsLive,
        Self::CrawlRepairs,
        Self::CrawlSkipsNothing,
        Self::RefillRamps,
        Self::CopiesAreYoung,
        Self::KeeperHasWrites,
    ];

    /// The name by which `cargo xtask sim --break` knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FillYieldsToPurge => "fill-yields-to-purge",
            Self::PurgeDrops => "purge-drops",
            Self::CoverNeedsConfirmation => "cover-needs-confirmation",
            Self::CoverNeedsHearing => "cover-needs-hearing",
            Self::CoverNeedsRank => "cover-needs-rank",
            Self::CoverNeedsEpoch => "cover-needs-epoch",
            Self::SuspectIsValidated => "suspect-is-validated",
            Self::AgeIsHandedDown => "age-is-handed-down",
            Self::EdgeAsksInTime => "edge-asks-in-time",
            Self::ClientMinimum => "client-minimum",
            Self::OwnMinimum => "own-minimum",
            Self::WritesAreRemembered => "writes-are-remembered",
            Self::PurgesAreRemembered => "purges-are-remembered",
            Self::JoinOnlySatisfied => "join-only-satisfied",
            Self::DebtBeforeAcknowledgement => "debt-before-acknowledgement",
            Self::ReadRepairs => "read-repairs",
            Self::NewestWins => "newest-wins",
            Self::StampedAgain => "stamped-again",
            Self::HomeDecides => "home-decides",
            Self::HomeIsLevelled => "home-is-levelled",
            Self::SkewIsRefused => "skew-is-refused",
            Self::CollectionNeedsBoth => "collection-needs-both",
            Self::CollectionNeedsGrace => "collection-needs-grace",
            Self::MarkRefuses => "mark-refuses",
            Self::ReviveNeedsLive => "revive-needs-live",
            Self::CrawlRepairs => "crawl-repairs",
            Self::CrawlSkipsNothing => "crawl-skips-nothing",
            Self::RefillRamps => "refill-ramps",
            Self::CopiesAreYoung => "copies-are-young",
            Self::KeeperHasWrites => "keeper-has-writes",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

#[cfg(feature = "breakable")]
static BROKEN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Whether a rule holds.
#[cfg(feature = "breakable")]
#[inline]
pub fn holds(rule: Rule) -> bool {
    BROKEN.load(std::sync::atomic::Ordering::Relaxed) & (1 << rule as u8) == 0
}

/// Switches one rule off in the whole process, or with `None` all on.
#[cfg(feature = "breakable")]
pub fn break_rule(rule: Option<Rule>) {
    let mask = rule.map_or(0, |rule| 1 << rule as u8);
    BROKEN.store(mask, std::sync::atomic::Ordering::Relaxed);
}

/// Whether a rule holds: always.
#[cfg(not(feature = "breakable"))]
#[inline]
pub const fn holds(_: Rule) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_rule_and_none_is_missing() {
        for (at, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!(Rule::named(rule.name()), Some(rule));
            assert_eq!(rule as usize, at, "every rule is in the list, in order");
        }
    }
}

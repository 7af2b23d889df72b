//! Random numbers from a seed, and secrets from the machine.

/// A seeded source of random numbers. The same seed gives the same numbers.
#[derive(Clone, Debug)]
pub struct Chance(fastrand::Rng);

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Seeded by the machine: outside the simulation.
    pub fn from_machine() -> Self {
        Self::seeded(u64::from_le_bytes(secret()))
    }

    pub fn u64(&mut self) -> u64 {
        self.0.u64(..)
    }

    pub fn u128(&mut self) -> u128 {
        self.0.u128(..)
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.0.u64(0..n) }
    }

    /// True once in `1 / p` times.
    pub fn happens(&mut self, p: f64) -> bool {
        p > 0.0 && self.0.f64() < p
    }

    /// A new source whose numbers do not disturb this one's.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::seeded(self.u64())
    }
}

/// Bytes nobody can guess, from the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
pub fn secret<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

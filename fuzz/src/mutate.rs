//! Makes new inputs of old ones, by chance from a seed.

use littoral_clock::Chance;

/// Bytes of an input. Longer ones only take longer.
const LEN_MAX: usize = 4_096;
/// Changes at once.
const CHANGES_MAX: u64 = 8;
/// Inputs that changes are heaped upon, beside the corpus.
const DRIFTING: usize = 64;

/// Bytes at which parsers go wrong.
const EDGES: &[u8] = &[0, 1, 9, b'\n', b'\r', b' ', b'"', b'%', b'0', b'9', 0x7f, 0x80, 0xfe, 0xff];

/// The inputs known, and what to make of them.
pub(crate) struct Mutator<'a> {
    chance: Chance,
    corpus: Vec<Vec<u8>>,
    words: &'a [&'a str],
    drifting: Vec<Vec<u8>>,
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(mut corpus: Vec<Vec<u8>>, words: &'a [&'a str], seed: u64) -> Self {
        if corpus.is_empty() {
            corpus.push(Vec::new());
        }
        Self { chance: Chance::seeded(seed), corpus, words, drifting: Vec::new() }
    }

    fn below(&mut self, n: usize) -> usize {
        self.chance.below(n as u64) as usize
    }

    /// The next input: one of those known, changed.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut bytes = self.known().clone();
        for _ in 0..=self.chance.below(CHANGES_MAX) {
            self.change(&mut bytes);
        }
        bytes.truncate(LEN_MAX);
        // Now and then one is kept, so that later ones come from further away.
        if self.below(16) == 0 {
            if self.drifting.len() < DRIFTING {
                self.drifting.push(bytes.clone());
            } else {
                let at = self.below(DRIFTING);
                self.drifting[at].clone_from(&bytes);
            }
        }
        bytes
    }

    fn known(&mut self) -> &Vec<u8> {
        if !self.drifting.is_empty() && self.below(4) == 0 {
            let at = self.below(self.drifting.len());
            return &self.drifting[at];
        }
        let at = self.below(self.corpus.len());
        &self.corpus[at]
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let (from, to) = self.stretch(bytes.len());
        match self.below(11) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.chance.u64() as u8,
            2 if at < bytes.len() => bytes[at] = EDGES[self.below(EDGES.len())],
            3 if at < bytes.len() => {
                bytes[at] = bytes[at].wrapping_add(self.below(3) as u8).wrapping_sub(1)
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(from..to)),
            6 => {
                let again = bytes[from..to].to_vec();
                insert(bytes, at, &again);
            }
            7 | 8 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())].as_bytes();
                if self.below(2) == 0 {
                    insert(bytes, at, word);
                } else {
                    bytes.splice(from..to, word.iter().copied());
                }
            }
            9 => {
                // The beginning of this one, the end of another.
                let other = self.known().clone();
                let cut = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[cut..]);
            }
            _ => insert(bytes, at, &[EDGES[self.below(EDGES.len())]]),
        }
    }

    /// A stretch of `len` bytes, mostly a short one.
    fn stretch(&mut self, len: usize) -> (usize, usize) {
        let from = self.below(len + 1);
        let room = len - from;
        let short = self.below(room.min(16) + 1);
        let some = if self.below(4) == 0 { self.below(room + 1) } else { short };
        (from, from + some)
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    if bytes.len() + what.len() <= LEN_MAX {
        bytes.splice(at..at, what.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_the_same_inputs_again_and_another_makes_others() {
        let inputs = |seed| {
            let mut mutator = Mutator::new(vec![b"abc".to_vec(), b"12".to_vec()], &["word"], seed);
            std::iter::from_fn(|| Some(mutator.next())).take(1_000).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        let mut different = inputs(1);
        different.sort();
        different.dedup();
        assert!(different.len() > 500, "{} of 1000 are different", different.len());
        assert!(different.iter().all(|bytes| bytes.len() <= LEN_MAX));
    }
}

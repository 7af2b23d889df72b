//! What is true of a history as a whole: the order of its versions, its deletes, its texts.

use crate::history::{History, Row};
use crate::operation::{Op, Outcome};
use crate::rank::Rank;

pub(crate) struct Facts<'a> {
    pub(crate) history: &'a History,
    /// By number of [`History::versions`].
    ranks: Vec<Rank>,
    /// Versions in order.
    versions: Vec<&'a str>,
    keys: Vec<&'a str>,
    locations: Vec<&'a str>,
    /// By index of a version: when the first delete that was given it began.
    deletes: Vec<Option<u64>>,
    /// When the first delete without a version began.
    unversioned_delete: Option<u64>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(history: &'a History) -> Self {
        let texts = history.versions.texts();
        let mut order: Vec<u32> = (1..).take(history.versions.len()).collect();
        order.sort_unstable_by_key(|number| texts[*number as usize]);
        let mut ranks = vec![Rank::NONE; texts.len()];
        for (index, number) in order.iter().enumerate() {
            ranks[*number as usize] = Rank::of(index);
        }
        let mut facts = Self {
            history,
            ranks,
            versions: order.iter().map(|number| texts[*number as usize]).collect(),
            keys: history.keys.texts(),
            locations: history.locations.texts(),
            deletes: vec![None; order.len()],
            unversioned_delete: None,
        };
        facts.note_deletes();
        facts
    }

    fn note_deletes(&mut self) {
        for row in &self.history.rows {
            if row.op != Op::Delete || row.outcome == Outcome::Refused {
                continue;
            }
            let first = match self.rank(row.version).index() {
                Some(index) => &mut self.deletes[index],
                None => &mut self.unversioned_delete,
            };
            *first = Some(first.map_or(row.start, |first| first.min(row.start)));
        }
    }

    /// Whether some delete, of any key, that had begun by then was given the version, or may have
    /// been: a store that has forgotten its deletes answers for all of them with the newest.
    pub(crate) fn is_delete(&self, version: Rank, by: u64) -> bool {
        let known = version.index().and_then(|index| self.deletes[index]);
        [known, self.unversioned_delete].into_iter().flatten().any(|start| start <= by)
    }

    pub(crate) fn rank(&self, version: u32) -> Rank {
        self.ranks[version as usize]
    }

    pub(crate) fn row(&self, row: u32) -> &Row {
        &self.history.rows[row as usize]
    }

    pub(crate) fn line(&self, row: u32) -> usize {
        self.row(row).line as usize
    }

    pub(crate) fn key(&self, row: u32) -> &'a str {
        self.keys[self.row(row).key as usize]
    }

    /// An operation in words: `line 7 (get at fra)`.
    pub(crate) fn name(&self, row: u32) -> String {
        let Row { op, location, line, .. } = self.row(row);
        format!("line {line} ({op} at {})", self.locations[*location as usize])
    }

    /// A rank in words.
    pub(crate) fn version(&self, rank: Rank) -> String {
        let text = |rank: Rank| rank.index().map(|index| self.versions[index].to_owned());
        match (text(rank), text(rank.older())) {
            (Some(version), _) => version,
            (None, Some(version)) => format!("something newer than {version}"),
            (None, None) => "any write".into(),
        }
    }
}

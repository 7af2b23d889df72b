//! Reads of the embedded store: the position first, then the rows.

use std::ops::Bound;

use bytes::Bytes;
use fjall::Readable as _;
use littoral_types::{Body, SpaceId, Version};

use super::open::{Core, Opened};
use crate::blobs::{Check, Looked};
use crate::encoding::{StoredBody, StoredRow, decode_row};
use crate::engine::read_error;
use crate::range::Range;
use crate::{Digest, Error, Found, Item, List, Listed, Row, Scan, Scanned};

const SPACE: usize = size_of::<SpaceId>();

/// Rows stand by space, then by key.
pub(super) fn row_key(space: SpaceId, key: &[u8]) -> Vec<u8> {
    [&space.to_bytes(), key].concat()
}

impl Core {
    /// May block: reads the file of a large body.
    pub(super) fn get(&self, opened: &Opened, space: SpaceId, key: &[u8]) -> Result<Found, Error> {
        let (position, mark) = (self.position(), self.mark());
        let row = self.row(opened, &row_key(space, key), Check::Whole)?.flatten();
        Ok(Found { row, position, mark })
    }

    /// `None`: a file has to be read first.
    pub(super) fn get_at_once(
        &self,
        opened: &Opened,
        space: SpaceId,
        key: &[u8],
    ) -> Result<Option<Found>, Error> {
        let (position, mark) = (self.position(), self.mark());
        let row = self.row(opened, &row_key(space, key), Check::Held)?;
        Ok(row.map(|row| Found { row, position, mark }))
    }

    /// The row, if any; `None` when its file is [unread](Looked::Unread).
    fn row(
        &self,
        opened: &Opened,
        row_key: &[u8],
        check: Check,
    ) -> Result<Option<Option<Row>>, Error> {
        let mut stored = opened.stored(row_key)?;
        loop {
            let Some(row) = stored else { return Ok(Some(None)) };
            let StoredBody::File(reference) = row.body else {
                return Ok(Some(Some(row.into_row(None))));
            };
            let looked = self.blobs.get(reference, check);
            // Only while the row still names the file is it ours to hand out.
            let again = opened.stored(row_key)?;
            if again.as_ref().is_some_and(|again| again.body == row.body) {
                return match looked.map_err(|error| Error::Read(error.to_string()))? {
                    Looked::Sound(blob) => Ok(Some(Some(row.into_row(Some(Body::File(blob)))))),
                    Looked::Unread => Ok(None),
                    Looked::Damaged => Err(damaged(row_key, &"its file is not whole")),
                };
            }
            stored = again;
        }
    }

    pub(super) fn list(&self, opened: &Opened, list: &List) -> Result<Listed, Error> {
        let position = self.position();
        let mut listed = Listed { items: Vec::new(), more: false, position };
        let Some(range) = Range::of(list) else {
            return Ok(listed);
        };
        let key = |bound: Bound<Bytes>| bound.map(|key| row_key(list.space, &key));
        let end = match range.end {
            Bound::Unbounded => after_space(list.space),
            end => key(end),
        };
        let start = match range.start {
            Bound::Unbounded => Bound::Included(row_key(list.space, b"")),
            start => key(start),
        };
        let mut rows = opened.engine.snapshot().range(&opened.rows, (start, end));
        let mut bytes = 0;
        while let Some(row) = if list.reverse { rows.next_back() } else { rows.next() } {
            if listed.items.len() >= list.limit || bytes >= self.options.list_bytes_max {
                listed.more = true;
                break;
            }
            let (row_key, record) = row.into_inner().map_err(read_error)?;
            let item = self.item(opened, &row_key, record.into(), list.values)?;
            bytes += item.row.body.weight() + item.row.meta.len() as u64;
            listed.items.push(item);
        }
        Ok(listed)
    }

    pub(super) fn scan(&self, opened: &Opened, scan: &Scan) -> Result<Scanned, Error> {
        let (position, mark) = (self.position(), self.mark());
        let start = match &scan.after {
            Some((space, key)) => Bound::Excluded(row_key(*space, key)),
            None => Bound::Unbounded,
        };
        let rows = opened.engine.snapshot().range(&opened.rows, (start, Bound::Unbounded));
        let mut scanned = Scanned { digests: Vec::new(), more: false, mark, position };
        let mut bytes = 0;
        for row in rows {
            if scanned.digests.len() >= scan.limit || bytes >= self.options.list_bytes_max {
                scanned.more = true;
                break;
            }
            let (row_key, record) = row.into_inner().map_err(read_error)?;
            bytes += (row_key.len() + record.len()) as u64;
            scanned.digests.push(digest(&row_key, record.into())?);
        }
        Ok(scanned)
    }

    fn item(
        &self,
        opened: &Opened,
        row_key: &[u8],
        record: Bytes,
        values: bool,
    ) -> Result<Item, Error> {
        let stored = decode_row(record).map_err(|damage| damaged(row_key, &damage))?;
        let key = Bytes::copy_from_slice(&row_key[SPACE..]);
        let live = stored.body != StoredBody::Absent;
        if !values {
            return Ok(Item { key, live, row: stored.into_row(Some(Body::Absent)) });
        }
        let row = match stored.body {
            // The row as it stands by now: what the snapshot names may be gone.
            StoredBody::File(_) => {
                self.row(opened, row_key, Check::Whole)?.flatten().unwrap_or_default()
            }
            _ => stored.into_row(None),
        };
        Ok(Item { key, live: !row.body.is_absent(), row })
    }
}

impl Opened {
    pub(super) fn stored(&self, row_key: &[u8]) -> Result<Option<StoredRow>, Error> {
        let named = |error| match read_error(error) {
            Error::Damaged(what) => damaged(row_key, &what),
            error => error,
        };
        let Some(record) = self.rows.get(row_key).map_err(named)? else {
            return Ok(None);
        };
        decode_row(record.into()).map(Some).map_err(|damage| damaged(row_key, &damage))
    }
}

fn digest(row_key: &[u8], record: Bytes) -> Result<Digest, Error> {
    let Some((space, key)) = row_key.split_first_chunk::<SPACE>() else {
        return Err(damaged(row_key, &"its key is cut short"));
    };
    let (space, key) = (SpaceId::from_bytes(*space), Bytes::copy_from_slice(key));
    let (version, live, expires_at) = match decode_row(record) {
        Ok(row) => (row.version, row.body != StoredBody::Absent, row.expires_at),
        Err(_) => (Version::ZERO, true, None),
    };
    Ok(Digest { space, key, version, live, expires_at })
}

/// The first row key of no key of this space.
fn after_space(space: SpaceId) -> Bound<Vec<u8>> {
    match space.0.checked_add(1) {
        Some(next) => Bound::Excluded(next.to_be_bytes().into()),
        None => Bound::Unbounded,
    }
}

fn damaged(row_key: &[u8], damage: &dyn std::fmt::Display) -> Error {
    let (space, key) = row_key.split_at(SPACE.min(row_key.len()));
    let space = space.try_into().map(SpaceId::from_bytes).unwrap_or_default();
    Error::Damaged(format!("row {:?} of space {space}: {damage}", String::from_utf8_lossy(key)))
}

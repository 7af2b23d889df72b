//! Reads of one key, of the outbox, and of every row in order.

use bytes::Bytes;
use littoral_store::{Digest, Found, OutboxPage, Row, Scan, Scanned};
use littoral_types::{Body, Position, SpaceId};

use crate::columns::{self, ROW, STREAM, Stored, StoredBody, signed};
use crate::failure::Failure;
use crate::store::Core;
use crate::stream::{PAGE, RECORDS};

/// How often a large body's row is read again because its chunks went meanwhile.
const READS_MAX: usize = 8;

/// Digests that one query reads.
const SCAN_PAGE: usize = 4096;

impl Core {
    pub(crate) async fn get(&self, space: SpaceId, key: &[u8]) -> Result<Found, Failure> {
        let mut gone = None;
        for _ in 0..READS_MAX {
            let (mut found, stored) = self.look(space, key).await?;
            let Some(stored) = stored else { return Ok(found) };
            let StoredBody::Chunks(reference) = stored.body else {
                found.row = Some(stored.into_row(None));
                return Ok(found);
            };
            if let Some(blob) = self.bodies.read(reference).await? {
                found.row = Some(stored.into_row(Some(Body::File(blob))));
                return Ok(found);
            }
            if gone.replace(reference) == Some(reference) {
                break;
            }
        }
        Err(Failure::Damaged(format!(
            "row {:?} of space {space}: its chunks are gone",
            String::from_utf8_lossy(key)
        )))
    }

    /// The row as the list found it, or by now, with its large body as a file.
    pub(crate) async fn whole(
        &self,
        space: SpaceId,
        key: &[u8],
        stored: Stored,
    ) -> Result<Row, Failure> {
        let StoredBody::Chunks(reference) = stored.body else { return Ok(stored.into_row(None)) };
        match self.bodies.read(reference).await? {
            Some(blob) => Ok(stored.into_row(Some(Body::File(blob)))),
            None => Ok(self.get(space, key).await?.row.unwrap_or_default()),
        }
    }

    /// Position, mark and row of one snapshot.
    async fn look(&self, space: SpaceId, key: &[u8]) -> Result<(Found, Option<Stored>), Failure> {
        let sql = format!(
            "SELECT s.incarnation, s.number, s.forgotten, s.mark, {ROW}, r.body \
             FROM littoral_stream s LEFT JOIN littoral_rows r ON r.space = $1 AND r.key = $2 \
             WHERE s.id = 1"
        );
        let client = self.pool.get().await?;
        let reading = async {
            let look = client.prepare(&sql).await?;
            Ok(client.query_one(&look, &[&&space.to_bytes()[..], &key]).await?)
        };
        let columns = self.limited("a read", reading).await;
        let columns = client.after(columns)?;
        let stream = columns::stream(&columns)?;
        let found = Found { row: None, position: stream.position, mark: stream.mark };
        let version: Option<&[u8]> = columns.try_get(4)?;
        let stored = version.map(|_| columns::stored(&columns, 4, Some(12))).transpose()?;
        Ok((found, stored))
    }

    pub(crate) async fn outbox(&self, after: u64, limit: usize) -> Result<OutboxPage, Failure> {
        // Whoever is told that there is nothing more is told so of the database as it is now.
        if after >= self.stream.position().number {
            self.limited("its purge stream", self.stream.fresh()).await?;
        }
        let committed = self.stream.position();
        let first = after.max(self.stream.forgotten()).saturating_add(1);
        let last = committed.number.min((first - 1).saturating_add(limit as u64));
        let records = if limit == 0 || first > last {
            Vec::new()
        } else if let Some(records) = self.stream.recent.between(first, last) {
            records
        } else {
            self.records(first, last).await?
        };
        let through = match records.last() {
            _ if committed.number <= last => committed.number,
            Some(record) => record.number,
            None => after,
        };
        let through = Position::new(committed.incarnation, through);
        Ok(OutboxPage { records, through, forgotten: self.stream.forgotten() })
    }

    /// From the database, with what was forgotten meanwhile.
    async fn records(&self, first: u64, last: u64) -> Result<Vec<littoral_store::Record>, Failure> {
        let client = self.pool.get().await?;
        let reading = async {
            let (page, stream) = (client.prepare(RECORDS).await?, client.prepare(STREAM).await?);
            let (mut records, mut after) = (Vec::new(), first - 1);
            while after < last {
                let rows = client.query(&page, &[&signed(after), &signed(last), &PAGE]).await?;
                for row in &rows {
                    records.push(columns::record(row)?);
                }
                match records.last() {
                    Some(record) if !rows.is_empty() => after = record.number,
                    _ => break,
                }
            }
            // Last: what was trimmed before it was read is below this.
            let stream = columns::stream(&client.query_one(&stream, &[]).await?)?;
            self.stream.forget(stream.forgotten);
            Ok(records)
        };
        let records = self.limited("its outbox", reading).await;
        client.after(records)
    }

    pub(crate) async fn scan(&self, scan: &Scan) -> Result<Scanned, Failure> {
        let client = self.pool.get().await?;
        let reading = async {
            let stream = client.prepare(STREAM).await?;
            let stream = columns::stream(&client.query_one(&stream, &[]).await?)?;
            let limit = scan.limit.min(SCAN_PAGE);
            let page = signed(limit as u64 + 1);
            let rows = match &scan.after {
                None => {
                    let first = client.prepare(SCAN_FIRST).await?;
                    client.query(&first, &[&page]).await?
                }
                Some((space, key)) => {
                    let next = client.prepare(SCAN_NEXT).await?;
                    let space = space.to_bytes();
                    client.query(&next, &[&&space[..], &&key[..], &page]).await?
                }
            };
            let digests = rows.iter().take(limit).map(digest).collect::<Result<_, _>>()?;
            let more = rows.len() > limit;
            Ok(Scanned { digests, more, mark: stream.mark, position: stream.position })
        };
        let scanned = self.limited("a scan", reading).await;
        client.after(scanned)
    }
}

const SCAN_FIRST: &str = "SELECT version, live, expires_at, space, key FROM littoral_rows \
    ORDER BY space, key LIMIT $1";
const SCAN_NEXT: &str = "SELECT version, live, expires_at, space, key FROM littoral_rows \
    WHERE (space, key) > ($1, $2) ORDER BY space, key LIMIT $3";

fn digest(columns: &tokio_postgres::Row) -> Result<Digest, Failure> {
    let standing = columns::standing(columns, 0)?;
    Ok(Digest {
        space: columns::space(columns.try_get(3)?)?,
        key: Bytes::copy_from_slice(columns.try_get(4)?),
        version: standing.version,
        live: standing.live,
        expires_at: standing.expires_at,
    })
}

//! The statements of one transaction, sent in two bursts: lock and read, then write, number and
//! commit.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use futures_util::future::{BoxFuture, try_join_all, try_join3, try_join4, try_join5};
use littoral_types::{Position, SpaceId};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::batch::{Batch, Before, Outcome, Seen};
use super::{Job, Lane, Put};
use crate::bodies::Prepared;
use crate::columns::{self, STREAM, purge_columns, signed, tag_bytes, version_bytes};
use crate::failure::Failure;
use crate::pool::Connection;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

const LOCK: &str = "SELECT r.version, r.live, r.expires_at, r.space, r.key, r.body_id \
    FROM unnest($1::bytea[], $2::bytea[]) AS i (space, key) \
    JOIN littoral_rows r ON r.space = i.space AND r.key = i.key \
    ORDER BY r.space, r.key FOR UPDATE OF r";

/// A body that a write names must not be swept before it is committed.
const LOCK_BODIES: &str =
    "SELECT id FROM littoral_bodies WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE";

const COLUMNS: &str =
    "space, key, version, live, expires_at, meta, tags, body, body_id, body_bytes, body_checksum";

const VALUES: &str = "unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::boolean[], $5::bigint[], \
    $6::bytea[], $7::bytea[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[])";

const NAME: &str = "UPDATE littoral_bodies SET named = true WHERE id = ANY($1::bigint[])";
const UNNAME: &str =
    "UPDATE littoral_bodies SET named = false, since = now() WHERE id = ANY($1::bigint[])";

/// The stream's row is locked from here until the commit, which follows at once.
const NUMBER: &str = "UPDATE littoral_stream SET number = number + $1 WHERE id = 1 \
    RETURNING incarnation, number, forgotten, mark";

const RECORD: &str = "INSERT INTO littoral_outbox (number, at, space, kind, key, version) \
    SELECT s.number - $1 + i.n, now(), i.space, i.kind, i.key, i.version \
    FROM littoral_stream s, \
      unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[]) \
      AS i (n, space, kind, key, version) \
    WHERE s.id = 1";

fn insert() -> String {
    format!("INSERT INTO littoral_rows ({COLUMNS}) SELECT * FROM {VALUES} AS i ({COLUMNS})")
}

fn update() -> String {
    let set = COLUMNS.split(", ").skip(2).map(|name| format!("{name} = i.{name}"));
    let set = set.collect::<Vec<_>>().join(", ");
    format!(
        "UPDATE littoral_rows r SET {set} FROM {VALUES} AS i ({COLUMNS}) \
         WHERE r.space = i.space AND r.key = i.key"
    )
}

/// Rows as one array per column.
struct Columns<'a> {
    spaces: Vec<[u8; 16]>,
    keys: Vec<&'a [u8]>,
    versions: Vec<[u8; 16]>,
    live: Vec<bool>,
    expires_at: Vec<Option<i64>>,
    metas: Vec<&'a [u8]>,
    tags: Vec<Option<Vec<u8>>>,
    bodies: Vec<Option<&'a [u8]>>,
    ids: Vec<Option<i64>>,
    lengths: Vec<Option<i64>>,
    checksums: Vec<Option<i64>>,
}

impl Lane {
    /// One transaction.
    pub(super) async fn attempt(
        &self,
        jobs: &[Job],
        unsure: bool,
    ) -> Result<Vec<Outcome>, Failure> {
        let client = self.pool.get().await?;
        let outcomes = self.transact(&client, jobs, unsure).await;
        client.ended(outcomes).await
    }

    async fn transact(
        &self,
        client: &Connection,
        jobs: &[Job],
        unsure: bool,
    ) -> Result<Vec<Outcome>, Failure> {
        let known = self.core.stream.position();
        let before = lock(client, jobs).await?;
        self.core.stream.check(known, before.early)?;
        let batch = Batch::decide(jobs, &before, unsure);
        if batch.purges.is_empty() {
            client.batch_execute("COMMIT").await?;
            return Ok(batch.finish(&before, before.late).0);
        }
        let base = self.write(client, &batch).await?;
        let through = Position::new(base.incarnation, base.number + batch.purges.len() as u64);
        let (outcomes, records) = batch.finish(&before, base);
        self.core.stream.advance(through, records);
        Ok(outcomes)
    }

    /// Writes a batch and commits it; the position before its first record.
    async fn write(&self, client: &Connection, batch: &Batch<'_>) -> Result<Position, Failure> {
        let total = signed(batch.purges.len() as u64);
        let (inserts, updates) = (Columns::of(&batch.inserts), Columns::of(&batch.updates));
        let mut writes: Vec<(Statement, Vec<Box<dyn ToSql + Sync + Send + '_>>)> = Vec::new();
        if !batch.updates.is_empty() {
            writes.push((client.prepare(&update()).await?, updates.values()));
        }
        if !batch.inserts.is_empty() {
            writes.push((client.prepare(&insert()).await?, inserts.values()));
        }
        for (sql, ids) in [(NAME, &batch.named), (UNNAME, &batch.unnamed)] {
            if !ids.is_empty() {
                writes.push((client.prepare(sql).await?, vec![Box::new(ids)]));
            }
        }
        let (number, record) = (client.prepare(NUMBER).await?, client.prepare(RECORD).await?);
        let records = Records::of(batch);
        let writing = writes.iter().map(|(statement, values)| -> BoxFuture<'_, _> {
            let values: Vec<_> =
                values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
            Box::pin(async move { client.execute(statement, &values).await })
        });
        let spaces: Vec<_> = records.spaces.iter().map(|space| &space[..]).collect();
        let versions: Vec<_> = records.versions.iter().map(|version| &version[..]).collect();
        let recorded: [&(dyn ToSql + Sync); 6] =
            [&total, &records.numbers, &spaces, &records.kinds, &records.keys, &versions];
        let total: [&(dyn ToSql + Sync); 1] = [&total];
        self.sent.store(true, Ordering::Relaxed);
        // Each is sent when it is first polled, in this order. One that fails makes the server
        // refuse the rest: COMMIT then ends the transaction without committing it.
        let (_, numbered, _, ()) = try_join4(
            try_join_all(writing),
            client.query_one(&number, &total),
            client.execute(&record, &recorded),
            client.batch_execute("COMMIT"),
        )
        .await?;
        let through = columns::stream(&numbered)?.position;
        let base = through.number - batch.purges.len() as u64;
        Ok(Position::new(through.incarnation, base))
    }
}

/// Begins a transaction: locks and reads what the jobs are decided against.
async fn lock(client: &Connection, jobs: &[Job]) -> Result<Before, Failure> {
    let mut keys = BTreeSet::new();
    let mut bodies = Vec::new();
    for job in jobs {
        if let Job::Apply { put, .. } = job {
            keys.insert((put.space.to_bytes(), &put.key[..]));
            if let Prepared::Chunks(reference) = &put.body {
                bodies.push(reference.id);
            }
        }
    }
    let spaces: Vec<_> = keys.iter().map(|(space, _)| &space[..]).collect();
    let keys: Vec<_> = keys.iter().map(|(_, key)| *key).collect();
    let (stream, lock, lock_bodies) =
        try_join3(client.prepare(STREAM), client.prepare(LOCK), client.prepare(LOCK_BODIES))
            .await?;
    let wanted: [&(dyn ToSql + Sync); 2] = [&spaces, &keys];
    let named: [&(dyn ToSql + Sync); 1] = [&bodies];
    let ((), early, rows, locked, late) = try_join5(
        client.batch_execute(BEGIN),
        client.query_one(&stream, &[]),
        client.query(&lock, &wanted),
        client.query(&lock_bodies, &named),
        client.query_one(&stream, &[]),
    )
    .await?;
    if locked.len() != bodies.len() {
        return Err(Failure::Damaged("a large body was swept before its row was written".into()));
    }
    let (early, late) = (columns::stream(&early)?, columns::stream(&late)?);
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let at: (SpaceId, Vec<u8>) = (columns::space(row.try_get(3)?)?, row.try_get(4)?);
        let standing = columns::standing(row, 0)?;
        found.insert(at, Seen { standing, body: row.try_get(5)? });
    }
    Ok(Before { early: early.position, late: late.position, mark: late.mark, rows: found })
}

impl<'a> Columns<'a> {
    fn of(puts: &[&'a Put]) -> Self {
        let chunks = |put: &&'a Put| match &put.body {
            Prepared::Chunks(reference) => Some(*reference),
            Prepared::Absent | Prepared::Bytes(_) => None,
        };
        let body = |put: &&'a Put| match &put.body {
            Prepared::Bytes(bytes) => Some(&bytes[..]),
            Prepared::Absent | Prepared::Chunks(_) => None,
        };
        let tags = |put: &&'a Put| put.tags.as_deref().map(tag_bytes);
        let expires_at = |put: &&Put| put.standing.expires_at.map(|at| signed(at.0));
        Self {
            spaces: puts.iter().map(|put| put.space.to_bytes()).collect(),
            keys: puts.iter().map(|put| &put.key[..]).collect(),
            versions: puts.iter().map(|put| version_bytes(put.claim.version)).collect(),
            live: puts.iter().map(|put| put.standing.live).collect(),
            expires_at: puts.iter().map(expires_at).collect(),
            metas: puts.iter().map(|put| &put.meta[..]).collect(),
            tags: puts.iter().map(tags).collect(),
            bodies: puts.iter().map(body).collect(),
            ids: puts.iter().map(|put| chunks(put).map(|body| body.id)).collect(),
            lengths: puts.iter().map(|put| chunks(put).map(|body| signed(body.bytes))).collect(),
            checksums: puts
                .iter()
                .map(|put| chunks(put).map(|body| signed(body.checksum)))
                .collect(),
        }
    }

    /// In the order of [`COLUMNS`].
    fn values(&self) -> Vec<Box<dyn ToSql + Sync + Send + '_>> {
        let spaces: Vec<_> = self.spaces.iter().map(|space| &space[..]).collect();
        let versions: Vec<_> = self.versions.iter().map(|version| &version[..]).collect();
        vec![
            Box::new(spaces),
            Box::new(&self.keys),
            Box::new(versions),
            Box::new(&self.live),
            Box::new(&self.expires_at),
            Box::new(&self.metas),
            Box::new(&self.tags),
            Box::new(&self.bodies),
            Box::new(&self.ids),
            Box::new(&self.lengths),
            Box::new(&self.checksums),
        ]
    }
}

/// Purges as one array per column.
struct Records {
    numbers: Vec<i64>,
    spaces: Vec<[u8; 16]>,
    kinds: Vec<i64>,
    keys: Vec<Vec<u8>>,
    versions: Vec<[u8; 16]>,
}

impl Records {
    fn of(batch: &Batch<'_>) -> Self {
        let columns: Vec<_> = batch.purges.iter().map(|(_, purge)| purge_columns(purge)).collect();
        Self {
            numbers: (1..).take(columns.len()).collect(),
            spaces: batch.purges.iter().map(|(space, _)| space.to_bytes()).collect(),
            kinds: columns.iter().map(|(kind, ..)| *kind).collect(),
            keys: columns.iter().map(|(_, key, _)| key.to_vec()).collect(),
            versions: columns.iter().map(|(.., version)| *version).collect(),
        }
    }
}

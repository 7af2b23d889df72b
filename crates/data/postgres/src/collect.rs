//! What takes things away: collecting rows that nobody can read, forgetting old outbox records.

use std::time::Duration;

use littoral_store::Collect;
use littoral_types::Version;
use tokio_postgres::Client;

use crate::columns::{self, STREAM, signed, unsigned, version_bytes};
use crate::failure::Failure;
use crate::store::Core;

const LOCK: &str = "SELECT r.version, r.live, r.expires_at, i.n, r.body_id \
    FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS i (space, key, n) \
    JOIN littoral_rows r ON r.space = i.space AND r.key = i.key \
    ORDER BY r.space, r.key FOR UPDATE OF r";
const DELETE: &str = "DELETE FROM littoral_rows r \
    USING unnest($1::bytea[], $2::bytea[]) AS i (space, key) \
    WHERE r.space = i.space AND r.key = i.key";
const UNNAME: &str =
    "UPDATE littoral_bodies SET named = false, since = now() WHERE id = ANY($1::bigint[])";
const RAISE: &str = "UPDATE littoral_stream SET mark = GREATEST(mark, $1) WHERE id = 1";

/// The highest number that may go, of the first so many.
const TRIMMABLE: &str = "SELECT max(number)::bigint FROM \
    (SELECT number, at FROM littoral_outbox WHERE number > $1 ORDER BY number LIMIT $2) AS first \
    WHERE at < now() - $3::bigint * interval '1 millisecond' OR number <= $4";
const TRIM_MAX: i64 = 2000;
/// What a database's interval can hold, and more than anybody keeps.
const AGE_MAX: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
const FORGET: &str = "UPDATE littoral_stream SET forgotten = GREATEST(forgotten, $1) WHERE id = 1";
const TRIM: &str = "DELETE FROM littoral_outbox WHERE number <= $1";

impl Core {
    pub(crate) async fn collect(&self, collect: &Collect) -> Result<u64, Failure> {
        for _ in 0..self.options.commit_attempts_max.max(1) {
            let client = self.pool.get().await?;
            let collecting = async {
                client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
                let collected = collect_in(&client, collect).await?;
                client.batch_execute("COMMIT").await?;
                Ok(collected)
            };
            let collected = self.limited("a collection", collecting).await;
            match collected {
                Err(failure) if failure.is_conflict() => {}
                Err(failure) => return Err(failure),
                Ok(collected) => {
                    client.done();
                    return Ok(collected);
                }
            }
        }
        Err(Failure::Conflict)
    }

    /// Forgets one stretch of the outbox; whether there may be more.
    pub(crate) async fn trim(&self, older: Duration) -> Result<bool, Failure> {
        let client = self.pool.get().await?;
        let age = older.min(AGE_MAX).as_millis() as i64;
        let trimming = async {
            let stream = columns::stream(&client.query_one(STREAM, &[]).await?)?;
            self.stream.forget(stream.forgotten);
            let kept = self.options.outbox_records_max;
            let too_many = signed(stream.position.number.saturating_sub(kept));
            let after = signed(stream.forgotten);
            let found = client.query_one(TRIMMABLE, &[&after, &TRIM_MAX, &age, &too_many]).await?;
            let Some(through) = found.try_get::<_, Option<i64>>(0)? else { return Ok(false) };
            client.batch_execute("BEGIN").await?;
            client.execute(TRIM, &[&through]).await?;
            // Last, as in every transaction: commits wait for it.
            client.execute(FORGET, &[&through]).await?;
            client.batch_execute("COMMIT").await?;
            self.stream.forget(unsigned(through));
            Ok(true)
        };
        let trimmed = self.limited("forgetting purges", trimming).await?;
        client.done();
        Ok(trimmed)
    }
}

async fn collect_in(client: &Client, collect: &Collect) -> Result<u64, Failure> {
    let spaces: Vec<_> = collect.doomed.iter().map(|one| one.space.to_bytes()).collect();
    let spaces: Vec<_> = spaces.iter().map(|space| &space[..]).collect();
    let keys: Vec<_> = collect.doomed.iter().map(|one| &one.key[..]).collect();
    let numbers: Vec<i64> = (0..).take(keys.len()).collect();
    let rows = client.query(LOCK, &[&spaces, &keys, &numbers]).await?;
    let (mut gone_spaces, mut gone_keys, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    let mut mark = Version::ZERO;
    for row in &rows {
        let number: i64 = row.try_get(3)?;
        let doomed = &collect.doomed[number as usize];
        if columns::standing(row, 0)?.collects(doomed.version, collect.now) {
            mark = mark.max(doomed.version);
            gone_spaces.push(spaces[number as usize]);
            gone_keys.push(&doomed.key[..]);
            bodies.extend(row.try_get::<_, Option<i64>>(4)?);
        }
    }
    if gone_keys.is_empty() {
        return Ok(0);
    }
    let collected = client.execute(DELETE, &[&gone_spaces, &gone_keys]).await?;
    if !bodies.is_empty() {
        client.execute(UNNAME, &[&bodies]).await?;
    }
    client.execute(RAISE, &[&&version_bytes(mark)[..]]).await?;
    Ok(collected)
}

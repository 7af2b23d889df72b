-- One row: the purge stream, and the collection mark. A transaction that adds to the outbox takes
-- its numbers from here last, and holds this row's lock until it is committed.
CREATE TABLE littoral_stream (
  id bigint PRIMARY KEY,
  incarnation bigint NOT NULL,
  number bigint NOT NULL,
  forgotten bigint NOT NULL,
  mark bytea NOT NULL
);

-- Purges by number. Kinds: 1 a write, 2 a delete; by hand: 3 a key, 4 a prefix, 5 a tag, 6 everything.
CREATE TABLE littoral_outbox (
  number bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  space bytea NOT NULL,
  kind bigint NOT NULL,
  key bytea NOT NULL,
  version bytea NOT NULL
);

-- The newest write of each key. A version is 16 bytes that sort as versions do. `body` is a small
-- one's bytes; a large one stands in chunks.
CREATE TABLE littoral_rows (
  space bytea NOT NULL,
  key bytea NOT NULL,
  version bytea NOT NULL,
  live boolean NOT NULL,
  expires_at bigint,
  meta bytea NOT NULL,
  tags bytea,
  body bytea,
  body_id bigint,
  body_bytes bigint,
  body_checksum bigint,
  PRIMARY KEY (space, key)
);

-- Large bodies; `named` when a row names it. One that no row names is removed after a grace.
CREATE TABLE littoral_bodies (
  id bigint PRIMARY KEY,
  named boolean NOT NULL,
  since timestamptz NOT NULL
);

CREATE INDEX littoral_bodies_unnamed ON littoral_bodies (since) WHERE NOT named;

CREATE TABLE littoral_chunks (
  body bigint NOT NULL,
  part bigint NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (body, part)
);

//! Making the tables, being told about them, and databases that do not fit.

use littoral_postgres::{Migrated, Options, SCHEMA, migrate, renew, status};
use littoral_store::Store as _;
use littoral_types::{Position, Version};

use crate::world::{LONG, SPACE, World, applied, at, write};

#[tokio::test]
async fn tables_are_made_once_however_many_make_them() {
    let world = World::empty();
    let (address, clock) = (world.server.address(), &world.clock);
    let empty = status(&address, clock).await.unwrap();
    assert_eq!((empty.schema, empty.schema_known, empty.position), (0, SCHEMA, Position::NONE));

    let many = (0..4).map(|_| migrate(&address, clock));
    let made = futures_util::future::try_join_all(many).await.unwrap();
    let first = Migrated { from: 0, to: SCHEMA };
    assert_eq!(made.iter().filter(|made| **made == first).count(), 1, "{made:?}");
    assert!(made.iter().all(|made| made.to == SCHEMA));

    let store = world.open(Options::default());
    let position = applied(store.apply(write("a", at(1), "one")).await.unwrap());
    let found = status(&address, clock).await.unwrap();
    assert!(found.server.starts_with("15."), "{found:?}");
    assert_eq!((found.schema, found.rows, found.forgotten), (SCHEMA, 1, 0));
    assert_eq!((found.position, found.mark), (position, Version::ZERO));
    assert!(found.bytes.is_some_and(|bytes| bytes > 8192));
}

#[tokio::test]
async fn a_database_of_another_schema_is_refused_with_what_to_do() {
    let world = World::empty();
    let says = async || {
        let store = world.open(Options::default());
        let read = store.get(SPACE, "a".into()).await.unwrap_err().to_string();
        let wrote = store.apply(write("a", at(1), "one")).await.unwrap_err().to_string();
        format!("{read}\n{wrote}")
    };
    let said = says().await;
    assert_eq!(said.matches("run `littoral origin init`").count(), 2, "{said}");

    migrate(&world.server.address(), &world.clock).await.unwrap();
    world.sql("INSERT INTO littoral_schema VALUES (99, now())").await;
    let said = says().await;
    assert_eq!(said.matches("the database has schema 99").count(), 2, "{said}");
    let refused = migrate(&world.server.address(), &world.clock).await.unwrap_err().to_string();
    assert!(refused.contains("use a newer Littoral"), "{refused}");

    world.sql("DELETE FROM littoral_schema WHERE version = 99").await;
    let store = world.open(Options::default());
    applied(store.apply(write("a", at(1), "one")).await.unwrap());
}

#[tokio::test]
async fn a_renewed_stream_has_another_incarnation() {
    let world = World::start().await;
    let store = world.open(Options::default());
    let before = applied(store.apply(write("a", at(1), "one")).await.unwrap());
    let renewed = renew(&world.server.address(), &world.clock).await.unwrap();
    assert_ne!(renewed, before.incarnation);
    let mut committed = store.committed();
    let heard = committed.wait_for(|position| position.incarnation == renewed);
    world.clock.timeout(LONG, heard).await.expect("it is heard of").unwrap();
    let after = applied(store.apply(write("a", at(2), "two")).await.unwrap());
    assert_eq!(after, Position::new(renewed, 2));
    let page = store.outbox(0, 9).await.unwrap();
    assert_eq!((page.records.len(), page.through), (2, after));
}

#[tokio::test]
async fn numbers_that_a_failover_lost_begin_a_new_incarnation() {
    let world = World::start().await;
    let store = world.open(Options::default());
    for ms in 1..=5 {
        applied(store.apply(write("a", at(ms), "one")).await.unwrap());
    }
    let before = store.outbox(0, 9).await.unwrap().through;
    // As a standby would be that had not yet heard of the last two.
    world
        .sql(
            "BEGIN; UPDATE littoral_stream SET number = 3; \
         DELETE FROM littoral_outbox WHERE number > 3; COMMIT",
        )
        .await;
    let mut committed = store.committed();
    let heard = committed.wait_for(|now| now.incarnation != before.incarnation);
    let renewed = *world.clock.timeout(LONG, heard).await.expect("it is noticed").unwrap();
    assert_eq!(renewed.number, 3);
    let after = applied(store.apply(write("b", at(9), "two")).await.unwrap());
    assert_eq!(after, Position::new(renewed.incarnation, 4));
}

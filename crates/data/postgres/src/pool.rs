//! Connections to the database: a bounded number, each told its limits before it is used, and
//! thrown away unless its last use ended well.

use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod,
    Runtime,
};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, Statement};

use crate::address::Address;
use crate::failure::{Failure, text};
use crate::migrate::{fits, schema_of};
use crate::options::Options;

/// A pool. Clones share it. Its connections live on the runtime that asks for them.
#[derive(Clone)]
pub(crate) struct Pool(deadpool_postgres::Pool);

/// A connection in use. Dropped before it is [done](Self::done), it is closed: nobody knows what
/// it was in the middle of.
pub(crate) struct Connection(Option<Object>);

/// Settings of a session; those that the server does not have are left out.
const SETTINGS: &str = "SELECT set_config(wanted.name, wanted.value, false) \
    FROM (VALUES ('statement_timeout', $1), ('lock_timeout', $2), \
      ('idle_in_transaction_session_timeout', $3), \
      ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_seqscan', 'off') \
    ) AS wanted (name, value) \
    WHERE wanted.name IN (SELECT name FROM pg_settings)";

/// An acknowledged write is on the server's disk, whatever its configuration says.
const DURABLE: &str = "SELECT set_config(name, 'on', false) FROM pg_settings \
    WHERE name = 'synchronous_commit' AND setting = 'off'";

impl Pool {
    pub(crate) fn new(address: &Address, options: &Options, connections: usize) -> Self {
        let mut config = address.config().clone();
        config.connect_timeout(options.connect_time_max);
        config.tcp_user_timeout(options.call_time_max);
        if config.get_application_name().is_none() {
            config.application_name("littoral");
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match address.tls() {
            Some(tls) => Manager::from_config(config, tls, recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let options = *options;
        let ready = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            Box::pin(async move { ready(client, &options).await.map_err(HookError::message) })
        });
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(connections.max(1))
            .wait_timeout(Some(options.connection_wait_max))
            .create_timeout(Some(options.connect_time_max))
            .recycle_timeout(Some(options.connect_time_max))
            .runtime(Runtime::Tokio1)
            .post_create(ready)
            .build()
            .expect("a pool with a runtime can be built");
        Self(pool)
    }

    pub(crate) async fn get(&self) -> Result<Connection, Failure> {
        match self.0.get().await {
            Ok(object) => Ok(Connection(Some(object))),
            Err(error) => Err(Failure::Connect(match error {
                PoolError::Backend(error) => text(&error),
                PoolError::PostCreateHook(HookError::Message(why)) => why.into_owned(),
                PoolError::Timeout(_) => "no connection to the database in time".into(),
                error => format!("no connection to the database: {error}"),
            })),
        }
    }
}

impl Connection {
    pub(crate) async fn prepare(&self, sql: &str) -> Result<Statement, Failure> {
        let object = self.0.as_ref().expect("a connection in use");
        Ok(object.prepare_cached(sql).await?)
    }

    /// It waits for nothing, and is in no transaction.
    pub(crate) fn done(mut self) {
        drop(self.0.take());
    }

    /// What a use came to: after an answer of the server the connection goes on.
    pub(crate) fn after<T>(self, result: Result<T, Failure>) -> Result<T, Failure> {
        if result.as_ref().err().is_none_or(Failure::is_answer) {
            self.done();
        }
        result
    }
}

impl Connection {
    /// What a transaction came to: leaves none open, or closes the connection.
    pub(crate) async fn ended<T>(self, result: Result<T, Failure>) -> Result<T, Failure> {
        match &result {
            Ok(_) => self.done(),
            Err(failure) if failure.is_answer() && self.batch_execute("ROLLBACK").await.is_ok() => {
                self.done();
            }
            Err(_) => {}
        }
        result
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.0.as_ref().expect("a connection in use")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// Sets a new connection's limits and sees that the database is ours.
async fn ready(client: &Client, options: &Options) -> Result<(), String> {
    let ms = |time: Duration| time.as_millis().to_string();
    let limits =
        [options.statement_time_max, options.lock_time_max, options.idle_transaction_time_max]
            .map(ms);
    let told = |error: tokio_postgres::Error| text(&error);
    client.query(SETTINGS, &[&limits[0], &limits[1], &limits[2]]).await.map_err(told)?;
    client.query(DURABLE, &[]).await.map_err(told)?;
    match schema_of(client).await {
        Ok(schema) => fits(schema),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => fits(0),
        Err(error) => Err(text(&error)),
    }
}

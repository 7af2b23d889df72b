//! The stores' PostgreSQL servers, where they are on PostgreSQL.

use littoral_clock::Clock;
use littoral_postgres::{Address, Examined, Status};
use littoral_types::STORES;

use super::certificate::secret;
use super::report::Report;
use crate::config::Config;
use crate::network::Origin;

/// The oldest that the SQL is for, and the one that is tested.
const VERSION_MIN: u32 = 13;
const VERSION_TESTED: u32 = 15;
/// Connections of a node beside its pool: writers, and those of commands.
const CONNECTIONS_BESIDE: u32 = 8;

pub(super) async fn look(
    config: &Config,
    origins: &[Origin; STORES],
    clock: &Clock,
    report: &mut Report,
) {
    let mut identities = Vec::new();
    for (store, origin) in origins.iter().enumerate() {
        if let Some(file) = config.origins.get(store).and_then(|o| o.password_file.as_ref()) {
            secret("password-open", file, report);
        }
        let Origin::Postgres { address, connections } = origin else { continue };
        let shown = Shown { store, address, config };
        match littoral_postgres::examine(address, clock).await {
            Ok(examined) => {
                shown.server(&examined, *connections, report);
                identities.extend(examined.identity);
            }
            Err(error) => {
                shown.unreachable(&error.to_string(), report);
                continue;
            }
        }
        match littoral_postgres::status(address, clock).await {
            Ok(status) => shown.schema(&status, report),
            Err(error) => shown.unreachable(&error.to_string(), report),
        }
    }
    if let [first, second] = &identities[..]
        && first == second
    {
        report.error(
            "one-database",
            "both stores are the same database",
            "the loss of one is the loss of both, and each write is sent to it twice",
            "give each store a server of its own in [[origins]], in two regions",
        );
    }
}

struct Shown<'a> {
    store: usize,
    address: &'a Address,
    config: &'a Config,
}

impl Shown<'_> {
    fn whom(&self) -> String {
        format!("store {} in {}", self.store, self.address)
    }

    fn unreachable(&self, why: &str, report: &mut Report) {
        let (check, next) = if why.contains("28P01") || why.contains("28000") {
            (
                "database-password",
                "put the right password into the password-file, and look at pg_hba.conf",
            )
        } else if why.contains("3D000") {
            ("database-missing", "createdb, then `littoral origin init`")
        } else {
            (
                "database-unreachable",
                "does the server run there, and listen on that address? is a firewall between?",
            )
        };
        let what = format!("{} cannot be used: {why}", self.whom());
        // Only the store's own location speaks to it.
        let why = "the nodes beside it cannot read or write; the other store answers, and owes it every write";
        report.error(check, what, why, next);
    }

    fn server(&self, examined: &Examined, connections: usize, report: &mut Report) {
        let whom = self.whom();
        let major = examined.version / 10_000;
        if major < VERSION_MIN {
            let what = format!("{whom}: PostgreSQL {} is too old", examined.server);
            report.error(
                "database-version",
                what,
                "its SQL lacks what a store asks",
                "use PostgreSQL 15",
            );
        } else if major < VERSION_TESTED {
            let what =
                format!("{whom}: PostgreSQL {} is older than the tested one", examined.server);
            report.warning(
                "database-version",
                what,
                "nothing is known against it",
                "use PostgreSQL 15",
            );
        } else {
            report.well(format!("{whom}: PostgreSQL {}", examined.server));
        }
        if examined.standby {
            report.error(
                "database-standby",
                format!("{whom} is a standby"),
                "it takes no writes",
                "name the primary, or promote this one and run `littoral origin renew`",
            );
        }
        let off = |setting: &Option<String>| setting.as_deref() == Some("off");
        if off(&examined.fsync) {
            report.error(
                "database-fsync",
                format!("{whom} has fsync = off"),
                "a crash of its machine loses writes that were acknowledged, or the whole database",
                "set fsync = on in postgresql.conf and restart it",
            );
        }
        if off(&examined.full_page_writes) {
            report.warning(
                "database-full-page-writes",
                format!("{whom} has full_page_writes = off"),
                "a crash can tear a page, unless its file system never does",
                "set full_page_writes = on and reload it",
            );
        }
        if off(&examined.synchronous_commit) {
            report.warning(
                "database-synchronous-commit",
                format!("{whom} has synchronous_commit = off"),
                "nodes switch it on for themselves; whatever else writes there may lose its last commits",
                "set synchronous_commit = on and reload it",
            );
        }
        self.connections(examined, connections, report);
        self.skew(examined, report);
    }

    fn connections(&self, examined: &Examined, connections: usize, report: &mut Report) {
        let Some(most) = examined.connections_max else { return };
        let location = self.config.stores.get(self.store);
        let listed = self.config.locations.iter().find(|listed| Some(&listed.name) == location);
        let nodes = listed.map_or(1, |listed| listed.nodes.len().max(1)) as u32;
        let needed = nodes * (connections as u32 + CONNECTIONS_BESIDE);
        if needed > most {
            report.warning(
                "database-connections",
                format!(
                    "{} takes {most} connections, and {nodes} nodes may want {needed}",
                    self.whom()
                ),
                "a node that gets none cannot read or write for that moment",
                "raise max_connections, or lower `connections` under [[origins]]",
            );
        }
    }

    fn skew(&self, examined: &Examined, report: &mut Report) {
        let most = self.config.limits.max_skew.0.as_millis() as u64;
        let sure =
            examined.skew_ms.unsigned_abs().saturating_sub(examined.skew_error.as_millis() as u64);
        let what = format!("the clock of {} differs by {} ms", self.whom(), examined.skew_ms);
        if sure > most / 2 {
            // Stamps are the nodes'; the database's clock counts for what is swept and trimmed.
            report.warning(
                "clock-database",
                what,
                "one of the two machines is wrong",
                "run an NTP client on both",
            );
        } else {
            report.well(what);
        }
    }

    fn schema(&self, status: &Status, report: &mut Report) {
        let whom = self.whom();
        let config = "--config FILE";
        let (now, known) = (status.schema, status.schema_known);
        if now == known {
            report.well(format!("{whom}: schema {now}"));
        } else if now == 0 {
            let next = format!("littoral origin init {config} --store {}", self.store);
            report.error(
                "database-schema",
                format!("{whom} has no tables"),
                "nothing can be stored there",
                next,
            );
        } else if now < known {
            let next = format!("littoral origin migrate {config} --store {}", self.store);
            let what = format!("{whom} has schema {now}, and this version needs {known}");
            report.error("database-schema", what, "nodes of this version refuse it", next);
        } else {
            let what = format!("{whom} has schema {now}, and this version knows {known} only");
            report.error(
                "database-schema",
                what,
                "nodes of this version refuse it",
                "install the newer littoral here",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use littoral_postgres::testing::Server;

    use super::*;

    async fn found(origins: [Origin; STORES]) -> Vec<&'static str> {
        let mut report = Report::default();
        look(&Config::default(), &origins, &Clock::system(), &mut report).await;
        report.checks()
    }

    fn origin(address: Address) -> Origin {
        Origin::Postgres { address: Box::new(address), connections: 4 }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_mistake_about_a_database_is_told() {
        let home = tempfile::tempdir().expect("a folder");
        let settings = ["fsync=off", "synchronous_commit=off", "max_connections=10"];
        let server = Server::start(home.path(), &settings);
        let told = found([origin(server.address()), Origin::Embedded]).await;
        let expected = [
            "database-fsync",
            "database-synchronous-commit",
            "database-connections",
            "database-schema",
        ];
        assert_eq!(told, expected);

        littoral_postgres::migrate(&server.address(), &Clock::system()).await.expect("prepared");
        let twice = found([origin(server.address()), origin(server.address())]).await;
        assert_eq!(twice.last(), Some(&"one-database"), "{twice:?}");
        assert!(!twice.contains(&"database-schema"), "{twice:?}");

        let wrong = server.address().with_password("wrong");
        assert_eq!(found([origin(wrong), Origin::Embedded]).await, ["database-password"]);
        let nobody = "postgres://x@127.0.0.1:1/x".parse().expect("an address");
        assert_eq!(found([origin(nobody), Origin::Embedded]).await, ["database-unreachable"]);
    }
}

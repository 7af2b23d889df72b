//! What is asked of a network's PostgreSQL servers directly, behind Littoral's back.

use std::fs;
use std::process::Command;

use super::Network;
use crate::program::run;

/// Debian has it in the path, or beside the server.
const PSQL: &str = "PATH=\"$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')\" exec psql \"$@\"";
const PORT: &str = "55432";

impl Network {
    /// What `psql` prints, a row a line.
    ///
    /// # Panics
    /// When the server refuses.
    #[track_caller]
    pub fn sql(&self, store: usize, statements: &str) -> String {
        let password = fs::read_to_string(self.dir.join(format!("postgres-{store}.password")));
        let host = format!("127.{}.2.{}", self.number, store + 1);
        let mut command = Command::new("sh");
        command
            .args(["-c", PSQL, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--host", &host, "--port", PORT])
            .args(["--username", "littoral", "--dbname", "littoral", "--file", "-"])
            .env("PGPASSWORD", password.expect("a password"));
        run(&mut command, statements.as_bytes()).well().text()
    }
}

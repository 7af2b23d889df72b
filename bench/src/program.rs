//! Programs that run beside a measurement, and end with it.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use littoral_clock::Clock;
use littoral_tests::Stopwatch;
use littoral_types::Mono;

/// A running program; told to end when dropped, and killed if it does not.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    name: String,
}

const PATIENCE: Duration = Duration::from_secs(20);
/// How long a program may take to end once it is told.
const FAREWELL: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_micros(500);

impl Program {
    /// Starts it; what it says goes into `log`.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("cannot make {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` gives something.
    pub(crate) async fn until<T>(
        &mut self,
        clock: &Clock,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let deadline = clock.after(PATIENCE);
        loop {
            if let Some(found) = ready() {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready: {status}", self.name);
            }
            if clock.mono() > deadline {
                bail!("{} is not ready after {} s", self.name, PATIENCE.as_secs());
            }
            clock.sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until it accepts connections.
    pub(crate) async fn listens(&mut self, clock: &Clock, address: SocketAddr) -> Result<()> {
        self.until(clock, || TcpStream::connect(address).ok()).await.map(drop)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Told, not killed: one that has processes of its own ends them.
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        let began = Stopwatch::start();
        while told.is_ok()
            && began.elapsed() < FAREWELL
            && matches!(self.child.try_wait(), Ok(None))
        {
            std::thread::park_timeout(LOOK_AGAIN);
        }
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// Runs a program to its end; what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = format!("{command:?}");
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Seconds from `began` to now.
pub(crate) fn seconds(clock: &Clock, began: Mono) -> f64 {
    clock.mono().since(began).as_secs_f64()
}

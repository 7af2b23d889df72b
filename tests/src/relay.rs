//! A relay of our own between two ends of a network: it delays what it passes on, holds it back, or
//! cuts it, in one direction or both, and can be told otherwise while it runs.
//!
//! It knows bytes only: what stands between nodes is TLS over TCP. A held direction loses nothing; it
//! is a link on which nothing arrives any more, until it does.

mod pump;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use pump::{Direction, pump};

/// What happens to bytes on their way in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub delay: Duration,
    /// At most so much is added, never so that bytes overtake.
    pub jitter: Duration,
    /// Nothing arrives any more.
    pub held: bool,
}

/// The state of a link. What opens a connection calls *there*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    pub there: Way,
    pub back: Way,
    /// Connections end, and new ones too as soon as they are made.
    pub cut: bool,
}

/// One relayed link; as long as it lives, connections to its address are passed on.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    usual: Weather,
    weather: watch::Sender<Weather>,
}

/// What relays run on: a thread of their own.
#[derive(Debug)]
pub struct Relays(Option<Runtime>);

impl Weather {
    /// A link whose round trip takes so long.
    pub fn of_trip(trip: Duration, jitter: Duration) -> Self {
        let way = Way { delay: trip / 2, jitter, held: false };
        Self { there: way, back: way, cut: false }
    }

    /// The same link with nothing arriving, in either direction.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.there.held = true;
        self.back.held = true;
        self
    }

    #[must_use]
    pub fn held_there(mut self) -> Self {
        self.there.held = true;
        self
    }

    #[must_use]
    pub fn held_back(mut self) -> Self {
        self.back.held = true;
        self
    }

    #[must_use]
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

impl Relays {
    /// # Errors
    /// When the machine gives no thread.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("relays")
            .enable_io()
            .enable_time()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// A relay on a free port of `at`, to `to`.
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn between(&self, at: IpAddr, to: SocketAddr, usual: Weather) -> io::Result<Relay> {
        let listener = TcpListener::bind((at, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(usual);
        if let Some(runtime) = &self.0 {
            let _runtime = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, to, seen));
        }
        Ok(Relay { address, usual, weather })
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        // Where it is dropped may be a runtime too, which must not be blocked.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Relay {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it was made.
    pub fn usual(&self) -> Weather {
        self.usual
    }

    /// From now on, for connections that are open too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// As it was made.
    pub fn restore(&self) {
        self.set(self.usual);
    }
}

/// Until the relay is gone.
async fn accept(
    listener: tokio::net::TcpListener,
    to: SocketAddr,
    mut weather: watch::Receiver<Weather>,
) {
    loop {
        let gone = async { while weather.changed().await.is_ok() {} };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gone => return,
        };
        let Ok((near, _)) = accepted else { continue };
        if weather.borrow().cut {
            continue;
        }
        let weather = weather.clone();
        tokio::runtime::Handle::current().spawn(async move {
            // A link that breaks is one that ends.
            let _ = pass_on(near, to, weather).await;
        });
    }
}

async fn pass_on(
    near: TcpStream,
    to: SocketAddr,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    near.set_nodelay(true)?;
    let Weather { there, back, .. } = *weather.borrow_and_update();
    // The handshake of TCP takes a trip too.
    pump::pause(there.delay + back.delay).await;
    let far = TcpStream::connect(to).await?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let there = pump(near_read, far_write, weather.clone(), Direction::There);
    let back = pump(far_read, near_write, weather, Direction::Back);
    let (there, back) = tokio::join!(there, back);
    there.and(back)
}

#[cfg(test)]
mod tests;

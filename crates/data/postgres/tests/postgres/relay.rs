//! A relay between a store and its database that can lose the answer to a commit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use littoral_tasks::{TaskKind, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Relay {
    pub(crate) port: u16,
    /// The number, from here, of the commit whose answer is to be lost with its connection; 0: none.
    lost: Arc<AtomicUsize>,
}

impl Relay {
    pub(crate) async fn start(to: u16, tasks: &Tasks) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lost = Arc::new(AtomicUsize::new(0));
        let (inner, lost_by) = (tasks.clone(), lost.clone());
        tasks.spawn(TaskKind::Listener, async move {
            while let Ok((client, _)) = listener.accept().await {
                let lost = lost_by.clone();
                inner.spawn(TaskKind::Connection, async move {
                    let to = SocketAddr::from(([127, 0, 0, 1], to));
                    if let Ok(server) = TcpStream::connect(to).await {
                        pass(client, server, &lost).await;
                    }
                });
            }
        });
        Self { port, lost }
    }

    /// 1: the next one.
    pub(crate) fn lose(&self, number: usize) {
        self.lost.store(number, Ordering::Release);
    }

    pub(crate) fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire) == 0
    }
}

/// Until either side ends, or an answer is lost.
async fn pass(mut client: TcpStream, mut server: TcpStream, lost: &AtomicUsize) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut losing = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                let commits = up[..read].windows(7).any(|word| word == b"COMMIT\0");
                let less = |number: usize| number.checked_sub(1);
                losing |= commits
                    && lost.fetch_update(Ordering::AcqRel, Ordering::Acquire, less) == Ok(1);
                if server.write_all(&up[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if losing {
                    // The server says so when it has committed: nobody hears.
                    if down[..read].windows(7).any(|word| word == b"COMMIT\0") {
                        return;
                    }
                } else if client.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

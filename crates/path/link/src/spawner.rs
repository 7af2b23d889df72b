//! What the HTTP library runs beside a connection, run as tasks of the node.

use std::future::Future;

use littoral_tasks::{TaskKind, Tasks};

#[derive(Clone)]
pub(crate) struct Spawner(pub(crate) Tasks);

impl<F> hyper::rt::Executor<F> for Spawner
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(TaskKind::Connection, future);
    }
}

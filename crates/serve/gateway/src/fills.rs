//! Answers on their way, for those who come while they do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use littoral_types::Mono;
use tokio::sync::watch;

use crate::fill::Fill;
use crate::meta::Head;
use crate::origin::Stamp;
use crate::rules;

/// An answer that is on its way and will be kept.
#[derive(Clone)]
pub(crate) struct Filling {
    pub head: Head,
    pub age: Duration,
    pub since: Mono,
    /// Under which it will be kept.
    pub stamp: Stamp,
    /// What the leader asked, for answers that vary.
    pub asked: HeaderMap,
    pub fill: Arc<Fill>,
}

impl Filling {
    /// Whether it is also the answer for those who ask like this.
    pub(crate) fn answers(&self, asked: &HeaderMap) -> bool {
        if self.head.status == StatusCode::PARTIAL_CONTENT {
            return false;
        }
        match rules::Vary::of(&self.head.headers) {
            rules::Vary::Nothing => true,
            rules::Vary::By(names) => {
                rules::selection(&names, asked) == rules::selection(&names, &self.asked)
            }
            rules::Vary::Star => false,
        }
    }
}

/// Answers on their way, by key.
#[derive(Clone)]
pub(crate) struct Fills(Arc<OnTheirWay>);

struct OnTheirWay {
    by_key: Mutex<HashMap<Bytes, Filling>>,
    /// Counts up with each that is shown.
    news: watch::Sender<u64>,
}

impl Default for Fills {
    fn default() -> Self {
        Self(Arc::new(OnTheirWay { by_key: Mutex::default(), news: watch::Sender::new(0) }))
    }
}

impl Fills {
    fn lock(&self) -> MutexGuard<'_, HashMap<Bytes, Filling>> {
        self.0.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn show(&self, key: Bytes, filling: Filling) -> Shown {
        let fill = Arc::clone(&filling.fill);
        self.lock().insert(key.clone(), filling);
        self.0.news.send_modify(|count| *count = count.wrapping_add(1));
        Shown { fills: self.clone(), key, fill }
    }

    /// The answer on its way under a key, once there is one that is `sound`.
    pub(crate) async fn appears(&self, key: &Bytes, sound: impl Fn(&Filling) -> bool) -> Filling {
        let mut news = self.0.news.subscribe();
        loop {
            let filling = self.lock().get(key).cloned();
            if let Some(filling) = filling.filter(&sound) {
                return filling;
            }
            if news.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Nobody joins these any more.
    pub(crate) fn forget_if(&self, old: impl Fn(&Bytes, &Filling) -> bool) {
        self.lock().retain(|key, filling| !old(key, filling));
    }
}

/// Takes it away again when it is whole.
pub(crate) struct Shown {
    fills: Fills,
    key: Bytes,
    fill: Arc<Fill>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut fills = self.fills.lock();
        if fills.get(&self.key).is_some_and(|shown| Arc::ptr_eq(&shown.fill, &self.fill)) {
            fills.remove(&self.key);
        }
    }
}

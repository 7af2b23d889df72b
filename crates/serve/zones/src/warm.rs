//! What a version is asked for before it is served, so that its first clients need not wait.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::{HeaderValue, Request, header};
use http_body_util::BodyExt as _;
use littoral_http::{Interim, Upload};
use littoral_types::Ctx;

use crate::config::Warm;
use crate::front::{Rest, routed};
use crate::path;
use crate::plan::Progress;
use crate::rule::Asked;
use crate::zone::Zone;

/// However much is left, then the version is served.
const TIME_MAX: Duration = Duration::from_secs(5);
const AT_ONCE_MAX: usize = 16;

/// Asks the routes of a version that is not served yet for what its zone lists. What fails is asked
/// for by clients later.
pub(crate) async fn warm(zone: &Arc<Zone>, ctx: &Ctx) {
    let clock = zone.means.clock.clone();
    let each = |warm: &Warm| one(Arc::clone(zone), warm.clone(), ctx.clone());
    let all = futures_util::stream::iter(zone.config.prewarm.iter().map(each));
    let all = all.buffer_unordered(AT_ONCE_MAX).fold(0, async |well, one| well + usize::from(one));
    let count = zone.config.prewarm.len();
    match clock.timeout(TIME_MAX, Box::pin(all)).await {
        Ok(well) => tracing::info!(zone = zone.name(), well, of = count, "is warm"),
        Err(_) => tracing::warn!(zone = zone.name(), of = count, "is not warm in time, and served"),
    }
}

/// Whether it came, whole. Rules change what is asked for, and refuse nothing: nobody gets this.
async fn one(zone: Arc<Zone>, warm: Warm, ctx: Ctx) -> bool {
    let Warm { host, target } = warm;
    let bare = host.rsplit_once(':').map_or(&*host, |(name, _)| name).to_owned();
    let Ok(value) = HeaderValue::from_str(&host) else { return false };
    let Ok(request) = Request::get(&target).header(header::HOST, value).body(()) else {
        return false;
    };
    let (head, ()) = request.into_parts();
    let Ok(path) = path::normal(head.uri.path()).map(std::borrow::Cow::into_owned) else {
        return false;
    };
    let (address, size) = ([127, 0, 0, 1].into(), Some(0));
    let asked = Asked { head, host: bare, path, address, size, ctx, dry: true };
    let plan = &zone.config.plan;
    let done = Progress::new(plan).finish(plan, &asked, &zone.means).await;
    let rest = Rest {
        body: Upload::ready(Vec::new(), zone.means.clock.clone()),
        peer: (address, 0).into(),
        interim: Interim::default(),
    };
    let mut res = routed(&zone, asked, &done, rest).wait().await;
    while let Some(frame) = res.body_mut().frame().await {
        if frame.is_err() {
            return false;
        }
    }
    res.status().is_success()
}

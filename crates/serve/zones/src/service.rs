//! One node's zones: they are followed, changed, and looked up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use littoral_clock::Clock;
use littoral_gateway::Gateway;
use littoral_kv::doors::Directory;
use littoral_kv::{Kv, Namespace};
use littoral_tasks::{TaskKind, Tasks};
use littoral_types::{Ctx, Tenant, Version};
use tokio::task::spawn_blocking;

use crate::Error;
use crate::config::{Config, Problem};
use crate::means::Means;
use crate::named::Named;
use crate::pool::Pool;
use crate::records::{Entry, POINTERS, Pointer, Records, zone_of};
use crate::secure::{self, Certificate};
use crate::table::Table;
use crate::warm::warm;
use crate::zone::{Zone, id};

/// How long reading the records of one zone may take.
const READ_TIME: Duration = Duration::from_secs(10);
/// Before the stream of changes is followed anew.
const PAUSE: Duration = Duration::from_secs(1);
/// How often all pointers are read, whatever was heard.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Finds namespaces by title or id.
pub trait Names: Send + Sync + 'static {
    fn namespace<'a>(
        &'a self,
        ctx: &'a Ctx,
        account: Tenant,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Namespace>>, String>>;
}

/// What a node's zones are made of.
pub struct Parts {
    pub clock: Clock,
    pub tasks: Tasks,
    pub kv: Kv,
    /// Keeps what upstreams answer.
    pub gateway: Gateway,
    /// What tokens permit.
    pub grants: Arc<dyn Directory>,
    pub names: Arc<dyn Names>,
}

/// One node's zones. Cheap to clone.
#[derive(Clone)]
pub struct Zones(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) clock: Clock,
    tasks: Tasks,
    kv: Kv,
    pub(crate) gateway: Gateway,
    pub(crate) grants: Arc<dyn Directory>,
    names: Arc<dyn Names>,
    pub(crate) records: Records,
    pub(crate) table: ArcSwap<Table>,
    /// Of the pointer that each zone here was opened by: who opens one has it locked.
    opened: Mutex<HashMap<(Tenant, String), Version>>,
}

/// A version that is ready to be served, and which pointer says so.
struct Prepared {
    zone: Arc<Zone>,
    at: Version,
}

impl Zones {
    /// Begins to follow the versions of all zones, until the node drains.
    pub fn start(parts: Parts) -> Self {
        let Parts { clock, tasks, kv, gateway, grants, names } = parts;
        let zones = Self(Arc::new(Inner {
            clock,
            tasks: tasks.clone(),
            records: Records::new(kv.clone()),
            kv,
            gateway,
            grants,
            names,
            table: ArcSwap::default(),
            opened: Mutex::default(),
        }));
        zones.0.gateway.finds_by(Arc::new(Named(Arc::downgrade(&zones.0))));
        tasks.spawn(TaskKind::Zones, zones.clone().follow());
        zones
    }

    fn ctx(&self) -> Ctx {
        Ctx { deadline: self.0.clock.after(READ_TIME), ..Ctx::default() }
    }

    async fn follow(self) {
        let clock = self.0.clock.clone();
        loop {
            let prefix = bytes::Bytes::from_static(POINTERS);
            let records = &self.0.records;
            // From before the list, so that nothing falls between.
            let mut changes = self.0.kv.watch(&self.ctx(), &records.space, prefix, None);
            self.look().await;
            loop {
                match clock.timeout(LOOK_EVERY, changes.next()).await {
                    Err(_) => self.look().await,
                    Ok(Some(Ok(change))) => {
                        if let Some((account, name)) = zone_of(&change.key) {
                            self.heard(account, &name, Some(change.version)).await;
                        }
                    }
                    Ok(Some(Err(error))) => {
                        tracing::info!(%error, "changes of zones are followed anew");
                        break;
                    }
                    Ok(None) => break,
                }
            }
            clock.sleep(PAUSE).await;
        }
    }

    /// Reads all pointers.
    async fn look(&self) {
        let all = match self.0.records.all(&self.ctx()).await {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!(%error, "zones are not read; those that are known go on");
                return;
            }
        };
        for (account, name, _) in &all {
            self.heard(*account, name, None).await;
        }
        let gone = |(account, name): &&(Tenant, String)| {
            !all.iter().any(|(of, named, _)| of == account && named == name)
        };
        let table = self.0.table.load_full();
        refreshed(table.zones.values().filter_map(|zone| zone.certificate.clone()).collect()).await;
        for (account, name) in table.zones.keys().filter(gone) {
            // The list may be older than what is known.
            self.heard(*account, name, None).await;
        }
    }

    /// A zone's pointer may have moved.
    async fn heard(&self, account: Tenant, name: &str, minimum: Option<Version>) {
        let found = self.0.records.pointer(&self.ctx(), (account, name), minimum).await;
        let prepared = match found {
            Ok(Some((at, pointer))) => self.prepare(account, name, at, &pointer).await,
            Ok(None) => {
                self.close(account, name);
                Ok(None)
            }
            Err(error) => Err(error),
        };
        match prepared {
            Ok(Some(prepared)) if self.is_to_warm(&prepared) => {
                // Other zones are not kept waiting.
                let (zones, name) = (self.clone(), name.to_owned());
                self.0.tasks.spawn(TaskKind::Zones, async move {
                    zones.serve((account, &name), prepared).await;
                });
            }
            Ok(Some(prepared)) => self.swap((account, name), prepared),
            Ok(None) => {}
            Err(error) => {
                let what = "a version is not taken over; the one before goes on";
                tracing::error!(%error, zone = name, "{what}");
            }
        }
    }

    /// A version, ready to be served; `None` if it, or a newer one, is already.
    async fn prepare(
        &self,
        account: Tenant,
        name: &str,
        at: Version,
        pointer: &Pointer,
    ) -> Result<Option<Prepared>, Error> {
        if self.is_open(account, name, at) {
            return Ok(None);
        }
        let ctx = self.ctx();
        let text = self.0.records.text(&ctx, (account, name), &pointer.now.record).await?;
        let config =
            Config::parse(&text).map_err(|problems| Error::Invalid(sentence(&problems)))?;
        let means = self.means(&ctx, account, &config).await?;
        let certificate = self.certificate(account, &config).await;
        let version = pointer.now.version;
        let zone = Arc::new(Zone::new(account, version, config, means, certificate));
        Ok(Some(Prepared { zone, at }))
    }

    /// Whether a version is asked for things before it is served: only if one is served meanwhile.
    fn is_to_warm(&self, Prepared { zone, .. }: &Prepared) -> bool {
        let key = (zone.account, zone.name().to_owned());
        !zone.config.prewarm.is_empty() && self.0.table.load().zones.contains_key(&key)
    }

    /// Serves a version from now on, warm if it is to be, unless it has been overtaken meanwhile.
    async fn serve(&self, (account, name): (Tenant, &str), prepared: Prepared) {
        if self.is_to_warm(&prepared) {
            warm(&prepared.zone, &self.ctx()).await;
            let found = self.0.records.pointer(&self.ctx(), (account, name), None).await;
            if !matches!(found, Ok(Some((at, _))) if at == prepared.at) {
                // Whoever has moved it is heard of.
                return;
            }
        }
        self.swap((account, name), prepared);
    }

    fn swap(&self, (account, name): (Tenant, &str), Prepared { zone, at }: Prepared) {
        let key = (account, name.to_owned());
        let mut opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.get(&key).is_some_and(|known| *known >= at) {
            return;
        }
        opened.insert(key.clone(), at);
        let version = zone.version;
        let mut zones = self.0.table.load().zones.clone();
        zones.insert(key, zone);
        self.0.table.store(Arc::new(Table::new(zones)));
        tracing::info!(zone = name, version, "serves a version");
    }

    fn is_open(&self, account: Tenant, name: &str, at: Version) -> bool {
        let opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.get(&(account, name.to_owned())).is_some_and(|known| *known >= at)
    }

    pub(crate) fn close(&self, account: Tenant, name: &str) {
        let key = (account, name.to_owned());
        let mut opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.remove(&key).is_some() {
            let mut zones = self.0.table.load().zones.clone();
            zones.remove(&key);
            self.0.table.store(Arc::new(Table::new(zones)));
        }
    }

    /// What a version works with. Upstreams that did not change go on as they are.
    async fn means(
        &self,
        ctx: &Ctx,
        account: Tenant,
        config: &Config,
    ) -> Result<Arc<Means>, Error> {
        let mut namespaces = HashMap::new();
        for (name, _) in &config.namespaces {
            // One that is missing fails the rules that need it, and no others.
            if let Some(found) = self.namespace(ctx, account, name).await? {
                namespaces.insert(name.clone(), found);
            }
        }
        let table = self.0.table.load();
        let before = table.zones.get(&(account, config.name.clone()));
        let mut pools = HashMap::new();
        for (name, upstream) in &config.upstreams {
            let same = before.and_then(|zone| zone.means.pools.get(name));
            let pool = match same.filter(|pool| pool.config == *upstream) {
                Some(pool) => Arc::clone(pool),
                None => {
                    let read = upstream.clone();
                    let trust = spawn_blocking(move || secure::trust(&read)).await;
                    let trust = trust.map_err(|error| Error::Files(error.to_string()))?;
                    let trust = trust.map_err(|error| Error::Files(error.to_string()))?;
                    Pool::start(upstream.clone(), trust, &self.0.clock, &self.0.tasks)
                }
            };
            pools.insert(name.clone(), pool);
        }
        let (kv, gateway) = (Some(self.0.kv.clone()), Some(self.0.gateway.clone()));
        let (zone, clock) = (id(account, &config.name), self.0.clock.clone());
        Ok(Arc::new(Means { zone, clock, kv, gateway, namespaces, pools }))
    }

    /// The certificate of a zone's hosts. If it names the same files as before, what was read of them
    /// stays, with the sessions that its clients know.
    async fn certificate(&self, account: Tenant, config: &Config) -> Option<Arc<Certificate>> {
        let files = config.tls.as_ref()?;
        let table = self.0.table.load_full();
        let before = table.zones.get(&(account, config.name.clone()));
        let same = before.and_then(|zone| zone.certificate.clone());
        let same = same.filter(|certificate| certificate.files == *files);
        let certificate = same.unwrap_or_else(|| Certificate::new(files.clone()));
        refreshed(vec![Arc::clone(&certificate)]).await;
        Some(certificate)
    }

    async fn namespace(
        &self,
        ctx: &Ctx,
        account: Tenant,
        name: &str,
    ) -> Result<Option<Arc<Namespace>>, Error> {
        let found = self.0.names.namespace(ctx, account, name).await;
        found.map_err(|why| Error::Store(Arc::new(littoral_kv::Error::Unavailable(why))))
    }

    /// Checks a `zone.toml`, keeps it as a record, moves the zone's pointer, and serves it here.
    /// Elsewhere it is served once its news has come by. The same text makes no new version.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::HostTaken`], [`Error::MovedOn`] if `expected` is not the version
    /// of now, and what the store says.
    pub async fn apply(
        &self,
        ctx: &Ctx,
        account: Tenant,
        text: &str,
        expected: Option<u32>,
        note: &str,
    ) -> Result<Pointer, Error> {
        let config = Config::parse(text).map_err(|problems| Error::Invalid(sentence(&problems)))?;
        for (name, place) in &config.namespaces {
            if self.namespace(ctx, account, name).await?.is_none() {
                let message = format!(
                    "there is no namespace `{name}`: `littoral kv namespace create {name}` makes it"
                );
                let problem = Problem::at(text, place.clone(), message);
                return Err(Error::Invalid(sentence(&[problem])));
            }
        }
        let (read, of) = (text.to_owned(), config.clone());
        let missing = spawn_blocking(move || secure::problems(&read, &of)).await;
        let missing = missing.map_err(|error| Error::Files(error.to_string()))?;
        if !missing.is_empty() {
            return Err(Error::Invalid(sentence(&missing)));
        }
        let table = self.0.table.load_full();
        if let Some((host, zone)) = table.taken(account, &config.name, &config.hosts) {
            let (host, zone) = (host.to_string(), zone.name().to_owned());
            return Err(Error::HostTaken { host, zone });
        }
        let name = config.name.as_str();
        let record = self.0.records.write_text(ctx, (account, name), text).await?;
        let at_ms = self.0.clock.wall().0;
        let next = |before: Option<&Pointer>| {
            let version = before.map_or(0, |pointer| pointer.now.version);
            expect(name, version, expected)?;
            let same = before.is_some_and(|pointer| pointer.now.record == record);
            let (record, note) = (record.clone(), note.to_owned());
            Ok((!same).then(|| Entry { version: version + 1, record, at_ms, note, of: None }))
        };
        self.moved(ctx, account, name, next).await
    }

    /// Goes back to what a version was, as a new version.
    ///
    /// # Errors
    /// [`Error::UnknownZone`], [`Error::UnknownVersion`], and what the store says.
    pub async fn roll_back(
        &self,
        ctx: &Ctx,
        account: Tenant,
        name: &str,
        to: u32,
        note: &str,
    ) -> Result<Pointer, Error> {
        let at_ms = self.0.clock.wall().0;
        let next = |before: Option<&Pointer>| {
            let pointer = before.ok_or_else(|| Error::UnknownZone(name.to_owned()))?;
            let found = pointer.entries().find(|entry| entry.version == to);
            let unknown = || Error::UnknownVersion { name: name.to_owned(), version: to };
            let record = found.ok_or_else(unknown)?.record.clone();
            let version = pointer.now.version + 1;
            let same = record == pointer.now.record;
            let note = note.to_owned();
            Ok((!same).then_some(Entry { version, record, at_ms, note, of: Some(to) }))
        };
        self.moved(ctx, account, name, next).await
    }

    async fn moved(
        &self,
        ctx: &Ctx,
        account: Tenant,
        name: &str,
        next: impl FnMut(Option<&Pointer>) -> Result<Option<Entry>, Error>,
    ) -> Result<Pointer, Error> {
        let (at, pointer) = self.0.records.move_pointer(ctx, (account, name), next).await?;
        if let Some(prepared) = self.prepare(account, name, at, &pointer).await? {
            self.serve((account, name), prepared).await;
        }
        Ok(pointer)
    }
}

/// Reads what has changed of these certificates' files.
async fn refreshed(all: Vec<Arc<Certificate>>) {
    let read = spawn_blocking(move || all.iter().for_each(|certificate| certificate.refresh()));
    if let Err(error) = read.await {
        tracing::error!(%error, "certificates are not read");
    }
}

fn expect(name: &str, version: u32, expected: Option<u32>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != version => {
            Err(Error::MovedOn { name: name.to_owned(), version, expected })
        }
        _ => Ok(()),
    }
}

/// Problems as one text, a line each.
fn sentence(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(|problem| format!("zone.toml:{problem}")).collect();
    lines.join("\n")
}

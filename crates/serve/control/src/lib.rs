//! Accounts, namespaces and tokens, kept in the key-value store itself.
//!
//! [`Control`] knows them: its records are keys of two reserved spaces, read through the tiers like
//! any other key. [`Front`] is what a server hands its calls to: the doors of the key-value store,
//! and the API for accounts, namespaces and tokens.

mod api;
mod cleanup;
mod directory;
mod front;
mod namespaces;
mod parsed;
mod records;
mod titles;
mod tokens;

use std::sync::Arc;

use littoral_clock::Clock;
use littoral_http::Refusal;
use littoral_kv::Kv;
use littoral_kv::doors::{Access, Options as DoorOptions};
use littoral_types::{Ctx, SpaceId, Tenant};

#[doc(hidden)]
pub use api::fuzzing;
pub use front::Front;
pub use tokens::{hash, new_token};

use crate::parsed::Parsed;
use crate::records::Records;
use crate::tokens::Shown;

/// The space of namespaces' records. No namespace has its id.
const NAMESPACES: SpaceId = SpaceId(1);
/// The space of tokens' records.
const TOKENS: SpaceId = SpaceId(2);

/// What a node is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    pub accounts: Vec<Account>,
    /// Tokens that are valid from the start, for all of their account.
    pub bootstrap: Vec<Bootstrap>,
    pub namespaces_per_account_max: usize,
    pub tokens_per_account_max: usize,
    /// Namespaces and tokens whose records are held parsed.
    pub parsed_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: Tenant,
    pub name: String,
}

/// A token of which only the [`hash`] is known here.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    pub account: Tenant,
    pub hash: blake3::Hash,
    pub access: Access,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            accounts: Vec::new(),
            bootstrap: Vec::new(),
            namespaces_per_account_max: 1_000,
            tokens_per_account_max: 1_000,
            parsed_max: 10_000,
        }
    }
}

/// One node's view of accounts, namespaces and tokens. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    kv: Kv,
    options: Options,
    doors: DoorOptions,
    bootstrap: Vec<(blake3::Hash, Shown)>,
    namespaces: Records,
    tokens: Records,
    parsed_namespaces: Parsed<(Tenant, SpaceId), namespaces::Known>,
    parsed_tokens: Parsed<[u8; blake3::OUT_LEN], tokens::Known>,
}

impl Control {
    /// `doors`: the time and the concurrency with which removed namespaces are emptied.
    pub fn new(kv: Kv, options: Options, doors: DoorOptions) -> Self {
        Self(Arc::new(Inner {
            namespaces: Records::new(kv.clone(), NAMESPACES),
            tokens: Records::new(kv.clone(), TOKENS),
            parsed_namespaces: Parsed::new(options.parsed_max),
            parsed_tokens: Parsed::new(options.parsed_max),
            bootstrap: options.bootstrap.iter().map(Bootstrap::shown).collect(),
            kv,
            options,
            doors,
        }))
    }

    fn clock(&self) -> &Clock {
        self.0.kv.clock()
    }

    /// Names of accounts are only known for those that are configured.
    fn account(&self, id: Tenant) -> Account {
        let known = self.0.options.accounts.iter().find(|account| account.id == id);
        known.cloned().unwrap_or_else(|| Account { id, name: text(id) })
    }
}

/// An account's id as text.
fn text(account: Tenant) -> String {
    SpaceId(account.0).to_string()
}

/// The context in which records are read and written: what the client says of its own key, its
/// minimum above all, is not about them.
fn own(ctx: &Ctx) -> Ctx {
    Ctx { deadline: ctx.deadline, trace: ctx.trace, ..Ctx::default() }
}

/// A new id that nobody can guess.
fn new_id() -> SpaceId {
    SpaceId(u128::from_be_bytes(littoral_clock::secret()))
}

type Result<T> = std::result::Result<T, Refusal>;

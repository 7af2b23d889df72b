//! Tokens: opaque, 256 bits, kept as a hash.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use littoral_http::Refusal;
use littoral_kv::Precondition;
use littoral_kv::doors::{Access, Grant, Scope};
use littoral_types::{Ctx, SpaceId, Tenant, Wall};
use serde::{Deserialize, Serialize};

use crate::{Bootstrap, Control, Result, new_id, text};

pub(crate) const NOT_FOUND: u32 = 10440;
pub(crate) const TOO_MANY: u32 = 10441;

const MARK: &str = "lit_";
const SECRET_BYTES: usize = 32;
/// So that a typing error, or a guess, is told apart without asking anybody.
const CHECK_BYTES: usize = 4;

/// A token's record, under its hash.
#[derive(Debug, Deserialize, Serialize)]
struct ByHash {
    id: String,
    account: String,
    scopes: Vec<ScopeText>,
    #[serde(default)]
    expires_at: Option<u64>,
}

/// The same token in its account's list.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    hash: String,
    pub(crate) scopes: Vec<ScopeText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<u64>,
    pub(crate) created_at: u64,
}

/// A scope as it is written: `*` is the whole account.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) struct ScopeText {
    pub(crate) namespace: String,
    pub(crate) access: AccessText,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccessText {
    Read,
    Write,
}

/// A token that is valid until its time.
#[derive(Debug)]
pub(crate) struct Known {
    shown: Shown,
    expires_at: Option<u64>,
}

/// What a token is kept as.
pub fn hash(token: &str) -> blake3::Hash {
    blake3::hash(token.as_bytes())
}

/// A new token, to be shown once.
pub fn new_token() -> String {
    let secret: [u8; SECRET_BYTES] = littoral_clock::secret();
    let mut bytes = secret.to_vec();
    bytes.extend_from_slice(&check(&secret));
    format!("{MARK}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a token may be one of ours.
fn well_formed(token: &str) -> bool {
    let Some(text) = token.strip_prefix(MARK) else { return false };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else { return false };
    bytes.len() == SECRET_BYTES + CHECK_BYTES
        && bytes[SECRET_BYTES..] == check(&bytes[..SECRET_BYTES])
}

fn check(secret: &[u8]) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    blake3::Hasher::new().update(secret).finalize_xof().fill(&mut check);
    check
}

fn key_of_hash(hash: &blake3::Hash) -> [u8; 33] {
    let mut key = [b'k'; 33];
    key[1..].copy_from_slice(hash.as_bytes());
    key
}

fn key_of_id(account: Tenant, id: SpaceId) -> Vec<u8> {
    let mut key = vec![b'a'];
    key.extend_from_slice(&account.0.to_be_bytes());
    key.extend_from_slice(&id.to_bytes());
    key
}

impl ScopeText {
    fn scope(&self) -> Option<Scope> {
        let namespace = match self.namespace.as_str() {
            "*" => None,
            id => Some(id.parse().ok()?),
        };
        let access = match self.access {
            AccessText::Read => Access::Read,
            AccessText::Write => Access::Write,
        };
        Some(Scope { namespace, access })
    }
}

impl ByHash {
    fn known(self) -> Option<Known> {
        let account = self.account.parse::<SpaceId>().ok()?;
        let scopes: Option<Arc<[Scope]>> = self.scopes.iter().map(ScopeText::scope).collect();
        let grant = Grant { account: Some(Tenant(account.0)), scopes: scopes? };
        let shown = Shown { id: self.id.into(), grant };
        Some(Known { shown, expires_at: self.expires_at })
    }
}

/// What a token is good for, and its id. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: Arc<str>,
    pub(crate) grant: Grant,
}

impl Bootstrap {
    /// Its id is the beginning of its hash.
    pub(crate) fn shown(&self) -> (blake3::Hash, Shown) {
        let id: Arc<str> = self.hash.to_hex()[..32].into();
        let scope = Scope { namespace: None, access: self.access };
        let grant = Grant { account: Some(self.account), scopes: [scope].into() };
        (self.hash, Shown { id, grant })
    }
}

impl Known {
    fn shown(&self, now: Wall) -> Option<Shown> {
        let over = self.expires_at.is_some_and(|at| now.seconds() >= at);
        (!over).then(|| self.shown.clone())
    }
}

/// A record that makes no sense permits nothing.
fn parse(value: &littoral_kv::Value) -> std::result::Result<Option<Known>, littoral_kv::Error> {
    Ok(crate::records::parse::<ByHash>(value)?.and_then(ByHash::known))
}

impl Control {
    /// A token that was valid from the start. Compared in constant time.
    fn bootstrap(&self, hash: &blake3::Hash) -> Option<Shown> {
        let found = self.0.bootstrap.iter().find(|(own, _)| own == hash)?;
        Some(found.1.clone())
    }

    /// What is known of a token without waiting: `None` says nothing.
    pub(crate) fn peek_token(&self, ctx: &Ctx, token: &str) -> Option<Option<Shown>> {
        let hash = hash(token);
        if let Some(shown) = self.bootstrap(&hash) {
            return Some(Some(shown));
        }
        if !well_formed(token) {
            return Some(None);
        }
        let value = self.0.tokens.peek(ctx, &key_of_hash(&hash))?;
        let parsed = &self.0.parsed_tokens;
        let known = parsed.get_or(hash.as_bytes(), value.version, || parse(&value)).ok()?;
        Some(known?.shown(self.clock().wall()))
    }

    pub(crate) async fn token(&self, ctx: &Ctx, token: &str) -> Result<Option<Shown>> {
        if let Some(peeked) = self.peek_token(ctx, token) {
            return Ok(peeked);
        }
        let hash = hash(token);
        let value = self.0.tokens.get(ctx, key_of_hash(&hash).to_vec()).await?;
        if value.body.is_absent() {
            return Ok(None);
        }
        let known =
            self.0.parsed_tokens.get_or(hash.as_bytes(), value.version, || parse(&value))?;
        Ok(known.and_then(|known| known.shown(self.clock().wall())))
    }

    /// A new token, with its text.
    pub(crate) async fn create_token(
        &self,
        ctx: &Ctx,
        account: Tenant,
        name: String,
        scopes: Vec<ScopeText>,
        expires_at: Option<u64>,
    ) -> Result<(SpaceId, Record, String)> {
        let max = self.0.options.tokens_per_account_max;
        if self.all_tokens(ctx, account).await?.len() >= max {
            let message = format!("an account has at most {max} tokens; revoke one first");
            return Err(Refusal::bad_request(TOO_MANY, message));
        }
        let (id, token) = (new_id(), new_token());
        let hash = hash(&token);
        let record = Record {
            name,
            hash: hash.to_hex().to_string(),
            scopes: scopes.clone(),
            expires_at,
            created_at: self.clock().wall().seconds(),
        };
        // The list first: a token that works can always be revoked.
        let listed = key_of_id(account, id);
        self.0.tokens.write(ctx, listed, &record, Precondition::Absent).await?;
        let by_hash = ByHash { id: id.to_string(), account: text(account), scopes, expires_at };
        let key = key_of_hash(&hash).to_vec();
        self.0.tokens.write(ctx, key, &by_hash, Precondition::Absent).await?;
        Ok((id, record, token))
    }

    pub(crate) async fn all_tokens(
        &self,
        ctx: &Ctx,
        account: Tenant,
    ) -> Result<Vec<(SpaceId, Record)>> {
        let prefix = key_of_id(account, SpaceId(0))[..17].to_vec();
        let all = self.0.tokens.all::<Record>(ctx, prefix).await?;
        let with_id = |(rest, record): (bytes::Bytes, Record)| {
            Some((SpaceId::from_bytes(rest.as_ref().try_into().ok()?), record))
        };
        Ok(all.into_iter().filter_map(with_id).collect())
    }

    pub(crate) async fn read_token(
        &self,
        ctx: &Ctx,
        account: Tenant,
        id: SpaceId,
    ) -> Result<Record> {
        let found = self.0.tokens.read(ctx, key_of_id(account, id)).await?;
        found.map(|(_, record)| record).ok_or_else(not_found)
    }

    pub(crate) async fn revoke_token(&self, ctx: &Ctx, account: Tenant, id: SpaceId) -> Result<()> {
        let record = self.read_token(ctx, account, id).await?;
        if let Ok(hash) = blake3::Hash::from_hex(&record.hash) {
            let key = key_of_hash(&hash).to_vec();
            self.0.tokens.delete(ctx, key, Precondition::None).await?;
        }
        self.0.tokens.delete(ctx, key_of_id(account, id), Precondition::None).await?;
        Ok(())
    }
}

pub(crate) fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, NOT_FOUND, "there is no token of this id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_new_and_known_from_a_guess() {
        let (one, other) = (new_token(), new_token());
        assert_ne!(one, other);
        assert!(well_formed(&one) && well_formed(&other));
        let mut wrong = one.clone().into_bytes();
        wrong[10] ^= 1;
        let wrong = String::from_utf8(wrong).expect("ASCII");
        for bad in ["", "lit_", "lit_AAAA", &one[1..], &format!("{one}A"), &wrong] {
            assert!(!well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn a_token_is_good_until_its_time_and_for_its_scopes() {
        let json = r#"{"id":"i","account":"000000000000000000000000000000aa","scopes":[{"namespace":"*","access":"read"},{"namespace":"000000000000000000000000000000bb","access":"write"}],"expires_at":100}"#;
        let known = serde_json::from_str::<ByHash>(json).expect("a record").known().expect("sound");
        assert!(known.shown(Wall(99_999)).is_some() && known.shown(Wall(100_000)).is_none());
        assert_eq!(known.shown.grant.access(None), Some(Access::Read));
        assert_eq!(known.shown.grant.access(Some(SpaceId(0xbb))), Some(Access::Write));
        let odd = json.replace("00bb", "bb");
        let odd = serde_json::from_str::<ByHash>(&odd).expect("a record").known();
        assert!(odd.is_none(), "a scope that cannot be read permits nothing");
    }
}

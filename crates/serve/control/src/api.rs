//! The v4 API for accounts, namespaces and tokens.

mod account;
pub mod fuzzing;
mod namespace;
mod path;
mod token;

use http::Method;
use littoral_http::{Answer, Call, Object, Refusal, Res};
use littoral_kv::doors::Credentials;
use littoral_types::Ctx;
use serde::de::DeserializeOwned;

use crate::tokens::Shown;
use crate::{Control, Result};
use path::Target;

/// Bytes of a request.
const BODY_BYTES_MAX: u64 = 64 * 1024;

impl Control {
    /// Answers a request below `/client/v4/` that is not for the keys of a namespace.
    pub(crate) fn answer(&self, mut call: Call) -> Answer {
        let control = self.clone();
        Answer::Later(Box::pin(async move {
            let res = Box::pin(control.respond(&mut call)).await;
            call.body.drain().await;
            res.unwrap_or_else(|refusal| refusal.envelope())
        }))
    }

    async fn respond(&self, call: &mut Call) -> Result<Res> {
        let path = call.head.uri.path().to_owned();
        let target = Target::of(&path).ok_or_else(Refusal::no_route)?;
        target.check(&call.head.method)?;
        let account = target.account()?;
        let shown = self.shown(call, target).await?;
        let ctx = call.ctx.clone();
        let (ctx, get) = (&ctx, call.head.method == Method::GET);
        match (target, account) {
            (Target::Verify | Target::AccountVerify(_), _) => self.verify(&shown),
            (Target::User, _) => self.user(&shown),
            (Target::Accounts, _) => self.accounts(call, &shown),
            (Target::Memberships, _) => self.memberships(call, &shown),
            (Target::Account(_), Some(account)) => self.one_account(account, &shown),
            (Target::Namespaces(_), Some(account)) if get => {
                self.list_namespaces(call, ctx, account, &shown).await
            }
            (Target::Namespaces(_), Some(account)) => {
                self.post_namespace(call, ctx, account, &shown).await
            }
            (Target::Namespace(_, id), Some(account)) => {
                self.one_namespace(call, ctx, account, id, &shown).await
            }
            (Target::Tokens(_), Some(account)) if get => {
                self.list_tokens(ctx, account, &shown).await
            }
            (Target::Tokens(_), Some(account)) => self.post_token(call, ctx, account, &shown).await,
            (Target::Token(_, id), Some(account)) => {
                self.one_token(call, ctx, account, id, &shown).await
            }
            _ => Err(Refusal::no_route()),
        }
    }

    /// Who asks.
    async fn shown(&self, call: &Call, target: Target<'_>) -> Result<Shown> {
        let token = Credentials::of(&call.head.headers).token()?;
        let unknown = || match target {
            Target::Verify | Target::AccountVerify(_) => account::invalid_token(),
            _ => littoral_kv::doors::unknown_token(),
        };
        self.token(&call.ctx, token).await?.ok_or_else(unknown)
    }
}

/// A small JSON object.
async fn json<T: DeserializeOwned>(call: &mut Call) -> Result<T> {
    let body = call.body.collect(BODY_BYTES_MAX).await.map_err(unreadable)?;
    parse(&body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let object = serde_json::from_slice::<Object<T>>(body);
    object.map(|Object(object)| object).map_err(unreadable)
}

fn unreadable(why: impl std::fmt::Display) -> Refusal {
    let message = format!("could not read request body: {why}");
    Refusal::bad_request(littoral_http::code::BAD_BODY, message)
}

/// A context with its time beginning now: for work that follows a body.
fn renewed(control: &Control, ctx: &Ctx) -> Ctx {
    Ctx { deadline: control.clock().after(control.0.doors.request_time), ..ctx.clone() }
}

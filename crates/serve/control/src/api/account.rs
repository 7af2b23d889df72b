//! Who a token is, in the shapes `wrangler` wants.

use http::StatusCode;
use littoral_http::{Call, Query, Refusal, Res, page, success};
use littoral_kv::doors::Access;
use littoral_types::Tenant;
use serde::Serialize;

use crate::tokens::Shown;
use crate::{Account, Control, Result, text};

/// The v4 API's own code for a token that does not verify.
const INVALID_TOKEN: u32 = 1000;

#[derive(Serialize)]
struct Status<'a> {
    id: &'a str,
    status: &'static str,
}

#[derive(Serialize)]
struct User {
    id: String,
    email: String,
}

#[derive(Serialize)]
struct AccountJson {
    id: String,
    name: String,
}

#[derive(Serialize)]
struct Membership {
    id: String,
    status: &'static str,
    account: AccountJson,
}

/// Where a page stands among the others.
#[derive(Serialize)]
pub(crate) struct Info {
    pub(crate) page: usize,
    pub(crate) per_page: usize,
    pub(crate) count: usize,
    pub(crate) total_count: usize,
}

pub(crate) fn invalid_token() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, INVALID_TOKEN, "Invalid API Token")
}

impl From<Account> for AccountJson {
    fn from(Account { id, name }: Account) -> Self {
        Self { id: text(id), name }
    }
}

impl Control {
    pub(super) fn verify(&self, shown: &Shown) -> Result<Res> {
        Ok(success(&Status { id: &shown.id, status: "active" }))
    }

    pub(super) fn user(&self, shown: &Shown) -> Result<Res> {
        let account = text(shown.grant.account.unwrap_or_default());
        Ok(success(&User { email: format!("{account}@littoral.invalid"), id: account }))
    }

    pub(super) fn accounts(&self, call: &Call, shown: &Shown) -> Result<Res> {
        let account = shown.grant.account.map(|id| AccountJson::from(self.account(id)));
        Ok(only(call, account))
    }

    pub(super) fn memberships(&self, call: &Call, shown: &Shown) -> Result<Res> {
        let membership = shown.grant.account.map(|id| Membership {
            id: text(id),
            status: "accepted",
            account: self.account(id).into(),
        });
        Ok(only(call, membership))
    }

    pub(super) fn one_account(&self, account: Tenant, shown: &Shown) -> Result<Res> {
        if shown.grant.account.is_some_and(|own| own != account) {
            shown.grant.check(account, None, Access::Read)?;
        }
        Ok(success(&AccountJson::from(self.account(account))))
    }
}

/// A token has one account: the first page has it, the others are empty.
fn only(call: &Call, item: Option<impl Serialize>) -> Res {
    let number = Query::new(call.head.uri.query()).text("page").ok().flatten();
    let number = number.and_then(|text| text.parse().ok()).unwrap_or(1);
    let total_count = usize::from(item.is_some());
    let items: Vec<_> = item.into_iter().filter(|_| number <= 1).collect();
    let info = Info { page: number, per_page: 20, count: items.len(), total_count };
    page(&items, &info)
}

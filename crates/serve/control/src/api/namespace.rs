//! Namespaces over the API.

use http::Method;
use littoral_http::{Call, Query, Refusal, Res, page, success};
use littoral_kv::doors::Access;
use littoral_types::{Ctx, SpaceId, Tenant};
use serde::{Deserialize, Serialize};

use super::account::Info;
use super::{json, renewed};
use crate::namespaces::{Record, check_jurisdiction, check_title, not_found};
use crate::tokens::Shown;
use crate::{Control, Result};

const MALFORMED: u32 = 10011;
const PAGE: u32 = 10007;
const PER_PAGE: u32 = 10008;
const ORDER: u32 = 10043;
const DIRECTION: u32 = 10044;

const PER_PAGE_DEFAULT: usize = 20;
const PER_PAGE_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Titled {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    jurisdiction: Option<String>,
}

#[derive(Serialize)]
struct NamespaceJson {
    id: String,
    title: String,
    supports_url_encoding: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    jurisdiction: Option<String>,
}

impl NamespaceJson {
    fn of(id: SpaceId, record: Record) -> Self {
        let Record { title, jurisdiction, .. } = record;
        Self { id: id.to_string(), title, supports_url_encoding: true, jurisdiction }
    }
}

/// Which part of the list is wanted, in which order.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    page: usize,
    per_page: usize,
    by_title: bool,
    descending: bool,
}

impl Wanted {
    fn query(query: Query<'_>) -> Result<Self> {
        let text = |name, code| {
            let unreadable = |error| Refusal::bad_request(code, format!("{name}: {error}"));
            query.text(name).map_err(unreadable)
        };
        let number = |name, code, default, max: usize| match text(name, code)? {
            None => Ok(default),
            Some(text) => match text.parse::<usize>() {
                Ok(number) if (1..=max).contains(&number) => Ok(number),
                _ => Err(Refusal::bad_request(code, format!("{name} must be from 1 to {max}"))),
            },
        };
        let choice = |name, code, first: &str, second: &str| match text(name, code)?.as_deref() {
            None => Ok(false),
            Some(text) if text == first => Ok(false),
            Some(text) if text == second => Ok(true),
            Some(_) => {
                Err(Refusal::bad_request(code, format!("{name} must be {first} or {second}")))
            }
        };
        Ok(Self {
            page: number("page", PAGE, 1, usize::MAX)?,
            per_page: number("per_page", PER_PAGE, PER_PAGE_DEFAULT, PER_PAGE_MAX)?,
            by_title: choice("order", ORDER, "id", "title")?,
            descending: choice("direction", DIRECTION, "asc", "desc")?,
        })
    }

    /// The part of the list, and where it stands. A page past the end is empty, not an error:
    /// clients ask for it to know that there is no more.
    fn cut(&self, mut all: Vec<(SpaceId, Record)>) -> (Vec<NamespaceJson>, Info) {
        if self.by_title {
            all.sort_by(|(_, a), (_, b)| a.title.cmp(&b.title));
        }
        if self.descending {
            all.reverse();
        }
        let total_count = all.len();
        let before = (self.page - 1).saturating_mul(self.per_page);
        let part = all.into_iter().skip(before).take(self.per_page);
        let part: Vec<_> = part.map(|(id, record)| NamespaceJson::of(id, record)).collect();
        let info =
            Info { page: self.page, per_page: self.per_page, count: part.len(), total_count };
        (part, info)
    }
}

/// Reads a query, for fuzzing.
pub(super) fn read_query(query: Query<'_>) {
    let Ok(wanted) = Wanted::query(query) else { return };
    let (part, _) = wanted.cut(Vec::new());
    assert!(part.is_empty());
}

/// Reads a body, for fuzzing.
pub(super) fn read(body: &[u8]) {
    let Ok(asked) = super::parse::<Titled>(body) else { return };
    if let Ok(title) = check_title(asked.title) {
        assert!(!title.trim().is_empty(), "a namespace has a title");
    }
    // Refused or not: both are answers.
    let _ = check_jurisdiction(asked.jurisdiction);
}

impl Control {
    pub(super) async fn list_namespaces(
        &self,
        call: &Call,
        ctx: &Ctx,
        account: Tenant,
        shown: &Shown,
    ) -> Result<Res> {
        let wanted = Wanted::query(Query::new(call.head.uri.query()))?;
        if shown.grant.account.is_some_and(|own| own != account) {
            shown.grant.check(account, None, Access::Read)?;
        }
        let mut all = self.all_namespaces(ctx, account).await?;
        all.retain(|(id, _)| shown.grant.access(Some(*id)).is_some());
        let (part, info) = wanted.cut(all);
        Ok(page(&part, &info))
    }

    pub(super) async fn post_namespace(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        account: Tenant,
        shown: &Shown,
    ) -> Result<Res> {
        shown.grant.check(account, None, Access::Write)?;
        let asked: Titled = json(call).await?;
        let title = check_title(asked.title)?;
        let jurisdiction = check_jurisdiction(asked.jurisdiction)?;
        let ctx = renewed(self, ctx);
        let (id, record) = self.create_namespace(&ctx, account, title, jurisdiction).await?;
        Ok(success(&NamespaceJson::of(id, record)))
    }

    pub(super) async fn one_namespace(
        &self,
        call: &mut Call,
        ctx: &Ctx,
        account: Tenant,
        raw: &str,
        shown: &Shown,
    ) -> Result<Res> {
        let id: SpaceId = raw.parse().map_err(|_| malformed(raw))?;
        match call.head.method {
            Method::PUT => {
                shown.grant.check(account, None, Access::Write)?;
                let asked: Titled = json(call).await?;
                let title = check_title(asked.title)?;
                let ctx = renewed(self, ctx);
                let record = self.rename_namespace(&ctx, account, id, title).await?;
                Ok(success(&NamespaceJson::of(id, record)))
            }
            Method::DELETE => {
                shown.grant.check(account, None, Access::Write)?;
                self.delete_namespace(ctx, account, id).await?;
                Ok(success(&()))
            }
            _ => {
                shown.grant.check(account, Some(id), Access::Read)?;
                let found = self.read_namespace(ctx, account, id).await?;
                let (_, record) = found.ok_or_else(|| not_found("get namespace"))?;
                Ok(success(&NamespaceJson::of(id, record)))
            }
        }
    }
}

fn malformed(raw: &str) -> Refusal {
    let shown: String = raw.chars().take(64).collect();
    let message = format!(
        "could not parse UUID from request's namespace_id: 'invalid namespace format: {shown}'"
    );
    Refusal::bad_request(MALFORMED, message)
}

#[cfg(test)]
mod tests {
    use littoral_kv::Policy;

    use super::*;

    fn all() -> Vec<(SpaceId, Record)> {
        let record = |title: &str| Record {
            title: title.into(),
            policy: Policy::default(),
            jurisdiction: None,
        };
        vec![(SpaceId(1), record("c")), (SpaceId(2), record("a")), (SpaceId(3), record("b"))]
    }

    fn titles(query: &str) -> Vec<String> {
        let (part, _) = Wanted::query(Query::new(Some(query))).expect(query).cut(all());
        part.into_iter().map(|namespace| namespace.title).collect()
    }

    #[test]
    fn a_list_is_ordered_and_cut_into_pages_of_which_the_last_is_empty() {
        assert_eq!(titles(""), ["c", "a", "b"]);
        assert_eq!(titles("order=title&direction=asc"), ["a", "b", "c"]);
        assert_eq!(titles("order=title&direction=desc&per_page=2"), ["c", "b"]);
        assert_eq!(titles("order=title&per_page=2&page=2"), ["c"]);
        assert!(titles("page=2").is_empty());
        assert!(titles("page=18446744073709551615&per_page=1000").is_empty());
        let (_, info) = Wanted::query(Query::new(Some("per_page=2"))).expect("fine").cut(all());
        assert_eq!((info.count, info.total_count), (2, 3));
    }

    #[test]
    fn a_list_that_makes_no_sense_is_refused_with_its_code() {
        for (query, code) in [
            ("page=0", 10007),
            ("page=one", 10007),
            ("per_page=0", 10008),
            ("per_page=1001", 10008),
            ("order=size", 10043),
            ("direction=up", 10044),
        ] {
            assert_eq!(Wanted::query(Query::new(Some(query))).expect_err(query).code, code);
        }
    }
}

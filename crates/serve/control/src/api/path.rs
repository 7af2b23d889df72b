//! Paths of the API, taken apart as they were sent.

use http::Method;
use littoral_http::{Refusal, segments};
use littoral_kv::doors;
use littoral_types::Tenant;

use crate::Result;

/// What a path names; ids are as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    User,
    Verify,
    Memberships,
    Accounts,
    Account(&'a str),
    AccountVerify(&'a str),
    Namespaces(&'a str),
    /// An id that is missing: `…/namespaces/`.
    Nameless(&'a str),
    Namespace(&'a str, &'a str),
    Tokens(&'a str),
    Token(&'a str, &'a str),
}

impl<'a> Target<'a> {
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix("/client/v4").filter(|path| path.starts_with('/'))?;
        let mut parts = segments(path);
        let parts: [Option<&str>; 7] = std::array::from_fn(|_| parts.next());
        Some(match parts {
            [Some("user"), None, ..] => Self::User,
            [Some("user"), Some("tokens"), Some("verify"), None, ..] => Self::Verify,
            [Some("memberships"), None, ..] => Self::Memberships,
            [Some("accounts"), None, ..] => Self::Accounts,
            [Some("accounts"), Some(account), None, ..] => Self::Account(account),
            [Some("accounts"), Some(account), Some("tokens"), None, ..] => Self::Tokens(account),
            [Some("accounts"), Some(account), Some("tokens"), Some("verify"), None, ..] => {
                Self::AccountVerify(account)
            }
            [Some("accounts"), Some(account), Some("tokens"), Some(id), None, ..] => {
                Self::Token(account, id)
            }
            [
                Some("accounts"),
                Some(account),
                Some("storage"),
                Some("kv"),
                Some("namespaces"),
                id,
                None,
            ] => match id {
                None => Self::Namespaces(account),
                Some("") => Self::Nameless(account),
                Some(id) => Self::Namespace(account, id),
            },
            _ => return None,
        })
    }

    /// # Errors
    /// When this is not done here.
    pub(crate) fn check(self, method: &Method) -> Result<()> {
        let allowed = match self {
            Self::Namespaces(_) | Self::Tokens(_) => "GET, POST",
            Self::Namespace(..) => "GET, PUT, DELETE",
            Self::Token(..) => "GET, DELETE",
            Self::Nameless(_) if *method == Method::GET => return Err(Refusal::no_route()),
            Self::Nameless(_) => "none: an id is missing",
            _ => "GET",
        };
        if allowed.split(", ").any(|name| name == method.as_str()) {
            return Ok(());
        }
        Err(Refusal::method(allowed))
    }

    /// # Errors
    /// When what stands in its place is no account.
    pub(crate) fn account(self) -> Result<Option<Tenant>> {
        match self {
            Self::User | Self::Verify | Self::Memberships | Self::Accounts => Ok(None),
            Self::Account(account)
            | Self::AccountVerify(account)
            | Self::Namespaces(account)
            | Self::Nameless(account)
            | Self::Namespace(account, _)
            | Self::Tokens(account)
            | Self::Token(account, _) => doors::account(account).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_it_is_to_the_last_slash() {
        let check = |path: &str, expected: Option<Target<'_>>| {
            assert_eq!(Target::of(&format!("/client/v4{path}")), expected, "{path}");
        };
        check("/user", Some(Target::User));
        check("/user/", None);
        check("/user/tokens/verify", Some(Target::Verify));
        check("/accounts", Some(Target::Accounts));
        check("/accounts/a", Some(Target::Account("a")));
        check("/accounts/a/tokens", Some(Target::Tokens("a")));
        check("/accounts/a/tokens/verify", Some(Target::AccountVerify("a")));
        check("/accounts/a/tokens/t", Some(Target::Token("a", "t")));
        check("/accounts/a/tokens/t/", None);
        check("/accounts/a/storage/kv/namespaces", Some(Target::Namespaces("a")));
        check("/accounts/a/storage/kv/namespaces/", Some(Target::Nameless("a")));
        check("/accounts/a/storage/kv/namespaces/n", Some(Target::Namespace("a", "n")));
        check("/accounts/a/storage/kv/namespaces/n/", None);
        check("/accounts/a/storage/kv", None);
        check("//accounts", None);
        check("accounts", None);
        check("", None);
    }

    #[test]
    fn each_path_has_its_methods() {
        let status =
            |target: Target<'_>, method| target.check(&method).map_err(|e| e.status.as_u16());
        assert_eq!(status(Target::Namespaces("a"), Method::POST), Ok(()));
        assert_eq!(status(Target::Namespaces("a"), Method::DELETE), Err(405));
        assert_eq!(status(Target::Nameless("a"), Method::DELETE), Err(405));
        assert_eq!(status(Target::Nameless("a"), Method::GET), Err(404));
        assert_eq!(status(Target::Namespace("a", "n"), Method::PATCH), Err(405));
        assert_eq!(status(Target::User, Method::GET), Ok(()));
    }
}

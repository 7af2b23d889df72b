//! Paths of the REST API below a namespace, taken apart as they were sent.

use http::Method;
use littoral_http::Refusal;

use super::super::refuse::Operation;

/// `/client/v4/accounts/{account}/storage/kv/namespaces/{namespace}/{rest}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a str,
    pub(crate) namespace: &'a str,
    rest: &'a str,
}

/// What stands behind a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// A raw key.
    Value(&'a str),
    Metadata(&'a str),
    Keys,
    Bulk,
    BulkGet,
    BulkDelete,
    DeletePrefix,
    Purge,
    Policy,
    Watch,
    Export,
    Import,
}

impl<'a> Place<'a> {
    /// A path with something, be it only a slash, behind a namespace.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix("/client/v4/accounts/")?;
        let (account, path) = path.split_once('/')?;
        let (namespace, rest) = path.strip_prefix("storage/kv/namespaces/")?.split_once('/')?;
        Some(Self { account, namespace, rest })
    }

    pub(crate) fn target(self) -> Option<Target<'a>> {
        Some(match self.rest {
            "keys" => Target::Keys,
            "bulk" => Target::Bulk,
            "bulk/get" => Target::BulkGet,
            "bulk/delete" => Target::BulkDelete,
            "delete_prefix" => Target::DeletePrefix,
            "purge" => Target::Purge,
            "policy" => Target::Policy,
            "watch" => Target::Watch,
            "export" => Target::Export,
            "import" => Target::Import,
            rest => match rest.split_once('/') {
                // A slash of a key is sent as %2F: a bare one means another path.
                Some((_, key)) if key.contains('/') => return None,
                Some(("values", key)) => Target::Value(key),
                Some(("metadata", key)) => Target::Metadata(key),
                _ => return None,
            },
        })
    }
}

impl Target<'_> {
    /// # Errors
    /// When this is not done here.
    pub(crate) fn operation(self, method: &Method) -> Result<Operation, Refusal> {
        let only = |wanted: Method, name: &'static str, operation| {
            if *method == wanted { Ok(operation) } else { Err(Refusal::method(name)) }
        };
        match self {
            Self::Value(_) => match *method {
                Method::GET | Method::HEAD => Ok(Operation::Get),
                Method::PUT => Ok(Operation::Put),
                Method::DELETE => Ok(Operation::Delete),
                _ => Err(Refusal::method("GET, HEAD, PUT, DELETE")),
            },
            Self::Bulk => match *method {
                Method::PUT => Ok(Operation::BulkPut),
                Method::DELETE => Ok(Operation::BulkDelete),
                _ => Err(Refusal::method("PUT, DELETE")),
            },
            Self::Policy => match *method {
                Method::GET => Ok(Operation::Policy),
                Method::PUT => Ok(Operation::SetPolicy),
                _ => Err(Refusal::method("GET, PUT")),
            },
            Self::Metadata(_) => only(Method::GET, "GET", Operation::Metadata),
            Self::Keys => only(Method::GET, "GET", Operation::List),
            Self::Watch => only(Method::GET, "GET", Operation::Watch),
            Self::Export => only(Method::GET, "GET", Operation::Export),
            Self::BulkGet => only(Method::POST, "POST", Operation::BulkGet),
            Self::BulkDelete => only(Method::POST, "POST", Operation::BulkDelete),
            Self::DeletePrefix => only(Method::POST, "POST", Operation::DeletePrefix),
            Self::Purge => only(Method::POST, "POST", Operation::Purge),
            Self::Import => only(Method::POST, "POST", Operation::Import),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(rest: &str) -> Option<Target<'_>> {
        Place { account: "a", namespace: "n", rest }.target()
    }

    #[test]
    fn a_place_has_something_behind_its_namespace() {
        let base = "/client/v4/accounts/a/storage/kv/namespaces";
        let of = |rest: &str| {
            let path = format!("{base}{rest}");
            Place::of(&path).map(|place| (place.namespace.to_owned(), place.rest.to_owned()))
        };
        assert_eq!(of("/n/values/k%2Fl"), Some(("n".into(), "values/k%2Fl".into())));
        assert_eq!(of("/n/"), Some(("n".into(), String::new())));
        assert_eq!(of("/n"), None);
        assert_eq!(of("/"), None);
        assert_eq!(of(""), None);
        assert_eq!(Place::of("/client/v4/user"), None);
    }

    #[test]
    fn keys_that_normalise_away_lead_nowhere_and_never_to_the_namespace() {
        assert_eq!(target(""), None);
        assert_eq!(target("values"), None);
        assert_eq!(target("keys/"), None);
        assert_eq!(target("values/a/b"), None);
        assert_eq!(target("values/../x"), None);
        assert_eq!(target("bulk/get/"), None);
        assert_eq!(target("values/"), Some(Target::Value("")));
        assert_eq!(target("values/.."), Some(Target::Value("..")));
        assert_eq!(target("values/bulk%2Fget"), Some(Target::Value("bulk%2Fget")));
        assert_eq!(target("metadata/k"), Some(Target::Metadata("k")));
    }

    #[test]
    fn each_place_has_its_methods() {
        let status = |rest, method| {
            target(rest).expect("a place").operation(&method).map_err(|refusal| refusal.status)
        };
        assert_eq!(status("values/k", Method::HEAD), Ok(Operation::Get));
        assert_eq!(status("bulk", Method::DELETE), Ok(Operation::BulkDelete));
        assert_eq!(status("bulk/delete", Method::POST), Ok(Operation::BulkDelete));
        let refused = Err(http::StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(status("values/k", Method::POST), refused);
        assert_eq!(status("keys", Method::DELETE), refused);
        assert_eq!(status("bulk", Method::GET), refused);
    }
}

//! A request as the site is asked.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use littoral_http::{Interim, Secure, Spans, TRACEPARENT, traceparent};
use littoral_types::Ctx;

use crate::rules::{hops, strip_conditions};
use crate::upstream::{Sent, Via};
use crate::{Error, key};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Method, target and headers, without what is only for the client's connection.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub method: Method,
    /// Path with query.
    pub target: String,
    pub host: String,
    pub headers: HeaderMap,
    /// Where interim answers of the site go.
    pub interim: Interim,
    /// Whom to ask, if not the site.
    pub via: Option<Via>,
    /// Where it is told how long the site took.
    pub spans: Option<Spans>,
}

impl Asking {
    /// The request of a client, to be passed on.
    ///
    /// # Errors
    /// When nobody can be asked so: no host, a tunnel, or a circle.
    pub(crate) fn of(
        head: &Parts,
        peer: IpAddr,
        ctx: &Ctx,
        interim: Interim,
    ) -> Result<Self, Error> {
        let host = asked(head)?.to_owned();
        let mut headers = head.headers.clone();
        hops::strip(&mut headers);
        // Answered where the client's connection is.
        headers.remove(header::EXPECT);
        hops::via(&mut headers, head.version);
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Error::NoHost);
        headers.insert(header::HOST, value(&host)?);
        headers.append(FORWARDED_FOR, value(&peer.to_string())?);
        if !headers.contains_key(FORWARDED_HOST) {
            headers.insert(FORWARDED_HOST, value(&host)?);
            let secure = head.extensions.get::<Secure>().is_some();
            let scheme = if secure { "https" } else { "http" };
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
        }
        headers.insert(TRACEPARENT, traceparent(ctx.trace));
        let target = target(&head.uri).into_owned();
        let via = head.extensions.get::<Via>().cloned();
        let spans = head.extensions.get::<Spans>().cloned();
        Ok(Self { method: head.method.clone(), target, host, headers, interim, via, spans })
    }

    /// The key of what is asked for.
    pub(crate) fn key(&self) -> Bytes {
        self.key_of(&self.target)
    }

    /// The key of another target at the same place.
    pub(crate) fn key_of(&self, target: &str) -> Bytes {
        let url = key::of_url(&self.host, target);
        match &self.via {
            Some(Via { edition, .. }) => key::of_edition(&url, edition),
            None => url,
        }
    }

    /// What a key asks for by itself.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        let (host, target) = key::url(key)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
        for (name, value) in key::shown(key) {
            headers.append(name, value);
        }
        hops::via(&mut headers, http::Version::HTTP_11);
        let (host, target) = (host.to_owned(), target.to_owned());
        let interim = Interim::default();
        Some(Self { method: Method::GET, target, host, headers, interim, via: None, spans: None })
    }

    /// The same, for a whole answer that anybody may be given: without the client's conditions, which
    /// are judged here.
    #[must_use]
    pub(crate) fn whole(mut self) -> Self {
        strip_conditions(&mut self.headers);
        self.headers.remove(header::RANGE);
        self
    }

    pub(crate) fn request(&self, body: Sent) -> Request<Sent> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        // It came as a target, or out of a key that was made of one.
        *request.uri_mut() = self.target.parse().unwrap_or_default();
        *request.headers_mut() = self.headers.clone();
        if let Some(via) = &self.via {
            request.extensions_mut().insert(via.clone());
        }
        if let Some(spans) = &self.spans {
            request.extensions_mut().insert(spans.clone());
        }
        let interim = self.interim.clone();
        hyper::ext::on_informational(&mut request, move |res| {
            // "Go on" and "switching" are between us and the site.
            if !matches!(res.status().as_u16(), 100 | 101) {
                let mut headers = res.headers().clone();
                hops::strip(&mut headers);
                interim.send(res.status(), &headers);
            }
        });
        request
    }
}

/// The key of what a client asks for.
///
/// # Errors
/// As [`Asking::of`].
pub(crate) fn key_of(head: &Parts) -> Result<Bytes, Error> {
    let url = key::of_url(asked(head)?, &target(&head.uri));
    Ok(match head.extensions.get::<Via>() {
        Some(Via { edition, .. }) => key::of_edition(&url, edition),
        None => url,
    })
}

/// The host that is asked, if anybody can be.
fn asked(head: &Parts) -> Result<&str, Error> {
    if head.method == Method::CONNECT {
        return Err(Error::Tunnel);
    }
    if hops::circles(&head.headers) {
        return Err(Error::Circles);
    }
    host(head)
}

/// The host that a request is for: of an absolute target, else `Host`, once.
fn host(head: &Parts) -> Result<&str, Error> {
    let mut lines = head.headers.get_all(header::HOST).iter();
    let said = lines.next().and_then(|host| host.to_str().ok());
    let once = lines.next().is_none();
    let named = head.uri.authority().map(|authority| authority.as_str());
    let host = named.or(said).filter(|host| once && !host.is_empty() && !host.contains(' '));
    host.ok_or(Error::NoHost)
}

fn target(uri: &Uri) -> Cow<'_, str> {
    match uri.path_and_query() {
        Some(target) if target.as_str() == "*" || target.as_str().starts_with('/') => {
            Cow::Borrowed(target.as_str())
        }
        Some(target) => Cow::Owned(format!("/{target}")),
        None => Cow::Borrowed("/"),
    }
}

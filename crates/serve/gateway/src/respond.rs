//! Answers to clients: of what is stored, whole or in part or as "not modified", and of what comes.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};
use littoral_http::{Body, CACHE_STATUS, Places, Res, age, cache_status};
use littoral_peer::{Hop, HopReport, Hops, Outcome};
use littoral_types::LocationId;

use crate::meta::Head;
use crate::rules::{
    CACHE_TAG, ContentRange, LITTORAL_CDN_CACHE_CONTROL, Portion, SURROGATE_KEY, hops,
    not_modified, portion,
};
use crate::site::{How, Live, LiveBody};
use crate::upstream::Reading;

/// Fields between the site and us.
const OURS: [http::HeaderName; 3] = [SURROGATE_KEY, CACHE_TAG, LITTORAL_CDN_CACHE_CONTROL];

/// Fields that describe a body, which "not modified" has not.
const OF_A_BODY: [http::HeaderName; 4] =
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_TYPE, header::CONTENT_RANGE];

/// What is said of how an answer was come by.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub outcome: Outcome,
    pub stored: bool,
    /// Seconds of freshness left.
    pub ttl: Option<i64>,
    pub detail: Option<&'static str>,
    /// What other locations did before.
    pub before: Option<Box<Hops>>,
}

impl Said {
    pub(crate) fn hit(ttl: i64) -> Self {
        let outcome = if ttl > 0 { Outcome::Hit } else { Outcome::Stale };
        Self { ttl: Some(ttl), ..Self::of(outcome) }
    }

    pub(crate) fn of(outcome: Outcome) -> Self {
        Self { outcome, stored: false, ttl: None, detail: None, before: None }
    }

    /// As the last members of `Cache-Status`, in the words of every hop.
    fn value(&self, here: LocationId, places: &Places) -> HeaderValue {
        let report = HopReport {
            location: here,
            hop: Hop::Edge,
            outcome: self.outcome,
            stored: self.stored,
            ttl: self.ttl,
            took: Duration::ZERO,
        };
        let plain = match &self.before {
            None => cache_status(&[report], places),
            Some(before) => {
                let mut hops = **before;
                hops.push(report);
                cache_status(&hops, places)
            }
        };
        let Some(detail) = self.detail else { return plain };
        let text = format!("{}; detail={detail}", plain.to_str().unwrap_or_default());
        HeaderValue::try_from(text).unwrap_or(plain)
    }
}

/// Makes answers, at one place.
#[derive(Clone, Debug)]
pub(crate) struct Responder {
    pub here: LocationId,
    pub places: Places,
}

impl Responder {
    /// What is stored, as a request asks for it (RFC 9111, section 4.3.2; RFC 9110, section 14.2).
    pub(crate) fn stored(
        &self,
        (method, asked): (&Method, &HeaderMap),
        (head, shown): (&Head, &HeaderMap),
        body: &Bytes,
        old: Duration,
        said: &Said,
    ) -> Res {
        let mut res = Response::new(Body::empty());
        *res.status_mut() = head.status;
        *res.headers_mut() = shown.clone();
        let len = body.len() as u64;
        if not_modified(asked, head.status, &head.headers, head.at) {
            bodiless(&mut res);
        } else if method == Method::HEAD {
            res.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(len));
        } else {
            match portion(asked, head.status, &head.headers, len) {
                Portion::Whole => *res.body_mut() = body.clone().into(),
                Portion::Part { from, len: some } => {
                    let part =
                        ContentRange { first: from, last: from + some - 1, whole: Some(len) };
                    *res.status_mut() = StatusCode::PARTIAL_CONTENT;
                    res.headers_mut().insert(header::CONTENT_RANGE, part.value());
                    *res.body_mut() = body.slice(from as usize..(from + some) as usize).into();
                }
                Portion::None => {
                    *res.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                    let nothing = HeaderValue::try_from(format!("bytes */{len}"));
                    let nothing = nothing.expect("digits are plain ASCII");
                    res.headers_mut().insert(header::CONTENT_RANGE, nothing);
                }
            }
            if res.status() != head.status {
                res.headers_mut().remove(header::CONTENT_LENGTH);
            }
        }
        res.headers_mut().insert(header::AGE, age(old));
        res.headers_mut().append(CACHE_STATUS, said.value(self.here, &self.places));
        res
    }

    /// What lies there in a stored part.
    pub(crate) fn part(
        &self,
        head: &Head,
        body: &Bytes,
        (offset, at): (usize, ContentRange),
        old: Duration,
        said: &Said,
    ) -> Res {
        let len = (at.last - at.first + 1) as usize;
        let mut res = Response::new(Body::from(body.slice(offset..offset + len)));
        *res.status_mut() = StatusCode::PARTIAL_CONTENT;
        *res.headers_mut() = head.headers.clone();
        res.headers_mut().remove(header::CONTENT_LENGTH);
        res.headers_mut().insert(header::CONTENT_RANGE, at.value());
        res.headers_mut().insert(header::AGE, age(old));
        self.finish(res, said)
    }

    /// What comes from the site, while it comes.
    pub(crate) fn live(
        &self,
        (method, asked): (&Method, &HeaderMap),
        live: Live,
        now_old: Duration,
        said: &Said,
    ) -> Res {
        let Live { status, headers, body, how, at, .. } = live;
        if let (How::Renewed, LiveBody::Here(body)) = (how, &body) {
            let shown = shown(headers.clone());
            let head = Head { status, at, headers };
            return self.stored((method, asked), (&head, &shown), body, now_old, said);
        }
        let mut res = Response::new(match body {
            LiveBody::Here(bytes) => bytes.into(),
            LiveBody::Coming(_) if method == Method::HEAD => Body::empty(),
            LiveBody::Coming(stream) => Body::stream(stream),
        });
        *res.status_mut() = status;
        *res.headers_mut() = headers;
        if crate::site::reads(method) && not_modified(asked, status, res.headers(), at) {
            bodiless(&mut res);
        }
        self.finish(res, said)
    }

    /// What the site answered to a request that is only passed on.
    pub(crate) fn passed(
        &self,
        (method, _): (&Method, &HeaderMap),
        status: StatusCode,
        mut headers: HeaderMap,
        body: Reading,
        detail: Option<&'static str>,
    ) -> Res {
        hops::strip(&mut headers);
        let mut res = Response::new(match method {
            &Method::HEAD => Body::empty(),
            _ => Body::stream(body.stream()),
        });
        *res.status_mut() = status;
        *res.headers_mut() = headers;
        self.finish(res, &Said { detail, ..Said::of(Outcome::Bypass) })
    }

    /// Says something else of how an answer was come by.
    pub(crate) fn restate(&self, res: &mut Res, said: &Said) {
        let lines: Vec<_> = res.headers().get_all(CACHE_STATUS).iter().cloned().collect();
        res.headers_mut().remove(CACHE_STATUS);
        let earlier = lines.len().saturating_sub(1);
        for line in lines.into_iter().take(earlier) {
            res.headers_mut().append(CACHE_STATUS, line);
        }
        res.headers_mut().append(CACHE_STATUS, said.value(self.here, &self.places));
    }

    fn finish(&self, mut res: Res, said: &Said) -> Res {
        let headers = res.headers_mut();
        *headers = shown(std::mem::take(headers));
        headers.append(CACHE_STATUS, said.value(self.here, &self.places));
        res
    }

    /// A refusal of ours, with what led to it.
    pub(crate) fn refused(&self, error: &crate::Error, said: &Said) -> Res {
        self.finish(error.refusal().envelope(), said)
    }
}

/// Headers as a client is shown them, but for what is only known once it asks.
pub(crate) fn shown(mut headers: HeaderMap) -> HeaderMap {
    for name in OURS {
        headers.remove(name);
    }
    hops::via(&mut headers, http::Version::HTTP_11);
    headers
}

fn bodiless(res: &mut Res) {
    *res.status_mut() = StatusCode::NOT_MODIFIED;
    *res.body_mut() = Body::empty();
    for name in OF_A_BODY {
        res.headers_mut().remove(name);
    }
}

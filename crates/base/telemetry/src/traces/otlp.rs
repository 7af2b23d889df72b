//! Spans as OTLP has them: the body of `POST /v1/traces`, of version 1 of its Protocol Buffers.

use super::proto::Message;
use super::{Kind, Span, Value};

const SERVICE: &str = "littoral";

/// `ExportTraceServiceRequest`.
pub(super) fn request(location: &str, spans: &[(u128, Span)]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |of_resource| {
        of_resource.message(1, |resource| {
            said(resource, 1, "service.name", &Value::Text(SERVICE.into()));
            said(resource, 1, "service.version", &Value::Text(env!("CARGO_PKG_VERSION").into()));
            said(resource, 1, "littoral.location", &Value::Text(location.into()));
        });
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| scope.bytes(1, SERVICE.as_bytes()));
            for (trace, span) in spans {
                of_scope.message(2, |message| write(message, *trace, span));
            }
        });
    });
    request.0
}

fn write(to: &mut Message, trace: u128, span: &Span) {
    to.bytes(1, &trace.to_be_bytes());
    to.bytes(2, &span.id.to_be_bytes());
    to.bytes(3, span.state.as_bytes());
    if span.parent != 0 {
        to.bytes(4, &span.parent.to_be_bytes());
    }
    to.bytes(5, span.name.as_bytes());
    let kind = match span.kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
    };
    to.number(6, kind);
    to.fixed(7, span.begun_ns);
    to.fixed(8, span.ended_ns);
    for (name, value) in &span.said {
        said(to, 9, name, value);
    }
    if span.failed {
        // STATUS_CODE_ERROR
        to.message(15, |status| status.number(3, 2));
    }
}

/// `KeyValue`
fn said(to: &mut Message, field: u64, name: &str, value: &Value) {
    to.message(field, |pair| {
        pair.bytes(1, name.as_bytes());
        pair.message(2, |any| match value {
            // Also if it is empty: which of the values it is shows by its field.
            Value::Text(text) if text.is_empty() => any.message(1, |_| {}),
            Value::Text(text) => any.bytes(1, text.as_bytes()),
            Value::Flag(flag) => any.number(2, u64::from(*flag)),
            Value::Number(number) => any.number(3, *number as u64),
        });
    });
}

//! From configuration to what the doors and the control plane are opened with.

use littoral_control::{Account, Bootstrap, Options as ControlOptions};
use littoral_http::Places;
use littoral_kv::doors::{Access as Right, Options as DoorOptions};

use crate::config::{Access as Configured, Limits};
use crate::network::{Access, BootstrapToken};
use crate::node::Shared;

pub fn doors(limits: &Limits, dev: bool) -> DoorOptions {
    DoorOptions {
        open_on_loopback: dev,
        request_time: limits.request_time.0,
        watches_max: limits.watchers,
        ..DoorOptions::default()
    }
}

pub fn control(access: &Access) -> ControlOptions {
    let bootstrap = |token: &BootstrapToken| Bootstrap {
        account: access.account,
        hash: blake3::Hash::from_bytes(token.hash),
        access: match token.access {
            Configured::Read => Right::Read,
            Configured::Write => Right::Write,
        },
    };
    ControlOptions {
        accounts: vec![Account { id: access.account, name: "main".into() }],
        bootstrap: access.tokens.iter().map(bootstrap).collect(),
        ..ControlOptions::default()
    }
}

/// Names of locations, as `Cache-Status` shows them.
pub fn places(shared: &Shared) -> Places {
    Places::new(shared.topology.now().locations().map(|(_, location)| location.name.clone()))
}

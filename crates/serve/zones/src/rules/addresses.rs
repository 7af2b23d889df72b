//! Who may come, by address.

use std::sync::Arc;

use crate::addresses::Addresses;
use crate::means::Means;
use crate::rule::{Decision, Declares, Outcome, Rule, View};

/// Lets in who is on one list and not on the other.
pub(crate) struct AddressList {
    /// All, if there is none.
    pub(crate) allow: Option<Addresses>,
    pub(crate) deny: Addresses,
}

impl Rule for AddressList {
    fn kind(&self) -> &'static str {
        "addresses"
    }

    fn declares(&self) -> Declares {
        Declares::default()
    }

    fn decide(&self, view: &View<'_>, _: &Arc<Means>) -> Decision {
        let address = view.address();
        Decision::Now(if self.deny.contains(address) {
            super::denied("denied by address")
        } else if self.allow.as_ref().is_some_and(|list| !list.contains(address)) {
            super::denied("not on the list")
        } else {
            Ok(Outcome::pass("let in"))
        })
    }
}

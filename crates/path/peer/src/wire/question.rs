//! What a hop is asked, on the wire. What an origin is told besides goes beside it, in a request of its own.

use littoral_types::{Kind, Space, SpaceId, Version};
use serde::{Deserialize, Serialize};

use super::WireError;
use super::parts::{self, PositionsForm, VersionForm, mirrored, run};
use crate::{Hop, Minimum, Question};

#[derive(Serialize, Deserialize)]
pub(super) struct QuestionForm<'a> {
    space: u128,
    kind: u8,
    #[serde(borrow, serialize_with = "run")]
    key: &'a [u8],
    hop: HopForm,
    held: Option<VersionForm>,
    minimum_client: Option<VersionForm>,
    minimum_own: VersionForm,
    minimum_positions: PositionsForm,
    through: bool,
}

// In the order of their numbers: a new one comes last.
mirrored!(HopForm of Hop { Edge, Regional, Upper, Origin, Keeper });

impl<'a> From<&'a Question> for QuestionForm<'a> {
    fn from(question: &'a Question) -> Self {
        let Question { space, key, hop, held, minimum, through, asked: _ } = question;
        Self {
            space: space.id.0,
            kind: space.kind.0,
            key,
            hop: (*hop).into(),
            held: held.map(Version::parts),
            minimum_client: minimum.client.map(Version::parts),
            minimum_own: minimum.own.parts(),
            minimum_positions: parts::positions_form(minimum.positions),
            through: *through,
        }
    }
}

impl QuestionForm<'_> {
    pub(super) fn decode(self, asked: &[u8]) -> Result<Question, WireError> {
        Ok(Question {
            space: Space { id: SpaceId(self.space), kind: Kind(self.kind) },
            key: parts::key(self.key)?,
            hop: self.hop.into(),
            held: self.held.map(parts::version),
            minimum: Minimum {
                client: self.minimum_client.map(parts::version),
                own: parts::version(self.minimum_own),
                positions: parts::positions(self.minimum_positions),
            },
            through: self.through,
            asked: parts::asked(asked)?,
        })
    }
}

//! What at least three crates say: keys, versions, positions, bodies and the context of a call.
//!
//! Nothing here does I/O or reads a clock. A type that only two crates share lives beside the
//! interface that uses it.

mod body;
mod ctx;
mod key;
mod place;
mod position;
mod time;
mod version;

pub use body::{Blob, Body};
pub use ctx::{Allowed, Ctx, Tenant, Trace};
pub use key::{Kind, Space, SpaceId, SpaceIdError, Tag};
pub use place::{Epoch, LocationId, RegionId, StoreId};
pub use position::{Position, Positions, STORES};
pub use time::{Mono, Wall};
pub use version::{Version, VersionError};

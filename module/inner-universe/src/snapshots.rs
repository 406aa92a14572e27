//! Full states of versions, so that a version can be restored without replaying every delta.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::json::Object;
use crate::permissions::{self, Action};
use crate::tables::{state_snapshot, StateSnapshot};
use crate::validation::require_text;
use crate::versions::{require_version, require_versioning};
use crate::{configuration, errors, events};

/// The version must exist and the data must not be larger than config `snapshot_max_bytes`.
#[reducer]
pub fn store_state_snapshot(
    ctx: &ReducerContext,
    version_id: String,
    encoding: String,
    data: String,
) -> Result<(), String> {
    permissions::require(ctx, Action::StoreStateSnapshot, "state_snapshot")?;
    require_versioning(ctx)?;
    require_text("version_id", &version_id)?;
    require_text("encoding", &encoding)?;
    if let Some(stored) = ctx.db.state_snapshot().version_id().find(&version_id) {
        let same = stored.encoding == encoding && stored.data == data;
        return if same { Ok(()) } else { Err(errors::other_content(errors::STATE_SNAPSHOT, &version_id)) };
    }
    require_version(ctx, &version_id)?;
    let limit = configuration::snapshot_max_bytes(ctx);
    if data.len() > limit {
        return Err(errors::too_large(data.len(), limit));
    }
    let event =
        Object::new().text("encoding", &encoding).count("size", data.len()).text("version_id", &version_id).end();
    let row = ctx.db.state_snapshot().insert(StateSnapshot { version_id, encoding, data, created_at: ctx.timestamp });
    events::record(ctx, "STATE_SNAPSHOT_STORED", Some(&row.version_id), event);
    Ok(())
}

//! Emptying the database; for the owner.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::lifecycle;
use crate::permissions::require_owner;
use crate::tables::{
    admin, config, delta_record, entity, event_log, metric, owner, permission, relation, state_snapshot, state_version,
    system_info,
};

/// Makes the database as it was after `init`; connections stay.
#[reducer]
pub fn truncate_all(ctx: &ReducerContext) -> Result<(), String> {
    require_owner(ctx)?;
    empty_data(ctx);
    for row in ctx.db.admin().iter().collect::<Vec<_>>() {
        ctx.db.admin().identity().delete(row.identity);
    }
    for row in ctx.db.permission().iter().collect::<Vec<_>>() {
        ctx.db.permission().id().delete(row.id);
    }
    ctx.db.owner().id().delete(0);
    ctx.db.system_info().id().delete(0);
    lifecycle::fill(ctx, ctx.sender);
    Ok(())
}

/// Leaves neither data, events nor configuration, so that imports can restore a backup exactly. Grants and
/// connections stay.
#[reducer]
pub fn clear_for_import(ctx: &ReducerContext) -> Result<(), String> {
    require_owner(ctx)?;
    empty_data(ctx);
    Ok(())
}

/// Where an index on text exists, one range deletes all rows at once: every text is at least the empty one.
fn empty_data(ctx: &ReducerContext) {
    ctx.db.entity().entity_type().delete(""..);
    ctx.db.relation().relation_type().delete(""..);
    ctx.db.delta_record().state_version_id().delete(""..);
    ctx.db.event_log().event_type().delete(""..);
    ctx.db.metric().name().delete(""..);
    for row in ctx.db.state_version().iter().collect::<Vec<_>>() {
        ctx.db.state_version().version_id().delete(row.version_id);
    }
    for row in ctx.db.state_snapshot().iter().collect::<Vec<_>>() {
        ctx.db.state_snapshot().version_id().delete(row.version_id);
    }
    for row in ctx.db.config().iter().collect::<Vec<_>>() {
        ctx.db.config().key().delete(row.key);
    }
}

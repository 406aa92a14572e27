//! Figures that clients record.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::errors;
use crate::permissions::{self, Action};
use crate::tables::{metric, Metric};
use crate::validation::{require_finite, require_json, require_text};

/// Stores one figure. It writes no event: a metric is itself a record, and metrics about events would feed themselves.
#[reducer]
pub fn record_metric(
    ctx: &ReducerContext,
    id: String,
    name: String,
    kind: String,
    value: f64,
    tags: String,
) -> Result<(), String> {
    permissions::require(ctx, Action::RecordMetric, &name)?;
    require_text("id", &id)?;
    require_text("name", &name)?;
    require_text("kind", &kind)?;
    require_finite("value", value)?;
    require_json("tags", &tags)?;
    if let Some(stored) = ctx.db.metric().id().find(&id) {
        let same = stored.name == name && stored.kind == kind && stored.value == value && stored.tags == tags;
        return if same { Ok(()) } else { Err(errors::other_content(errors::METRIC, &id)) };
    }
    ctx.db.metric().insert(Metric { id, name, kind, value, tags, timestamp: ctx.timestamp });
    Ok(())
}

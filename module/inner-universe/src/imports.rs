//! Rows of a backup, taken as they are with ids and timestamps; for the owner. Imports write no events.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::errors;
use crate::permissions::require_owner;
use crate::tables::{
    config, delta_record, entity, event_log, metric, relation, state_snapshot, state_version, Config, DeltaRecord,
    Entity, EventLog, Metric, Relation, StateSnapshot, StateVersion,
};
use crate::validation::require_text;

/// A row that is there already is left alone when it is the same, and an error when it differs.
macro_rules! import {
    ($reducer:ident, $table:ident, $key:ident, $row:ty, $kind:expr) => {
        #[reducer]
        pub fn $reducer(ctx: &ReducerContext, rows: Vec<$row>) -> Result<(), String> {
            require_owner(ctx)?;
            for (position, row) in rows.into_iter().enumerate() {
                let in_batch = |reason: String| errors::in_batch(position, &row.$key, &reason);
                require_text(stringify!($key), &row.$key).map_err(in_batch)?;
                match ctx.db.$table().$key().find(&row.$key) {
                    None => drop(ctx.db.$table().insert(row)),
                    Some(stored) if stored == row => (),
                    Some(_) => return Err(in_batch(errors::other_content($kind, &row.$key))),
                }
            }
            Ok(())
        }
    };
}

import!(import_entities, entity, id, Entity, errors::ENTITY);
import!(import_relations, relation, id, Relation, errors::RELATION);
import!(import_state_versions, state_version, version_id, StateVersion, errors::STATE_VERSION);
import!(import_deltas, delta_record, delta_id, DeltaRecord, errors::DELTA);
import!(import_events, event_log, event_id, EventLog, errors::EVENT);
import!(import_snapshots, state_snapshot, version_id, StateSnapshot, errors::STATE_SNAPSHOT);
import!(import_metrics, metric, id, Metric, errors::METRIC);

/// Unlike the others it replaces rows: `init` has written every default key already.
#[reducer]
pub fn import_configuration(ctx: &ReducerContext, rows: Vec<Config>) -> Result<(), String> {
    require_owner(ctx)?;
    for (position, row) in rows.into_iter().enumerate() {
        require_text("key", &row.key).map_err(|reason| errors::in_batch(position, &row.key, &reason))?;
        ctx.db.config().key().delete(&row.key);
        ctx.db.config().insert(row);
    }
    Ok(())
}

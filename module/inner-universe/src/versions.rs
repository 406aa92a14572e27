//! State versions and the deltas between them.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::json::Object;
use crate::permissions::{self, Action};
use crate::tables::{delta_record, state_version, DeltaRecord, StateVersion};
use crate::types::{DeltaMetadata, DeltaOperation};
use crate::validation::{self, require_text};
use crate::{configuration, errors, events};

const FEATURE_STATE_VERSIONING: &str = "feature_enable_state_versioning";

/// The parent, if one is given, must exist. A repeated call with the same content succeeds without effect.
#[reducer]
pub fn commit_state_version(
    ctx: &ReducerContext,
    version_id: String,
    parent_version_id: Option<String>,
    description: String,
    data_hash: String,
) -> Result<(), String> {
    permissions::require(ctx, Action::CommitStateVersion, "state_version")?;
    require_versioning(ctx)?;
    require_text("version_id", &version_id)?;
    if let Some(stored) = ctx.db.state_version().version_id().find(&version_id) {
        let same = stored.parent_version_id == parent_version_id
            && stored.description == description
            && stored.data_hash == data_hash;
        return if same { Ok(()) } else { Err(errors::other_content(errors::STATE_VERSION, &version_id)) };
    }
    if let Some(parent) = &parent_version_id {
        require_version(ctx, parent)?;
    }
    let data = Object::new()
        .text("data_hash", &data_hash)
        .text("description", &description)
        .optional("parent_version_id", parent_version_id.as_deref())
        .text("version_id", &version_id)
        .end();
    let row = ctx.db.state_version().insert(StateVersion {
        version_id,
        parent_version_id,
        timestamp: ctx.timestamp,
        description,
        data_hash,
        owner: ctx.sender,
    });
    events::record(ctx, "STATE_VERSION_COMMITTED", Some(&row.version_id), data);
    Ok(())
}

/// The version, and the parent delta if one is given, must exist.
#[reducer]
pub fn record_delta(
    ctx: &ReducerContext,
    delta_id: String,
    state_version_id: String,
    operations: Vec<DeltaOperation>,
    metadata: DeltaMetadata,
) -> Result<(), String> {
    permissions::require(ctx, Action::RecordDelta, "delta_record")?;
    require_versioning(ctx)?;
    require_text("delta_id", &delta_id)?;
    require_text("state_version_id", &state_version_id)?;
    validation::operations(&operations)?;
    if let Some(stored) = ctx.db.delta_record().delta_id().find(&delta_id) {
        let same = stored.state_version_id == state_version_id
            && stored.operations == operations
            && stored.metadata == metadata;
        return if same { Ok(()) } else { Err(errors::other_content(errors::DELTA, &delta_id)) };
    }
    require_version(ctx, &state_version_id)?;
    if let Some(parent) = &metadata.parent_delta_id {
        if ctx.db.delta_record().delta_id().find(parent).is_none() {
            return Err(errors::not_found(errors::DELTA, parent));
        }
    }
    let data = Object::new()
        .text("delta_id", &delta_id)
        .raw("metadata", &metadata_json(&metadata))
        .count("operations_count", operations.len())
        .text("state_version_id", &state_version_id)
        .end();
    let row = ctx.db.delta_record().insert(DeltaRecord {
        delta_id,
        state_version_id,
        operations,
        timestamp: ctx.timestamp,
        metadata,
    });
    events::record(ctx, "DELTA_RECORDED", Some(&row.state_version_id), data);
    Ok(())
}

pub fn require_versioning(ctx: &ReducerContext) -> Result<(), String> {
    if configuration::is_on(ctx, FEATURE_STATE_VERSIONING) {
        Ok(())
    } else {
        Err(errors::VERSIONING_DISABLED.to_string())
    }
}

pub fn require_version(ctx: &ReducerContext, version_id: &str) -> Result<(), String> {
    match ctx.db.state_version().version_id().find(version_id.to_string()) {
        Some(_) => Ok(()),
        None => Err(errors::not_found(errors::STATE_VERSION, version_id)),
    }
}

fn metadata_json(metadata: &DeltaMetadata) -> String {
    Object::new()
        .optional("author", metadata.author.as_deref())
        .text("description", &metadata.description)
        .optional("parent_delta_id", metadata.parent_delta_id.as_deref())
        .texts("tags", &metadata.tags)
        .end()
}

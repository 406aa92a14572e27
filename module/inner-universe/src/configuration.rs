//! The config table: text values by key, private, changed by the owner and by admins.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::json::Object;
use crate::permissions::{require_admin, require_owner};
use crate::tables::{config, Config};
use crate::types::ConfigEntry;
use crate::validation::require_text;
use crate::{errors, events};

pub const PERMISSION_DEFAULT: &str = "permission_default";
pub const SNAPSHOT_MAX_BYTES: &str = "snapshot_max_bytes";
pub const SNAPSHOT_MAX_BYTES_DEFAULT: usize = 1_048_576;

/// Sets several keys in one transaction; for the owner.
#[reducer]
pub fn apply_configuration(ctx: &ReducerContext, entries: Vec<ConfigEntry>) -> Result<(), String> {
    require_owner(ctx)?;
    for (position, entry) in entries.into_iter().enumerate() {
        require_text("key", &entry.key).map_err(|reason| errors::in_batch(position, &entry.key, &reason))?;
        upsert(ctx, entry);
    }
    Ok(())
}

/// Sets one key and keeps its description; for the owner and admins.
#[reducer]
pub fn admin_operation(ctx: &ReducerContext, config_key: String, config_value: String) -> Result<(), String> {
    require_admin(ctx)?;
    require_text("config_key", &config_key)?;
    upsert(ctx, ConfigEntry { key: config_key, value: config_value, description: None });
    Ok(())
}

/// The event does not show the value: the event log is public, the config is not. Switching the log itself off or on is
/// always written.
fn upsert(ctx: &ReducerContext, entry: ConfigEntry) {
    let stored = ctx.db.config().key().find(&entry.key);
    let description = entry.description.or_else(|| stored.as_ref().and_then(|row| row.description.clone()));
    if let Some(row) = &stored {
        if row.value == entry.value && row.description == description {
            return;
        }
    }
    let row =
        Config { key: entry.key, value: entry.value, description, updated_at: ctx.timestamp, updated_by: ctx.sender };
    let data = Object::new().text("key", &row.key).text("updated_by", &ctx.sender.to_hex()).end();
    let key = row.key.clone();
    let audited_before = is_on(ctx, events::FEATURE_AUDIT_LOG);
    if stored.is_some() {
        ctx.db.config().key().update(row);
    } else {
        ctx.db.config().insert(row);
    }
    if audited_before || is_on(ctx, events::FEATURE_AUDIT_LOG) {
        events::append(ctx, "CONFIG_UPDATED", Some(&key), data);
    }
}

pub fn get(ctx: &ReducerContext, key: &str) -> Option<String> {
    ctx.db.config().key().find(key.to_string()).map(|row| row.value)
}

/// A feature is on unless its key says "false".
pub fn is_on(ctx: &ReducerContext, key: &str) -> bool {
    get(ctx, key).as_deref() != Some("false")
}

pub fn snapshot_max_bytes(ctx: &ReducerContext) -> usize {
    get(ctx, SNAPSHOT_MAX_BYTES).and_then(|text| text.trim().parse().ok()).unwrap_or(SNAPSHOT_MAX_BYTES_DEFAULT)
}

//! What happens when a database is made, and when clients come and go.

use spacetimedb::{reducer, Identity, ReducerContext, Table};

use crate::configuration::{is_on, PERMISSION_DEFAULT, SNAPSHOT_MAX_BYTES, SNAPSHOT_MAX_BYTES_DEFAULT};
use crate::events::{self, FEATURE_AUDIT_LOG};
use crate::json::Object;
use crate::tables::{client_connection, config, owner, system_info, ClientConnection, Config, Owner, SystemInfo};
use crate::types::ConnectionStatus;

const MODULE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Counts up with every change of the tables or reducers.
const SCHEMA_VERSION: u32 = 1;
const FEATURE_CONNECTION_EVENTS: &str = "feature_enable_connection_events";

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    log::info!("initializing inner-universe {MODULE_VERSION}");
    fill(ctx, ctx.sender);
    log::info!("initialized inner-universe {MODULE_VERSION}");
}

/// The rows of a new database.
pub fn fill(ctx: &ReducerContext, owner: Identity) {
    ctx.db.owner().insert(Owner { id: 0, identity: owner });
    ctx.db.system_info().insert(SystemInfo {
        id: 0,
        module_version: MODULE_VERSION.to_string(),
        schema_version: SCHEMA_VERSION,
        start_time: ctx.timestamp,
    });
    for (key, value, description) in default_config(ctx) {
        ctx.db.config().insert(Config {
            key: key.to_string(),
            value,
            description: Some(description.to_string()),
            updated_at: ctx.timestamp,
            updated_by: owner,
        });
    }
    let data = Object::new().text("initialized_by", &owner.to_hex()).text("version", MODULE_VERSION).end();
    events::record(ctx, "SYSTEM_INITIALIZED", None, data);
}

fn default_config(ctx: &ReducerContext) -> [(&'static str, String, &'static str); 9] {
    let module_config = Object::new()
        .count("cache_size_mb", 256)
        .texts("features", &["EnableStateVersioning", "EnableAuditLog"])
        .text("log_level", "Info")
        .text("name", "inner-universe")
        .text("version", MODULE_VERSION)
        .end();
    let start_time = ctx.timestamp.to_micros_since_unix_epoch().to_string();
    [
        ("module_config", module_config, "Default module configuration"),
        ("module_version", MODULE_VERSION.to_string(), "Version of the module"),
        ("start_time", start_time, "When the database was initialized, in microseconds since 1970"),
        ("feature_enable_state_versioning", "true".to_string(), "Accept state versions, deltas and snapshots"),
        (FEATURE_AUDIT_LOG, "true".to_string(), "Write an event for every change"),
        ("cache_size_mb", "256".to_string(), "Cache size that clients use"),
        ("log_level", "info".to_string(), "Log level that clients use"),
        (SNAPSHOT_MAX_BYTES, SNAPSHOT_MAX_BYTES_DEFAULT.to_string(), "Largest state snapshot"),
        (PERMISSION_DEFAULT, "allow".to_string(), "What callers without a grant may do: allow or deny"),
    ]
}

/// Never fails: a failing hook would keep the client out.
#[reducer(client_connected)]
pub fn identity_connected(ctx: &ReducerContext) {
    log::debug!("identity connected: {}", ctx.sender);
    let Some(connection_id) = ctx.connection_id else { return };
    ctx.db.client_connection().connection_id().delete(connection_id);
    ctx.db.client_connection().insert(ClientConnection {
        connection_id,
        identity: ctx.sender,
        connected_at: ctx.timestamp,
        last_active_at: ctx.timestamp,
        client_info: None,
        status: ConnectionStatus::Connected,
    });
    record_connection(ctx, "CLIENT_CONNECTED");
}

#[reducer(client_disconnected)]
pub fn identity_disconnected(ctx: &ReducerContext) {
    log::debug!("identity disconnected: {}", ctx.sender);
    let Some(connection_id) = ctx.connection_id else { return };
    ctx.db.client_connection().connection_id().delete(connection_id);
    record_connection(ctx, "CLIENT_DISCONNECTED");
}

fn record_connection(ctx: &ReducerContext, event_type: &str) {
    if !is_on(ctx, FEATURE_CONNECTION_EVENTS) {
        return;
    }
    let identity = ctx.sender.to_hex();
    let connection_id = ctx.connection_id.map(|id| id.to_hex());
    let data = Object::new().optional("connection_id", connection_id.as_deref()).text("identity", &identity).end();
    events::record(ctx, event_type, Some(&identity), data);
}

//! Every text that a reducer can fail with. Clients map them to exception classes, so they are part of the contract.

pub const ADMIN_REQUIRED: &str = "Unauthorized: Admin privileges required";
pub const OWNER_REQUIRED: &str = "Unauthorized: Owner privileges required";
pub const VERSIONING_DISABLED: &str =
    "State versioning is disabled: config feature_enable_state_versioning is \"false\"";

/// The kinds of rows that texts speak of, by the name in them.
pub const ENTITY: &str = "Entity";
pub const RELATION: &str = "Relation";
pub const STATE_VERSION: &str = "State version";
pub const DELTA: &str = "Delta";
pub const EVENT: &str = "Event";
pub const STATE_SNAPSHOT: &str = "State snapshot";
pub const METRIC: &str = "Metric";
pub const ADMIN: &str = "Admin";
pub const PERMISSION: &str = "Permission";

pub fn not_found(kind: &str, id: &str) -> String {
    format!("{kind} not found: {id}")
}

pub fn other_content(kind: &str, id: &str) -> String {
    format!("{kind} already exists with other content: {id}")
}

pub fn blank(field: &str) -> String {
    format!("Invalid {field}: must not be empty")
}

pub fn not_finite(field: &str) -> String {
    format!("Invalid {field}: must be a finite number")
}

pub fn not_json(field: &str, reason: &str, at: usize) -> String {
    format!("Invalid {field}: not JSON, {reason} at byte {at}")
}

pub fn not_an_object(field: &str) -> String {
    format!("Invalid {field}: must be a JSON object")
}

pub fn operation_lacks(position: usize, operation: &str, field: &str) -> String {
    format!("Invalid operations[{position}]: {operation} needs {field}")
}

pub fn has_relations(id: &str, count: usize) -> String {
    let noun = if count == 1 { "relation" } else { "relations" };
    format!("Entity {id} has {count} {noun}: delete them first or ask for cascade")
}

pub fn too_large(size: usize, limit: usize) -> String {
    format!("State snapshot has {size} bytes, more than the {limit} that config snapshot_max_bytes allows")
}

pub fn denied(action: &str, entity_type: &str) -> String {
    format!("Permission denied: {action} on {entity_type}")
}

pub fn unknown_action(action: &str, known: &[&str]) -> String {
    format!("Unknown action: {action} (known: *, {})", known.join(", "))
}

/// Of a batch: which item failed, counted from 0, and why.
pub fn in_batch(position: usize, id: &str, reason: &str) -> String {
    format!("Item {position} ({id}): {reason}")
}

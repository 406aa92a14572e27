//! Every table. Columns of type Option cannot be indexed (parents, sources), so history by them is a client's query.

use spacetimedb::{table, ConnectionId, Identity, Timestamp};

use crate::types::{ConnectionStatus, DeltaMetadata, DeltaOperation, EntityMetadata, RelationMetadata};

#[table(name = entity, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    #[primary_key]
    pub id: String,
    #[index(btree)]
    pub entity_type: String,
    #[index(btree)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub metadata: EntityMetadata,
}

#[table(name = relation, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    #[primary_key]
    pub id: String,
    #[index(btree)]
    pub from_entity: String,
    #[index(btree)]
    pub to_entity: String,
    #[index(btree)]
    pub relation_type: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub metadata: RelationMetadata,
}

#[table(name = state_version, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct StateVersion {
    #[primary_key]
    pub version_id: String,
    pub parent_version_id: Option<String>,
    #[index(btree)]
    pub timestamp: Timestamp,
    pub description: String,
    pub data_hash: String,
    #[index(btree)]
    pub owner: Identity,
}

#[table(name = event_log, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct EventLog {
    #[primary_key]
    pub event_id: String,
    #[index(btree)]
    pub event_type: String,
    pub source: Option<String>,
    #[index(btree)]
    pub timestamp: Timestamp,
    /// JSON text.
    pub data: String,
}

#[table(name = delta_record, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaRecord {
    #[primary_key]
    pub delta_id: String,
    #[index(btree)]
    pub state_version_id: String,
    pub operations: Vec<DeltaOperation>,
    #[index(btree)]
    pub timestamp: Timestamp,
    pub metadata: DeltaMetadata,
}

/// The full state of a version, in a form that `encoding` names; the module does not look into it.
#[table(name = state_snapshot, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct StateSnapshot {
    #[primary_key]
    pub version_id: String,
    pub encoding: String,
    pub data: String,
    pub created_at: Timestamp,
}

#[table(name = metric, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    #[primary_key]
    pub id: String,
    #[index(btree)]
    pub name: String,
    pub kind: String,
    pub value: f64,
    /// JSON text.
    pub tags: String,
    #[index(btree)]
    pub timestamp: Timestamp,
}

/// One row a connection: an identity may be connected several times, and HTTP requests are connections as well.
#[table(name = client_connection, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConnection {
    #[primary_key]
    pub connection_id: ConnectionId,
    #[index(btree)]
    pub identity: Identity,
    pub connected_at: Timestamp,
    pub last_active_at: Timestamp,
    pub client_info: Option<String>,
    pub status: ConnectionStatus,
}

/// What every client may know although `config` is private. One row, id 0.
#[table(name = system_info, public)]
#[derive(Clone, Debug, PartialEq)]
pub struct SystemInfo {
    #[primary_key]
    pub id: u8,
    pub module_version: String,
    pub schema_version: u32,
    pub start_time: Timestamp,
}

#[table(name = config)]
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    #[primary_key]
    pub key: String,
    pub value: String,
    pub description: Option<String>,
    pub updated_at: Timestamp,
    pub updated_by: Identity,
}

/// Who published the database. One row, id 0.
#[table(name = owner)]
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    #[primary_key]
    pub id: u8,
    pub identity: Identity,
}

#[table(name = admin)]
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    #[primary_key]
    pub identity: Identity,
    pub granted_by: Identity,
    pub granted_at: Timestamp,
}

#[table(name = permission)]
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    /// Grantee (hex, or `*`), action and entity type joined by `|`: a check is a few lookups by key, not a scan.
    #[primary_key]
    pub id: String,
    pub grantee: Option<Identity>,
    pub action: String,
    pub entity_type: String,
    pub granted_by: Identity,
    pub granted_at: Timestamp,
}

//! Types that columns and reducer arguments are made of.

use spacetimedb::SpacetimeType;

/// What an entity says about itself. Never grows a field: a nested product cannot be migrated, `properties` takes new ones.
#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct EntityMetadata {
    pub name: Option<String>,
    pub description: Option<String>,
    pub tags: Vec<String>,
    /// Canonical JSON text of an object.
    pub properties: String,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct RelationMetadata {
    pub description: Option<String>,
    pub strength: f64,
    pub bidirectional: bool,
    pub tags: Vec<String>,
    /// Canonical JSON text of an object.
    pub properties: String,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaOperationType {
    Set,
    Delete,
    Insert,
    Remove,
    Patch,
}

/// One step of a delta; which of the optional fields must be there depends on the operation.
#[derive(SpacetimeType, Clone, Debug, PartialEq, Eq)]
pub struct DeltaOperation {
    pub operation_type: DeltaOperationType,
    pub path: String,
    /// JSON text.
    pub value: Option<String>,
    pub index: Option<u32>,
    /// JSON text of an object.
    pub patch: Option<String>,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq, Eq)]
pub struct DeltaMetadata {
    pub description: String,
    pub author: Option<String>,
    pub tags: Vec<String>,
    pub parent_delta_id: Option<String>,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionStatus {
    Connected,
    Idle,
    Disconnecting,
    Disconnected,
}

/// Argument of `create_entities`.
#[derive(SpacetimeType, Clone, Debug)]
pub struct NewEntity {
    pub id: String,
    pub entity_type: String,
    pub metadata: EntityMetadata,
}

/// Argument of `create_relations`.
#[derive(SpacetimeType, Clone, Debug)]
pub struct NewRelation {
    pub id: String,
    pub from_entity: String,
    pub to_entity: String,
    pub relation_type: String,
    pub metadata: RelationMetadata,
}

/// Argument of `publish_events`.
#[derive(SpacetimeType, Clone, Debug)]
pub struct NewEvent {
    pub event_id: String,
    pub event_type: String,
    pub source: Option<String>,
    /// JSON text.
    pub data: String,
}

/// Argument of `apply_configuration`.
#[derive(SpacetimeType, Clone, Debug)]
pub struct ConfigEntry {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
}

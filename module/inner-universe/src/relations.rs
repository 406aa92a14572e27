//! Relations between entities.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::entities::require_entity;
use crate::json::Object;
use crate::permissions::{self, Action};
use crate::tables::{relation, Relation};
use crate::types::{NewRelation, RelationMetadata};
use crate::validation::{self, require_text};
use crate::{errors, events};

/// Both entities must exist. A repeated call with the same content succeeds without effect.
#[reducer]
pub fn create_relation(
    ctx: &ReducerContext,
    id: String,
    from_entity: String,
    to_entity: String,
    relation_type: String,
    metadata: RelationMetadata,
) -> Result<(), String> {
    create(ctx, NewRelation { id, from_entity, to_entity, relation_type, metadata })
}

/// Creates several relations in one transaction, all or none.
#[reducer]
pub fn create_relations(ctx: &ReducerContext, relations: Vec<NewRelation>) -> Result<(), String> {
    for (position, relation) in relations.into_iter().enumerate() {
        let id = relation.id.clone();
        create(ctx, relation).map_err(|reason| errors::in_batch(position, &id, &reason))?;
    }
    Ok(())
}

/// Replaces the metadata. Metadata that is the same already is a success without effect.
#[reducer]
pub fn update_relation(ctx: &ReducerContext, id: String, metadata: RelationMetadata) -> Result<(), String> {
    let stored = find(ctx, &id)?;
    permissions::require(ctx, Action::UpdateRelation, &stored.relation_type)?;
    validation::relation_metadata(&metadata)?;
    let changed = changed_fields(&stored.metadata, &metadata);
    if changed.is_empty() {
        return Ok(());
    }
    let data = Object::new()
        .texts("changed_fields", &changed)
        .raw("metadata", &metadata_json(&metadata))
        .text("relation_id", &id)
        .text("relation_type", &stored.relation_type)
        .end();
    ctx.db.relation().id().update(Relation { updated_at: ctx.timestamp, metadata, ..stored });
    events::record(ctx, "RELATION_UPDATED", Some(&id), data);
    Ok(())
}

#[reducer]
pub fn delete_relation(ctx: &ReducerContext, id: String) -> Result<(), String> {
    let stored = find(ctx, &id)?;
    delete(ctx, stored)
}

/// Deletes a stored relation, if the caller may.
pub fn delete(ctx: &ReducerContext, stored: Relation) -> Result<(), String> {
    permissions::require(ctx, Action::DeleteRelation, &stored.relation_type)?;
    ctx.db.relation().id().delete(&stored.id);
    let data = Object::new()
        .text("from_entity", &stored.from_entity)
        .text("relation_id", &stored.id)
        .text("relation_type", &stored.relation_type)
        .text("to_entity", &stored.to_entity)
        .end();
    events::record(ctx, "RELATION_DELETED", Some(&stored.id), data);
    Ok(())
}

/// The relations that name the entity at either end, each once.
pub fn of_entity(ctx: &ReducerContext, entity_id: &str) -> Vec<Relation> {
    let outgoing = ctx.db.relation().from_entity().filter(entity_id);
    let incoming = ctx.db.relation().to_entity().filter(entity_id).filter(|row| row.from_entity != entity_id);
    outgoing.chain(incoming).collect()
}

fn find(ctx: &ReducerContext, id: &str) -> Result<Relation, String> {
    ctx.db.relation().id().find(id.to_string()).ok_or_else(|| errors::not_found(errors::RELATION, id))
}

fn create(ctx: &ReducerContext, new: NewRelation) -> Result<(), String> {
    permissions::require(ctx, Action::CreateRelation, &new.relation_type)?;
    require_text("id", &new.id)?;
    require_text("from_entity", &new.from_entity)?;
    require_text("to_entity", &new.to_entity)?;
    require_text("relation_type", &new.relation_type)?;
    validation::relation_metadata(&new.metadata)?;
    if let Some(stored) = ctx.db.relation().id().find(&new.id) {
        let same = stored.from_entity == new.from_entity
            && stored.to_entity == new.to_entity
            && stored.relation_type == new.relation_type
            && stored.metadata == new.metadata;
        return if same { Ok(()) } else { Err(errors::other_content(errors::RELATION, &new.id)) };
    }
    require_entity(ctx, &new.from_entity)?;
    require_entity(ctx, &new.to_entity)?;
    let data = Object::new()
        .text("from_entity", &new.from_entity)
        .raw("metadata", &metadata_json(&new.metadata))
        .text("relation_id", &new.id)
        .text("relation_type", &new.relation_type)
        .text("to_entity", &new.to_entity)
        .end();
    let row = ctx.db.relation().insert(Relation {
        id: new.id,
        from_entity: new.from_entity,
        to_entity: new.to_entity,
        relation_type: new.relation_type,
        created_at: ctx.timestamp,
        updated_at: ctx.timestamp,
        metadata: new.metadata,
    });
    events::record(ctx, "RELATION_CREATED", Some(&row.id), data);
    Ok(())
}

fn changed_fields(old: &RelationMetadata, new: &RelationMetadata) -> Vec<&'static str> {
    let fields = [
        ("bidirectional", old.bidirectional != new.bidirectional),
        ("description", old.description != new.description),
        ("properties", old.properties != new.properties),
        ("strength", old.strength != new.strength),
        ("tags", old.tags != new.tags),
    ];
    fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

fn metadata_json(metadata: &RelationMetadata) -> String {
    Object::new()
        .flag("bidirectional", metadata.bidirectional)
        .optional("description", metadata.description.as_deref())
        .raw("properties", &metadata.properties)
        .float("strength", metadata.strength)
        .texts("tags", &metadata.tags)
        .end()
}

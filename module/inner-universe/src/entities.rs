//! Entities.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::json::Object;
use crate::permissions::{self, Action};
use crate::tables::{entity, Entity};
use crate::types::{EntityMetadata, NewEntity};
use crate::validation::{self, require_text};
use crate::{errors, events, relations};

/// A repeated call with the same content succeeds without effect; the same id with other content is an error.
#[reducer]
pub fn create_entity(
    ctx: &ReducerContext,
    id: String,
    entity_type: String,
    metadata: EntityMetadata,
) -> Result<(), String> {
    create(ctx, NewEntity { id, entity_type, metadata })
}

/// Creates several entities in one transaction, all or none.
#[reducer]
pub fn create_entities(ctx: &ReducerContext, entities: Vec<NewEntity>) -> Result<(), String> {
    for (position, entity) in entities.into_iter().enumerate() {
        let id = entity.id.clone();
        create(ctx, entity).map_err(|reason| errors::in_batch(position, &id, &reason))?;
    }
    Ok(())
}

/// Replaces the metadata. Metadata that is the same already is a success without effect.
#[reducer]
pub fn update_entity(ctx: &ReducerContext, id: String, metadata: EntityMetadata) -> Result<(), String> {
    let stored = find(ctx, &id)?;
    permissions::require(ctx, Action::UpdateEntity, &stored.entity_type)?;
    validation::entity_metadata(&metadata)?;
    let changed = changed_fields(&stored.metadata, &metadata);
    if changed.is_empty() {
        return Ok(());
    }
    let data = Object::new()
        .texts("changed_fields", &changed)
        .text("entity_id", &id)
        .text("entity_type", &stored.entity_type)
        .raw("metadata", &metadata_json(&metadata))
        .end();
    ctx.db.entity().id().update(Entity { updated_at: ctx.timestamp, metadata, ..stored });
    events::record(ctx, "ENTITY_UPDATED", Some(&id), data);
    Ok(())
}

/// Refused while relations name the entity, unless they are to be deleted with it.
#[reducer]
pub fn delete_entity(ctx: &ReducerContext, id: String, cascade: bool) -> Result<(), String> {
    let stored = find(ctx, &id)?;
    permissions::require(ctx, Action::DeleteEntity, &stored.entity_type)?;
    let attached = relations::of_entity(ctx, &id);
    if !attached.is_empty() && !cascade {
        return Err(errors::has_relations(&id, attached.len()));
    }
    for relation in attached {
        relations::delete(ctx, relation)?;
    }
    ctx.db.entity().id().delete(&id);
    let data = Object::new().text("entity_id", &id).text("entity_type", &stored.entity_type).end();
    events::record(ctx, "ENTITY_DELETED", Some(&id), data);
    Ok(())
}

pub fn require_entity(ctx: &ReducerContext, id: &str) -> Result<(), String> {
    find(ctx, id).map(|_| ())
}

fn find(ctx: &ReducerContext, id: &str) -> Result<Entity, String> {
    ctx.db.entity().id().find(id.to_string()).ok_or_else(|| errors::not_found(errors::ENTITY, id))
}

fn create(ctx: &ReducerContext, new: NewEntity) -> Result<(), String> {
    permissions::require(ctx, Action::CreateEntity, &new.entity_type)?;
    require_text("id", &new.id)?;
    require_text("entity_type", &new.entity_type)?;
    validation::entity_metadata(&new.metadata)?;
    if let Some(stored) = ctx.db.entity().id().find(&new.id) {
        let same = stored.entity_type == new.entity_type && stored.metadata == new.metadata;
        return if same { Ok(()) } else { Err(errors::other_content(errors::ENTITY, &new.id)) };
    }
    let data = Object::new()
        .text("entity_id", &new.id)
        .text("entity_type", &new.entity_type)
        .raw("metadata", &metadata_json(&new.metadata))
        .end();
    let row = ctx.db.entity().insert(Entity {
        id: new.id,
        entity_type: new.entity_type,
        created_at: ctx.timestamp,
        updated_at: ctx.timestamp,
        metadata: new.metadata,
    });
    events::record(ctx, "ENTITY_CREATED", Some(&row.id), data);
    Ok(())
}

fn changed_fields(old: &EntityMetadata, new: &EntityMetadata) -> Vec<&'static str> {
    let fields = [
        ("description", old.description != new.description),
        ("name", old.name != new.name),
        ("properties", old.properties != new.properties),
        ("tags", old.tags != new.tags),
    ];
    fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

fn metadata_json(metadata: &EntityMetadata) -> String {
    Object::new()
        .optional("description", metadata.description.as_deref())
        .optional("name", metadata.name.as_deref())
        .raw("properties", &metadata.properties)
        .texts("tags", &metadata.tags)
        .end()
}

//! Who may do what: the owner, admins, and grants by (identity or everybody, action, type).

use spacetimedb::{reducer, Identity, ReducerContext, Table};

use crate::json::Object;
use crate::tables::{admin, owner, permission, Admin, Permission};
use crate::validation::require_text;
use crate::{configuration, errors, events};

const ANY: &str = "*";

/// What a grant can name. Batch reducers check the action of their single form.
#[derive(Clone, Copy)]
pub enum Action {
    CreateEntity,
    UpdateEntity,
    DeleteEntity,
    CreateRelation,
    UpdateRelation,
    DeleteRelation,
    CommitStateVersion,
    RecordDelta,
    StoreStateSnapshot,
    PublishEvent,
    RecordMetric,
}

impl Action {
    const NAMES: [&'static str; 11] = [
        "create_entity",
        "update_entity",
        "delete_entity",
        "create_relation",
        "update_relation",
        "delete_relation",
        "commit_state_version",
        "record_delta",
        "store_state_snapshot",
        "publish_event",
        "record_metric",
    ];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Lets somebody (None: everybody) do an action (or "*") on a type (or "*"); for the owner and admins.
#[reducer]
pub fn grant_permission(
    ctx: &ReducerContext,
    grantee: Option<Identity>,
    action: String,
    entity_type: String,
) -> Result<(), String> {
    require_admin(ctx)?;
    check_grant(&action, &entity_type)?;
    let id = permission_id(grantee, &action, &entity_type);
    if ctx.db.permission().id().find(&id).is_some() {
        return Ok(());
    }
    events::record(ctx, "PERMISSION_GRANTED", Some(&id), permission_data(grantee, &action, &entity_type));
    let (granted_by, granted_at) = (ctx.sender, ctx.timestamp);
    ctx.db.permission().insert(Permission { id, grantee, action, entity_type, granted_by, granted_at });
    Ok(())
}

/// Takes back exactly one grant; for the owner and admins.
#[reducer]
pub fn revoke_permission(
    ctx: &ReducerContext,
    grantee: Option<Identity>,
    action: String,
    entity_type: String,
) -> Result<(), String> {
    require_admin(ctx)?;
    check_grant(&action, &entity_type)?;
    let id = permission_id(grantee, &action, &entity_type);
    if !ctx.db.permission().id().delete(&id) {
        return Err(errors::not_found(errors::PERMISSION, &id));
    }
    events::record(ctx, "PERMISSION_REVOKED", Some(&id), permission_data(grantee, &action, &entity_type));
    Ok(())
}

/// For the owner.
#[reducer]
pub fn grant_admin(ctx: &ReducerContext, identity: Identity) -> Result<(), String> {
    require_owner(ctx)?;
    if ctx.db.admin().identity().find(identity).is_some() {
        return Ok(());
    }
    ctx.db.admin().insert(Admin { identity, granted_by: ctx.sender, granted_at: ctx.timestamp });
    record_admin(ctx, "ADMIN_GRANTED", identity);
    Ok(())
}

/// For the owner.
#[reducer]
pub fn revoke_admin(ctx: &ReducerContext, identity: Identity) -> Result<(), String> {
    require_owner(ctx)?;
    if !ctx.db.admin().identity().delete(identity) {
        return Err(errors::not_found(errors::ADMIN, &identity.to_hex()));
    }
    record_admin(ctx, "ADMIN_REVOKED", identity);
    Ok(())
}

pub fn require_owner(ctx: &ReducerContext) -> Result<(), String> {
    if is_owner(ctx) {
        Ok(())
    } else {
        Err(errors::OWNER_REQUIRED.to_string())
    }
}

pub fn require_admin(ctx: &ReducerContext) -> Result<(), String> {
    if is_admin(ctx) {
        Ok(())
    } else {
        Err(errors::ADMIN_REQUIRED.to_string())
    }
}

/// The default is asked first: where it allows, a call costs one lookup, not four.
pub fn require(ctx: &ReducerContext, action: Action, entity_type: &str) -> Result<(), String> {
    let open = configuration::get(ctx, configuration::PERMISSION_DEFAULT).is_none_or(|value| value == "allow");
    if open || is_admin(ctx) || is_granted(ctx, action.name(), entity_type) {
        Ok(())
    } else {
        Err(errors::denied(action.name(), entity_type))
    }
}

fn is_owner(ctx: &ReducerContext) -> bool {
    ctx.db.owner().id().find(0).is_some_and(|row| row.identity == ctx.sender)
}

fn is_admin(ctx: &ReducerContext) -> bool {
    is_owner(ctx) || ctx.db.admin().identity().find(ctx.sender).is_some()
}

fn is_granted(ctx: &ReducerContext, action: &str, entity_type: &str) -> bool {
    [None, Some(ctx.sender)].into_iter().any(|grantee| {
        [ANY, action].into_iter().any(|action| {
            [ANY, entity_type]
                .into_iter()
                .any(|name| ctx.db.permission().id().find(permission_id(grantee, action, name)).is_some())
        })
    })
}

fn check_grant(action: &str, entity_type: &str) -> Result<(), String> {
    require_text("action", action)?;
    require_text("entity_type", entity_type)?;
    if action == ANY || Action::NAMES.contains(&action) {
        Ok(())
    } else {
        Err(errors::unknown_action(action, &Action::NAMES))
    }
}

/// Unambiguous without escapes: neither a grantee nor a known action contains the separator.
fn permission_id(grantee: Option<Identity>, action: &str, entity_type: &str) -> String {
    format!("{}|{action}|{entity_type}", grantee_text(grantee))
}

fn grantee_text(grantee: Option<Identity>) -> String {
    grantee.map_or_else(|| ANY.to_string(), |identity| identity.to_hex().to_string())
}

fn permission_data(grantee: Option<Identity>, action: &str, entity_type: &str) -> String {
    let grantee = grantee_text(grantee);
    Object::new().text("action", action).text("entity_type", entity_type).text("grantee", &grantee).end()
}

fn record_admin(ctx: &ReducerContext, event_type: &str, identity: Identity) {
    let hex = identity.to_hex();
    events::record(ctx, event_type, Some(&hex), Object::new().text("identity", &hex).end());
}

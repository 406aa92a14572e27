//! The event log: events that clients publish, and those that the module writes for every change.

use spacetimedb::{reducer, ReducerContext, Table};

use crate::configuration::is_on;
use crate::errors;
use crate::permissions::{self, Action};
use crate::tables::{event_log, EventLog};
use crate::types::NewEvent;
use crate::validation::{require_json, require_text};

pub const FEATURE_AUDIT_LOG: &str = "feature_enable_audit_log";

/// Appends an event. A repeated call with the same content succeeds without a second row.
#[reducer]
pub fn publish_event(
    ctx: &ReducerContext,
    event_id: String,
    event_type: String,
    source: Option<String>,
    data: String,
) -> Result<(), String> {
    publish(ctx, NewEvent { event_id, event_type, source, data })
}

/// Appends several events in one transaction, all or none.
#[reducer]
pub fn publish_events(ctx: &ReducerContext, events: Vec<NewEvent>) -> Result<(), String> {
    for (position, event) in events.into_iter().enumerate() {
        let id = event.event_id.clone();
        publish(ctx, event).map_err(|reason| errors::in_batch(position, &id, &reason))?;
    }
    Ok(())
}

fn publish(ctx: &ReducerContext, event: NewEvent) -> Result<(), String> {
    permissions::require(ctx, Action::PublishEvent, &event.event_type)?;
    require_text("event_id", &event.event_id)?;
    require_text("event_type", &event.event_type)?;
    require_json("data", &event.data)?;
    if let Some(stored) = ctx.db.event_log().event_id().find(&event.event_id) {
        let same = stored.event_type == event.event_type && stored.source == event.source && stored.data == event.data;
        return if same { Ok(()) } else { Err(errors::other_content(errors::EVENT, &event.event_id)) };
    }
    ctx.db.event_log().insert(EventLog {
        event_id: event.event_id,
        event_type: event.event_type,
        source: event.source,
        timestamp: ctx.timestamp,
        data: event.data,
    });
    Ok(())
}

/// Writes the event of a change in the transaction of that change, unless the audit log is switched off.
pub fn record(ctx: &ReducerContext, event_type: &str, source: Option<&str>, data: String) {
    if is_on(ctx, FEATURE_AUDIT_LOG) {
        append(ctx, event_type, source, data);
    }
}

/// Writes an event of the module whatever the flag says.
pub fn append(ctx: &ReducerContext, event_type: &str, source: Option<&str>, data: String) {
    let mut event = EventLog {
        event_id: new_event_id(ctx),
        event_type: event_type.to_string(),
        source: source.map(str::to_string),
        timestamp: ctx.timestamp,
        data,
    };
    while ctx.db.event_log().try_insert(event.clone()).is_err() {
        event.event_id = new_event_id(ctx);
    }
}

/// A UUID (version 4 in form). The generator is seeded by the time of the call alone, and two calls may have the same
/// time, so the number of events is mixed in.
fn new_event_id(ctx: &ReducerContext) -> String {
    const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let drawn: u128 = ctx.random();
    let bits = drawn ^ u128::from(ctx.db.event_log().count()).wrapping_mul(SPREAD);
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

//! Checks of arguments; what passes them can be stored.

use crate::errors;
use crate::json;
use crate::types::{DeltaOperation, DeltaOperationType, EntityMetadata, RelationMetadata};

pub fn require_text(field: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(errors::blank(field));
    }
    Ok(())
}

pub fn require_finite(field: &str, number: f64) -> Result<(), String> {
    if number.is_finite() {
        Ok(())
    } else {
        Err(errors::not_finite(field))
    }
}

pub fn require_json(field: &str, text: &str) -> Result<(), String> {
    json::check(text).map_err(|problem| errors::not_json(field, problem.reason, problem.at))
}

pub fn require_object(field: &str, text: &str) -> Result<(), String> {
    require_json(field, text)?;
    if json::is_object(text) {
        Ok(())
    } else {
        Err(errors::not_an_object(field))
    }
}

pub fn entity_metadata(metadata: &EntityMetadata) -> Result<(), String> {
    require_object("properties", &metadata.properties)
}

pub fn relation_metadata(metadata: &RelationMetadata) -> Result<(), String> {
    require_finite("strength", metadata.strength)?;
    require_object("properties", &metadata.properties)
}

pub fn operations(operations: &[DeltaOperation]) -> Result<(), String> {
    for (position, operation) in operations.iter().enumerate() {
        let (name, lacking) = match operation.operation_type {
            DeltaOperationType::Set => ("Set", operation.value.is_none().then_some("a value")),
            DeltaOperationType::Delete => ("Delete", None),
            DeltaOperationType::Insert => ("Insert", operation.value.is_none().then_some("a value")),
            DeltaOperationType::Remove => ("Remove", operation.index.is_none().then_some("an index")),
            DeltaOperationType::Patch => ("Patch", operation.patch.is_none().then_some("a patch")),
        };
        if let Some(field) = lacking {
            return Err(errors::operation_lacks(position, name, field));
        }
        if let Some(value) = &operation.value {
            require_json(&format!("operations[{position}].value"), value)?;
        }
        if let Some(patch) = &operation.patch {
            require_object(&format!("operations[{position}].patch"), patch)?;
        }
    }
    Ok(())
}

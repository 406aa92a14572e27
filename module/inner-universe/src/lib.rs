//! The SpacetimeDB module of Inner Universe.
//!
//! Tables and reducers for entities, relations, state versions, deltas and events. The schema is a contract with the
//! clients; `README.md` beside this crate lists every reducer, text and rule.

mod configuration;
mod entities;
mod errors;
mod events;
mod imports;
mod json;
mod lifecycle;
mod maintenance;
mod metrics;
mod permissions;
mod relations;
mod snapshots;
mod tables;
mod types;
mod validation;
mod versions;

//! The JSON Schemas (draft 2020-12) of what `json` and `run_json` write; `schemas/` holds the same, a test says so.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::json::PlanDocument;
use super::run_json::{RunDocument, StatusDocument};

/// The schema of `plan --format json`.
pub fn plan_schema() -> Value {
    schema_of::<PlanDocument>()
}

/// The schema of `apply --report json=FILE`.
pub fn report_schema() -> Value {
    schema_of::<RunDocument>()
}

/// The schema of `status --format json`.
pub fn status_schema() -> Value {
    schema_of::<StatusDocument>()
}

/// Of the written form: every key is there, null where there is nothing to say.
fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

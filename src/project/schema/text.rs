//! Texts that have a form of their own: how they look, so that an editor marks what `check` would refuse.

use schemars::JsonSchema;

/// A length of time: `"3 days"`, `"90 minutes"`, `"1 day 12 hours"`. Days have 24 hours; there is no month.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = r"^\s*(\d+\s*(weeks?|w|days?|d|hours?|h|minutes?|mins?|m|seconds?|secs?|s)\s*)+$"))]
#[schemars(extend("examples" = ["3 days", "90 minutes"]))]
pub(super) struct Length(#[expect(dead_code, reason = "the type is what matters")] String);

/// A part of everybody: `"10%"`, above 0% and below 100%.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = r"^\d{1,2}(\.\d{1,4})? *%$", "examples" = ["10%", "0.5%"]))]
pub(super) struct Share(#[expect(dead_code, reason = "the type is what matters")] String);

/// A name that is not empty.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = r"\S"))]
pub(super) struct Words(#[expect(dead_code, reason = "the type is what matters")] String);

/// The name of a folder in `templates/`: a-z, 0-9 and -.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = "^[a-z0-9-]{1,64}$", "examples" = ["welcome"]))]
pub(super) struct Id(#[expect(dead_code, reason = "the type is what matters")] String);

/// A path into an event or a person: `properties.plan`, `traits.country`, `context.ip`, `event.name`; items of lists by
/// number.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = "^((properties|traits|context)\\..+|event\\.name)$"))]
#[schemars(extend("examples" = ["properties.order_id"]))]
pub(super) struct Path(#[expect(dead_code, reason = "the type is what matters")] String);

/// A time with its offset from UTC: `"2026-03-02T10:00Z"`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("pattern" = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:?\d{2}.*([Zz]|[+-]\d{2}(:?\d{2})?)"))]
#[schemars(extend("examples" = ["2026-03-02T10:00Z"]))]
pub(super) struct Time(#[expect(dead_code, reason = "the type is what matters")] String);

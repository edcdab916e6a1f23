//! `where`: a table of path = test.

use super::text::Length;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// A table of paths and tests, which nests: `any`, `all` and `none` hold more of them.
pub(super) struct Where;

/// All paths, as a pattern of keys.
const PATHS: &str = r"^(properties|traits|context)\..+|^event\.name$";

impl JsonSchema for Where {
    fn schema_name() -> Cow<'static, str> {
        "Where".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let test = generator.subschema_for::<Test>();
        let did = generator.subschema_for::<Did>();
        let past = |words: &str| {
            let mut did = did.clone();
            did.insert("description".to_owned(), words.into());
            did
        };
        let list = generator.subschema_for::<Vec<Where>>();
        let group = |words: &str| {
            let mut list = list.clone();
            list.insert("description".to_owned(), words.into());
            list.insert("minItems".to_owned(), 1.into());
            list
        };
        json_schema!({
            "type": "object",
            "description": "Tests that must all hold, each a path in quotes and what is asked of it: \
                            { \"properties.plan\" = \"trial\", \"traits.seats\" = { gte = 10 } }. A path that is \
                            missing makes every test false, but `exists = false`, `not` and `not_in`.",
            "examples": [{ "properties.plan": "trial" }, { "traits.email": { "exists": true } }],
            "minProperties": 1,
            "properties": {
                "any": group("At least one of these tables holds."),
                "all": group("Each of these tables holds."),
                "none": group("None of these tables holds."),
                "did": past("The person did this: in [audience], [exit] and `if`."),
                "did_not": past("The person did not do this: in [audience], [exit] and `if`."),
            },
            "patternProperties": { PATHS: test },
            "additionalProperties": false,
        })
    }
}

/// What is asked of a path: a plain value (equal to it), or a table of tests that all hold.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the types are what matters")]
enum Test {
    Equal(Value),
    Operators(Box<Operators>),
}

/// A text, a number, true or false, or a list of these.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the types are what matters")]
pub(super) enum Value {
    Plain(Plain),
    List(#[schemars(length(min = 1))] Vec<Plain>),
}

/// A text, a number, or true or false.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("type" = ["string", "number", "boolean"]))]
pub(super) struct Plain(#[expect(dead_code, reason = "the type is what matters")] serde_json::Value);

/// A number, a date with its offset, or a date relative to now: `10`, `"2026-03-02T10:00:00Z"`, `"now - 7 days"`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("type" = ["number", "string"]))]
struct Bound(#[expect(dead_code, reason = "the type is what matters")] serde_json::Value);

/// Tests of one path that must all hold: `{ gte = 10, lt = 100 }`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
#[expect(dead_code, reason = "the types are what matters")]
struct Operators {
    /// Is another value, or is missing.
    #[schemars(example = &"free")]
    not: Option<Value>,
    /// Is greater: a number, a date, or `"now - 7 days"`.
    #[schemars(example = 10, example = &"now - 7 days")]
    gt: Option<Bound>,
    /// Is greater or equal: a number, a date, or `"now - 7 days"`.
    #[schemars(example = 10)]
    gte: Option<Bound>,
    /// Is less: a number, a date, or `"now - 7 days"`.
    #[schemars(example = 100)]
    lt: Option<Bound>,
    /// Is less or equal: a number, a date, or `"now - 7 days"`.
    #[schemars(example = 100)]
    lte: Option<Bound>,
    /// Is between the two, both included; the lower one first.
    #[schemars(length(equal = 2), example = [10, 100])]
    between: Option<Vec<Bound>>,
    /// Is one of these.
    #[schemars(length(min = 1), example = ["FR", "DE"])]
    r#in: Option<Vec<Value>>,
    /// Is none of these, or is missing.
    #[schemars(length(min = 1), example = ["FR", "DE"])]
    not_in: Option<Vec<Value>>,
    /// A text that has this in it, or a list that has it as a member.
    #[schemars(example = &"beta")]
    contains: Option<Value>,
    /// A text that begins so.
    #[schemars(example = &"pro-")]
    starts_with: Option<String>,
    /// A text that ends so.
    #[schemars(example = &"@acme.example")]
    ends_with: Option<String>,
    /// A text in which this regular expression is found, anywhere; at most 512 characters.
    #[schemars(length(max = 512), example = &"^(pro|team)$")]
    matches: Option<String>,
    /// Whether it is there at all.
    #[schemars(example = true)]
    exists: Option<bool>,
}

/// So many events of the person's past, the one that is judged included.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the types are what matters")]
struct Did {
    /// What they did.
    #[schemars(example = &"Report Exported")]
    event: super::text::Words,
    /// Only events that pass these tests count.
    r#where: Option<Where>,
    /// How often: a number, or a table of bounds. Default: once or more.
    count: Option<Times>,
    /// How far back, half-open. Default: since a rule asks for it.
    within: Option<Length>,
}

/// Exactly so often, or a table of bounds.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the types are what matters")]
enum Times {
    Exactly(#[schemars(range(max = 1000))] u32),
    Bounds(TimesBounds),
}

/// How often: `{ gte = 2 }`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
#[expect(dead_code, reason = "the types are what matters")]
struct TimesBounds {
    /// More often.
    #[schemars(range(max = 1000), example = 1)]
    gt: Option<u32>,
    /// So often or more.
    #[schemars(range(max = 1000), example = 2)]
    gte: Option<u32>,
    /// Less often.
    #[schemars(range(max = 1000), example = 5)]
    lt: Option<u32>,
    /// So often or less.
    #[schemars(range(max = 1000), example = 4)]
    lte: Option<u32>,
    /// Both included; the lower one first.
    #[schemars(length(equal = 2), example = [2, 4])]
    between: Option<Vec<u32>>,
}

/// Something that happens, and how long one waits for it.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the types are what matters")]
pub(super) struct Without {
    /// The event that must not happen.
    #[schemars(example = &"Project Created")]
    event: super::text::Words,
    /// Only events that pass these tests count.
    r#where: Option<Where>,
    /// Where the trigger's `key` stands in this event, if elsewhere.
    key: Option<super::text::Path>,
    /// How long to wait for it, the deadline included.
    within: Option<Length>,
}

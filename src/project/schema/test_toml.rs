//! Rule tests as they are written.
#![expect(dead_code, reason = "the types are what matters: the reader is `project::test_file`")]

use super::text::{Id, Time, Words};
use schemars::JsonSchema;
use serde_json::{Map, Value};

/// Tests of the rule of the same name: what happened, and what must follow. Run by `outreach test`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(title = "Rule tests")]
#[serde(deny_unknown_fields)]
pub(super) struct TestFile {
    /// A `[[test]]` each.
    test: Vec<Test>,
}

/// What is given, until when, and all that is to be decided.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Test {
    /// What it shows, as a sentence.
    #[schemars(example = &"three silent days bring one mail")]
    name: Words,
    /// What happened, a line an event, in order of `at`.
    given: Vec<Given>,
    /// The end of time. Default: when the last of `given` has come.
    until: Option<Time>,
    /// The arm of a holdout that everybody is in. Default: `"send"`.
    #[schemars(extend("default" = "send"))]
    arm: Option<Arm>,
    /// All decisions that follow, in order; `[]` expects silence.
    expect: Vec<Expected>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Arm {
    /// Messages are sent.
    Send,
    /// Nobody gets anything, as in the arm that is compared.
    Holdout,
}

/// One event: when, who, and what: `{ at = …, user = "ada", track = "Signed Up", properties = { plan = "trial" } }`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Given {
    /// When it happened.
    at: Time,
    /// When it came, if later.
    arrives: Option<Time>,
    /// This user is told about: put `traits` beside it.
    #[schemars(example = &"ada")]
    identify: Option<Identifier>,
    /// The event of this name happens.
    #[schemars(example = &"Signed Up")]
    track: Option<String>,
    /// The page of this name is seen: the event `Page Viewed`.
    #[schemars(example = &"Pricing")]
    page: Option<String>,
    /// The screen of this name is seen: the event `Screen Viewed`.
    #[schemars(example = &"Home")]
    screen: Option<String>,
    /// The user belongs to this group.
    #[schemars(example = &"acme")]
    group: Option<Identifier>,
    /// This user was known as `previous` before.
    #[schemars(example = &"ada")]
    alias: Option<Identifier>,
    /// Who does it: the user's id.
    #[schemars(example = &"ada")]
    user: Option<Identifier>,
    /// Who does it, before they are known.
    #[schemars(example = &"visitor-7")]
    anonymous: Option<Identifier>,
    /// With `alias`: the id of before.
    #[schemars(example = &"visitor-7")]
    previous: Option<Identifier>,
    /// The message's id: one that comes twice counts once. Default: one of its own.
    #[schemars(example = &"m-1")]
    id: Option<String>,
    /// Of a page or a screen.
    #[schemars(example = &"Docs")]
    category: Option<String>,
    /// What is known of the person (or group).
    #[schemars(example = serde_json::json!({ "email": "ada@example.com" }))]
    traits: Option<Map<String, Value>>,
    /// What the event says.
    #[schemars(example = serde_json::json!({ "plan": "trial" }))]
    properties: Option<Map<String, Value>>,
    /// Where it comes from.
    #[schemars(example = serde_json::json!({ "timezone": "Europe/Paris" }))]
    context: Option<Map<String, Value>>,
}

/// An id: a text, or a number.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(extend("type" = ["string", "number"]))]
struct Identifier(Value);

/// One decision. What a line does not say may be anything, but the verdict, which is to send.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// When the message is due.
    at: Time,
    /// About whom: the user's id.
    #[schemars(example = &"ada")]
    user: Option<Words>,
    /// About whom, before they are known.
    #[schemars(example = &"visitor-7")]
    anonymous: Option<Words>,
    /// The template of a mail.
    email: Option<Id>,
    /// The template of a message in the product.
    in_product: Option<Id>,
    /// The step's name.
    #[schemars(example = &"reminder")]
    step: Option<Words>,
    /// The value of the trigger's `key`.
    #[schemars(example = &"order-7")]
    key: Option<Words>,
    /// What is decided. Default: `"send"`; with `reason`, `"refuse"`.
    verdict: Option<Verdict>,
    /// Why it is refused.
    reason: Option<Reason>,
    /// When the trigger's event happened.
    triggered_at: Option<Time>,
    /// When it is judged, if later than `at`: after quiet hours, say.
    judged_at: Option<Time>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Send,
    Refuse,
    Shadow,
    Holdout,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "kebab-case")]
enum Reason {
    /// Judged too long after it was due.
    Late,
    /// The person did what `[exit]` names.
    Exit,
    /// They are no longer in the audience.
    Audience,
    /// The address bounced, complained, or wants nothing.
    Suppressed,
    /// They opted out of the topic.
    TopicOptOut,
    /// No address is known.
    NoAddress,
    /// Another rule's journey mutes this one.
    Muted,
    /// As many messages as the caps allow.
    Cap,
}

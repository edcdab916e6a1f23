//! A rule as it is written.
#![expect(dead_code, reason = "the types are what matters: the reader is `outreach_engine::rule::parse`")]

use super::condition::{Value, Where, Without};
use super::text::{Id, Length, Path, Share, Words};
use schemars::JsonSchema;

/// A rule: who hears from you, when, and what. The file's name is its id. Keys of the top stand above the first `[table]`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(title = "Rule")]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    /// What people call the rule.
    #[schemars(example = &"Stalled onboarding")]
    name: Words,
    /// What it is for, in a sentence. Default: nothing.
    #[schemars(example = &"Started a trial and made no project within three days.")]
    description: Option<String>,
    /// The team that answers for it. Default: nobody.
    #[schemars(example = &"growth")]
    owner: Option<Words>,
    /// What a recipient can opt out of: a topic of outreach.toml. Needed where mail is sent; a step may say its own.
    #[schemars(example = &"onboarding")]
    topic: Option<Words>,
    /// Whether it is at work. Default: `"live"`.
    #[schemars(extend("default" = "live"))]
    status: Option<Status>,
    /// Words to find it by, and for the `mutes` of other rules. Default: none.
    #[schemars(example = ["activation"])]
    tags: Option<Vec<Words>>,
    /// Of one person's messages that are due together, the higher goes first. Default: 0.
    #[schemars(extend("default" = 0), example = 100)]
    priority: Option<i64>,
    /// Whether events from public keys, which anybody can send, may set it off. Default: false.
    #[schemars(extend("default" = false), example = true)]
    unproven: Option<bool>,
    /// The id that the rule had before it was renamed: it takes over whom that one has inside, and who entered it.
    #[schemars(example = &"stalled-signup")]
    formerly: Option<Id>,
    /// What becomes of those inside when the rule changes. Default: `"keep"`.
    #[schemars(extend("default" = "keep"))]
    on_change: Option<OnChange>,
    trigger: Trigger,
    audience: Option<Audience>,
    exit: Option<Exit>,
    limits: Option<Limits>,
    goal: Option<Goal>,
    expect: Option<Expect>,
    /// What follows, in order: a `[[step]]` each.
    #[schemars(length(min = 1))]
    step: Vec<Step>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It decides and sends.
    Live,
    /// It decides and records, and sends nothing.
    Shadow,
    /// It does nothing, and who is inside leaves.
    Off,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum OnChange {
    /// They finish by the rule as it was when they entered.
    Keep,
    /// They go on by the rule as it is now, from the step of the same name.
    Follow,
    /// They leave.
    Leave,
}

/// How much is expected of it: above it messages are held for approval, below it is an alarm.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Expect {
    per_day: PerDay,
}

/// Messages a day.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
struct PerDay {
    /// Fewer are an alarm.
    #[schemars(example = 5)]
    min: Option<u32>,
    /// More are held for approval.
    #[schemars(range(min = 1), example = 400)]
    max: Option<u32>,
}

/// What sets the rule off: one form. An event alone; with `count`, so many of it within a time; with `without`, the event and
/// then not another one within a time. Several events in order. A person who did nothing for so long, or who enters or leaves a segment.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "dependentRequired" = { "count": ["within"], "sequence": ["within"], "repeat": ["without"], "events": ["inactive_for"], "or_never": ["inactive_for"] },
    "oneOf" = [{ "required": ["event"] }, { "required": ["sequence"] }, { "required": ["inactive_for"] }, { "required": ["enters"] }, { "required": ["leaves"] }],
))]
struct Trigger {
    /// The event that a person does, by its name.
    #[schemars(example = &"Signed Up")]
    event: Option<Words>,
    /// Events in this order, others between allowed; the first at most `within` before the last.
    #[schemars(length(min = 2, max = 16), example = serde_json::json!(["Cart Viewed", "Checkout Started"]))]
    sequence: Option<Vec<SequenceStep>>,
    /// Nothing done for so long since the last time: no track, page or screen.
    #[schemars(example = &"14 days")]
    inactive_for: Option<Length>,
    /// With `inactive_for`: only these events are something done.
    #[schemars(length(min = 1, max = 100), example = ["Session Started"])]
    events: Option<Vec<Words>>,
    /// With `inactive_for`: who never did any of it is counted from their first record. Default: false.
    #[schemars(extend("default" = false), example = true)]
    or_never: Option<bool>,
    /// These tests of the person's traits turn from false to true, by a record.
    enters: Option<Where>,
    /// These tests of the person's traits turn from true to false, by a record.
    leaves: Option<Where>,
    /// Also those for whom it holds already when the rule is released. Default: false.
    #[schemars(extend("default" = false), example = true)]
    backfill: Option<bool>,
    /// Only events that pass these tests count.
    r#where: Option<Where>,
    /// So many of the event within any window as long as `within` set the rule off; then it counts anew.
    #[schemars(range(min = 1, max = 1000), example = 3)]
    count: Option<u32>,
    /// With `count` and `sequence`: their window. Else: how long to wait for `without`, the deadline included.
    within: Option<Length>,
    /// The event that must not happen after the first: its name, or `{ event = …, where = …, within = … }`, which is the form
    /// beside `count` and `sequence`.
    #[schemars(example = &"Project Created")]
    without: Option<WithoutForm>,
    /// What another first event does to a pending wait: `"restart"` begins it anew. Default: nothing.
    repeat: Option<Repeat>,
    /// Each value at this path is a case of its own: waits, counts, exits and `once_per` are kept per person and value.
    key: Option<Path>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(untagged)]
enum SequenceStep {
    Name(Words),
    Long(StepEvent),
}

/// A step of a sequence.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct StepEvent {
    /// The event, by its name.
    #[schemars(example = &"Cart Viewed")]
    event: Words,
    /// Only events that pass these tests are this step.
    r#where: Option<Where>,
    /// Where the trigger's `key` stands in this event, if elsewhere.
    key: Option<Path>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(untagged)]
enum WithoutForm {
    Name(Words),
    Long(Without),
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Repeat {
    /// The wait begins anew.
    Restart,
}

/// Who: asked when the trigger holds, and again when each message is judged.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Audience {
    r#where: Where,
}

/// The journey ends at once when this happens: an event, or tests of the person's traits, or `any` of several.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
struct Exit {
    /// The event that ends it.
    #[schemars(example = &"Project Created")]
    event: Option<Words>,
    /// With `event`: only events that pass these tests. Alone: traits of the person.
    r#where: Option<Where>,
    /// Where the trigger's `key` stands in this event, if elsewhere.
    key: Option<Path>,
    /// Several exits, each an `event`, a `where`, or both.
    #[schemars(length(min = 1), example = serde_json::json!([{ "event": "Project Created" }]))]
    any: Option<Vec<OneExit>>,
}

/// One of several exits.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
struct OneExit {
    /// The event that ends the journey.
    #[schemars(example = &"Project Created")]
    event: Option<Words>,
    /// With `event`: only events that pass these tests. Alone: traits of the person.
    r#where: Option<Where>,
    /// Where the trigger's `key` stands in this event, if elsewhere.
    key: Option<Path>,
}

/// How often, and how late.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Limits {
    /// From entry to entry of one person (and key): a length, `"calendar day"` or `"always"`. Default: once, ever.
    #[schemars(example = &"30 days", example = &"calendar day", example = &"always")]
    once_per: Option<String>,
    /// A message judged longer after it was due is skipped. Default: 1 day.
    #[schemars(extend("default" = "1 day"))]
    late: Option<Length>,
    /// An absence is judged so long after its deadline, for events on their way; at most an hour. Default: 1 minute.
    #[schemars(extend("default" = "1 minute"), example = &"5 minutes")]
    grace: Option<Length>,
    /// More messages in an hour are held for approval.
    #[schemars(range(min = 1), example = 500)]
    max_per_hour: Option<u32>,
    mutes: Option<Mutes>,
}

/// Other rules with one of these tags are refused for a person while this rule's journey runs, and for a time after.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct Mutes {
    /// Tags of other rules.
    #[schemars(length(min = 1), example = ["upsell"])]
    tags: Vec<Words>,
    /// So long after its last message.
    r#for: Length,
}

/// Did it help? Counted by a later version, but for `holdout`.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
#[schemars(extend("dependentRequired" = { "within": ["event"], "where": ["event"], "key": ["event"] }))]
struct Goal {
    /// The event that is hoped for.
    #[schemars(example = &"Project Created")]
    event: Option<Words>,
    /// Only events that pass these tests count.
    r#where: Option<Where>,
    /// Where the trigger's `key` stands in this event, if elsewhere.
    key: Option<Path>,
    /// How soon after the entry, the deadline included.
    within: Option<Length>,
    /// So many get nothing, and are compared with the others.
    holdout: Option<Share>,
}

/// One step: a mail, a message in the product, a wait, or a way that some go and some do not.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [
        { "required": ["email"] },
        { "required": ["in_product"] },
        { "required": ["wait"] },
        { "required": ["wait_until"] },
        { "required": ["wait_for"] },
        { "required": ["if"] },
        { "required": ["split"] },
        { "required": ["set"] },
        { "required": ["exit"] },
    ],
    "dependentSchemas" = {
        "if": { "anyOf": [{ "required": ["then"] }, { "required": ["else"] }] },
        "then": { "anyOf": [{ "required": ["if"] }, { "required": ["wait_until"] }] },
        "else": { "anyOf": [{ "required": ["if"] }, { "required": ["wait_until"] }] },
    },
))]
struct Step {
    /// Unique in the rule. Default: the template's name or the step's kind, with a number when it comes again.
    #[schemars(example = &"reminder")]
    name: Option<Words>,
    /// Sends this template as a mail.
    email: Option<Id>,
    /// Shows this template in the product.
    in_product: Option<Id>,
    /// Waits so long, from the outcome of the step before.
    wait: Option<Length>,
    /// Waits for an event, at most so long: `then` follows where it comes in time, else `else`.
    #[schemars(example = serde_json::json!({ "event": "Project Created", "timeout": "5 days" }))]
    wait_until: Option<WaitUntil>,
    /// Waits for a time of the day where the person is, or for business hours (Monday to Friday, 09:00 to 17:00).
    #[schemars(example = &"09:00", example = &"business-hours")]
    wait_for: Option<String>,
    /// Tests that are asked when the step is reached: `then` follows if all hold, else `else`. `properties.` are those of
    /// the event that set the rule off.
    r#if: Option<Where>,
    /// Beside `if`: the steps that follow where it holds; beside `wait_until`, where the event came in time.
    then: Option<Vec<Step>>,
    /// Beside `if`: the steps that follow where it does not hold; beside `wait_until`, where the event did not come.
    r#else: Option<Vec<Step>>,
    /// Parts people by chance, each always in the same way.
    #[schemars(length(min = 2))]
    split: Option<Vec<SplitPart>>,
    /// Writes traits of the person: `{ "stage" = "trial" }` sets `traits.outreach.stage`.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 16))]
    #[schemars(example = serde_json::json!({ "stage": "trial" }))]
    set: Option<std::collections::BTreeMap<String, Value>>,
    /// Here the journey ends.
    #[schemars(extend("const" = true), example = true)]
    exit: Option<bool>,
    /// What a recipient can opt out of. Default: the rule's.
    #[schemars(example = &"onboarding")]
    topic: Option<Words>,
    /// So long after it is due it may still leave. Default: the `late` of `[limits]`.
    expires: Option<Length>,
    /// What happens where a cap is reached. Default: `"skip"`.
    #[schemars(extend("default" = "skip"))]
    on_cap: Option<OnCap>,
    /// Passes caps, quiet hours and opt-outs of the topic. Only rules that outreach.toml lists may say it. Default: false.
    #[schemars(extend("default" = false), example = true)]
    transactional: Option<bool>,
}

/// The event, and how long one waits for it.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct WaitUntil {
    /// The event that is waited for.
    #[schemars(example = &"Project Created")]
    event: Words,
    /// Only events that pass these tests count.
    r#where: Option<Where>,
    /// Where the trigger's `key` stands in this event, if elsewhere.
    key: Option<Path>,
    /// How long at most, from the outcome of the step before; the event may still come at exactly that time.
    #[schemars(example = &"5 days")]
    timeout: Length,
}

/// So many of all, and what they get.
#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(deny_unknown_fields)]
struct SplitPart {
    /// Its share of the sum of all weights.
    #[schemars(range(min = 1, max = 1_000_000), example = 50)]
    weight: u32,
    /// What they get: `[]` is nothing.
    steps: Vec<Step>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum OnCap {
    /// The message is not sent.
    Skip,
    /// It waits until the cap lets it, at most until it expires.
    Wait,
}

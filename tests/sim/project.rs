//! The project that every run is about, in versions: as its folder stands at the beginning, and as a team may change it.

use crate::time::DAY;
use outreach::app::releases::{Built, build};
use outreach::ledger::StoredRelease;
use outreach::project::{ReleaseParts, from_bundle};
use outreach_engine::release::QuietHours;
use outreach_engine::{Length, Release};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

pub const QUIET: QuietHours = QuietHours { from: 21 * 60, until: 8 * 60 };
/// How many in how long.
pub const CAPS: [(usize, i64); 2] = [(1, DAY), (3, 7 * DAY)];
/// What one can unsubscribe from.
pub const TOPICS: [&str; 2] = ["onboarding", "reports"];
/// The longest that a message may be on its way: nothing is left to do so long after the last event.
pub const DRAIN: Length = Length::days(7);

/// What a version has changed: any of these together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u8);

/// Later steps of a rule, and what a template says. Who enters, and with what first step, stays.
const EDITED: u8 = 1;
/// Rules that are switched off.
const OFF: u8 = 2;
/// A rule more.
const MORE: u8 = 4;
/// A rule that is left out.
const LEFT_OUT: u8 = 8;
pub const VERSIONS: u8 = 16;

const RULES_OFF: [&str; 2] = ["gone-quiet", "checklist"];
const RULE_MORE: &str = "made";
const RULE_LEFT_OUT: &str = "stalled";
/// Every rule's name, for operators.
pub const RULES: [&str; 8] =
    ["two-tips", "third-failure", "stalled", "gone-quiet", "exported", "receipt", "checklist", "made"];

const SETTINGS: &str = r#"
timezone = "Europe/Paris"
quiet_hours = "21:00-08:00"
holdout = "5%"
transactional_rules = ["receipt", "third-failure"]
[caps]
email = ["1 per day", "3 per 7 days"]
[topics]
billing = { name = "billing" }
onboarding = { name = "onboarding" }
reports = { name = "reports" }
"#;

/// Rules whose first step is due at a time that no fault moves: all of them; what waits comes later.
fn rule(id: &str, version: Version) -> &'static str {
    match id {
        "two-tips" if version.has(EDITED) => TWO_TIPS_EDITED,
        "two-tips" => TWO_TIPS,
        "third-failure" => THIRD_FAILURE,
        "stalled" => STALLED,
        "gone-quiet" => GONE_QUIET,
        "exported" => {
            r#"name = "Exported"
            topic = "reports"
            [trigger]
            event = "Report Exported"
            key = "properties.report"
            [goal]
            holdout = "20%"
            [limits]
            once_per = "always"
            [[step]]
            email = "report""#
        }
        "receipt" => {
            r#"name = "Receipt"
            topic = "billing"
            [trigger]
            event = "Paid"
            [limits]
            once_per = "always"
            late = "5 days"
            [[step]]
            email = "receipt"
            transactional = true"#
        }
        "checklist" => CHECKLIST,
        "made" => {
            r#"name = "Made"
            topic = "reports"
            [trigger]
            event = "Project Created"
            [limits]
            once_per = "6 hours"
            [[step]]
            in_product = "note"
            [[step]]
            wait = "3 hours"
            [[step]]
            email = "report""#
        }
        other => unreachable!("no rule {other}"),
    }
}

const THIRD_FAILURE: &str = r#"name = "Third failure"
            topic = "billing"
            priority = 100
            [trigger]
            event = "Payment Failed"
            count = 3
            within = "1 day"
            [limits]
            once_per = "2 days"
            late = "5 days"
            [[step]]
            email = "failure"
            transactional = true"#;

const STALLED: &str = r#"name = "Stalled"
            topic = "onboarding"
            [trigger]
            event = "Trial Started"
            where = { "properties.plan" = "trial" }
            without = "Project Created"
            within = "4 hours"
            [audience]
            where = { "traits.email" = { exists = true } }
            [exit]
            event = "Project Created"
            [limits]
            once_per = "always"
            [[step]]
            email = "tip""#;

const TWO_TIPS: &str = r#"name = "Two tips"
topic = "onboarding"
[trigger]
event = "Signed Up"
[exit]
event = "Project Created"
[limits]
once_per = "always"
[[step]]
email = "tip"
[[step]]
wait = "26 hours"
[[step]]
email = "second-tip"
on_cap = "wait""#;

const TWO_TIPS_EDITED: &str = r#"name = "Two tips, sooner"
topic = "onboarding"
[trigger]
event = "Signed Up"
[exit]
event = "Project Created"
[limits]
once_per = "always"
[[step]]
email = "tip"
[[step]]
wait = "2 hours"
[[step]]
in_product = "note"
[[step]]
email = "report"
on_cap = "wait""#;

const GONE_QUIET: &str = r#"name = "Gone quiet"
topic = "reports"
[trigger]
event = "Report Viewed"
without = "Report Viewed"
within = "6 hours"
repeat = "restart"
[limits]
once_per = "always"
[[step]]
email = "report"
on_cap = "wait""#;

const CHECKLIST: &str = r#"name = "Checklist"
topic = "onboarding"
[trigger]
event = "Trial Started"
[exit]
event = "Project Created"
[limits]
once_per = "always"
[[step]]
in_product = "note"
[[step]]
wait = "5 hours"
[[step]]
in_product = "reminder"
[[step]]
email = "second-tip""#;

/// Every version's parts, read once.
static PARTS: LazyLock<Vec<ReleaseParts>> =
    LazyLock::new(|| (0..VERSIONS).map(|version| read(Version(version))).collect());

impl Version {
    fn has(self, change: u8) -> bool {
        self.0 & change != 0
    }

    /// The folder, as the service reads it.
    pub fn parts(self) -> &'static ReleaseParts {
        &PARTS[usize::from(self.0)]
    }

    /// Rules that it has and that are switched off.
    pub fn rules_off(self) -> &'static [&'static str] {
        if self.has(OFF) { &RULES_OFF } else { &[] }
    }

    /// Rules whose entries depend on when a shard reads of this version.
    pub fn rules_that_come_and_go(self) -> Vec<&'static str> {
        let more = [(MORE, RULE_MORE), (LEFT_OUT, RULE_LEFT_OUT)];
        let more = more.into_iter().filter(|(change, _)| self.has(*change)).map(|(_, rule)| rule);
        self.rules_off().iter().copied().chain(more).collect()
    }
}

fn read(version: Version) -> ReleaseParts {
    let mut files: BTreeMap<String, String> = [("outreach.toml".to_owned(), SETTINGS.to_owned())].into();
    for id in RULES {
        let is_there = match id {
            RULE_MORE => version.has(MORE),
            RULE_LEFT_OUT => !version.has(LEFT_OUT),
            _ => true,
        };
        if is_there {
            let off = if version.rules_off().contains(&id) { "status = \"off\"\n" } else { "" };
            files.insert(format!("rules/{id}.toml"), format!("{off}{}", rule(id, version)));
        }
    }
    let words = if version.has(EDITED) { "News for" } else { "For" };
    for name in ["tip", "second-tip", "failure", "report", "receipt"] {
        let mut put = |file: &str, text: &str| {
            files.insert(format!("templates/{name}/{file}"), text.to_owned());
        };
        put("subject.hbs", &format!("{words} {{{{default traits.name \"you\"}}}}"));
        put("body.html", "<p>Hello</p><p>{{sender.address}} <a href=\"{{unsubscribe_url}}\">off</a></p>");
        put("text.hbs", "Hello. {{sender.address}} {{unsubscribe_url}}");
        put("sample.json", r#"{ "traits": { "name": "Ada" } }"#);
    }
    for name in ["note", "reminder"] {
        let text =
            format!("title = \"{words} {{{{default traits.name \\\"you\\\"}}}}\"\nbody = \"{name}\"\n");
        files.insert(format!("templates/{name}/in_product.toml"), text);
        files.insert(format!("templates/{name}/sample.json"), r#"{ "traits": { "name": "Ada" } }"#.into());
    }
    let bundle = serde_json::to_vec(&files).expect("texts by text are JSON");
    let (_, parts) = from_bundle(&bundle).unwrap_or_else(|error| panic!("{version:?}: {error:#?}"));
    parts
}

/// What the service makes of a stored release; the same bytes are compiled once for all runs, which is most of what a
/// start costs.
pub fn compile(stored: &StoredRelease) -> Result<Built, String> {
    static KNOWN: Mutex<BTreeMap<String, Built>> = Mutex::new(BTreeMap::new());
    if let Some(built) = KNOWN.lock().expect("no panic while held").get(&stored.id) {
        return Ok(built.clone());
    }
    let built = build(stored)?;
    KNOWN.lock().expect("no panic while held").insert(stored.id.clone(), built.clone());
    Ok(built)
}

/// The words with which a release's templates begin: they tell by which one a message was written.
pub fn words(release: &Release) -> &'static str {
    let is_edited = release.rule("two-tips").is_some_and(|compiled| compiled.rule.name.contains("sooner"));
    if is_edited { "News for" } else { "For" }
}

/// The step whose row stands for the entry: the first message of each rule.
pub fn first_steps() -> BTreeMap<Arc<str>, Arc<str>> {
    let all = (0..VERSIONS).flat_map(|version| &Version(version).parts().rules);
    all.map(|rule| (rule.id.clone(), rule.steps[0].name.clone())).collect()
}

/// Rules that are set off by one event alone.
pub fn set_off_by_one_event() -> BTreeSet<&'static str> {
    ["two-tips", "exported", "receipt", "checklist", "made"].into()
}

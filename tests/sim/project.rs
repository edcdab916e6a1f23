//! The rules, settings and templates that every run is about.

use outreach::template::Templates;
use outreach_engine::effect::Channel;
use outreach_engine::release::{Cap, Caps, QuietHours, Settings, Topic, Window};
use outreach_engine::rule::{Known, Share, parse};
use outreach_engine::{Length, Release};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub const RELEASE: &str = "release-1";
pub const QUIET: QuietHours = QuietHours { from: 21 * 60, until: 8 * 60 };
/// How many in how long.
pub const CAPS: [(usize, i64); 2] = [(1, crate::time::DAY), (3, 7 * crate::time::DAY)];
/// What one can unsubscribe from.
pub const TOPICS: [&str; 2] = ["onboarding", "reports"];

/// Rules whose first step is due at a time that no fault moves: all of them; what waits comes later.
const RULES: [(&str, &str); 6] = [
    (
        "two-tips",
        r#"name = "Two tips"
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
        on_cap = "wait""#,
    ),
    (
        "third-failure",
        r#"name = "Third failure"
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
        transactional = true"#,
    ),
    (
        "stalled",
        r#"name = "Stalled"
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
        email = "tip""#,
    ),
    (
        "gone-quiet",
        r#"name = "Gone quiet"
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
        on_cap = "wait""#,
    ),
    (
        "exported",
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
        email = "report""#,
    ),
    (
        "receipt",
        r#"name = "Receipt"
        topic = "billing"
        [trigger]
        event = "Paid"
        [limits]
        once_per = "always"
        late = "5 days"
        [[step]]
        email = "receipt"
        transactional = true"#,
    ),
];

fn settings() -> Settings {
    let caps = CAPS.map(|(count, window)| Cap {
        count: count as u32,
        window: Window::Rolling(crate::time::length(window)),
    });
    let names = ["billing"].into_iter().chain(TOPICS);
    Settings {
        timezone: "Europe/Paris".into(),
        quiet_hours: Some(QUIET),
        holdout: Some(Share(50_000)),
        caps: Caps { by_channel: [(Channel::Email, caps.to_vec())].into(), all: Vec::new() },
        topics: names.map(|name| (Arc::from(name), Topic { name: name.into() })).collect(),
        transactional_rules: vec!["third-failure".into(), "receipt".into()],
        hash_seed: 7,
    }
}

/// The release, compiled.
pub fn release() -> Release {
    let settings = settings();
    let known = Known::of(&settings);
    let rules = RULES
        .iter()
        .map(|(id, text)| match parse(id, &format!("rules/{id}.toml"), text, &known) {
            Ok((rule, _)) => rule,
            Err(problems) => panic!("{id}: {problems:?}"),
        })
        .collect();
    let reads: BTreeMap<String, BTreeSet<String>> =
        templates().iter().map(|template| (template.name().to_owned(), template.reads().clone())).collect();
    Release::new(RELEASE, settings, rules, &reads)
}

/// The templates of the release.
pub fn templates() -> Templates {
    let mut files = BTreeMap::new();
    for name in ["tip", "second-tip", "failure", "report", "receipt"] {
        let mut put = |file: &str, text: &str| {
            files.insert(format!("templates/{name}/{file}"), text.to_owned());
        };
        put("subject.hbs", "For {{default traits.name \"you\"}}");
        put("body.html", "<p>Hello</p><p>{{sender.address}} <a href=\"{{unsubscribe_url}}\">off</a></p>");
        put("text.hbs", "Hello. {{sender.address}} {{unsubscribe_url}}");
        put("sample.json", r#"{ "traits": { "name": "Ada" } }"#);
    }
    let (templates, problems) = Templates::load(&files);
    assert!(problems.is_empty(), "{problems:?}");
    templates
}

/// The step whose row stands for the entry: the first message of each rule.
pub fn first_steps(release: &Release) -> BTreeMap<Arc<str>, Arc<str>> {
    release.rules().map(|compiled| (compiled.rule.id.clone(), compiled.rule.steps[0].name.clone())).collect()
}

/// The longest that a message may be on its way: nothing is left to do so long after the last event.
pub const DRAIN: Length = Length::days(7);

//! What people of the sample product do, as the events that it sends.

use super::scribe::{Actor, Scribe};
use outreach_engine::{Length, Timestamp};
use serde_json::{Value, json};

/// Something that somebody does, or that happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    SignsUp,
    Verifies,
    ComesBack,
    MakesProject(&'static str),
    Invites,
    PaymentFails(u32),
    Pays(u32),
    Subscribes,
    /// By the link of their newest mail, as a mail program does it.
    Unsubscribes,
}

pub(super) const PROJECTS: [&str; 12] = [
    "Website",
    "Spring catalogue",
    "Hiring plan",
    "Kitchen move",
    "Field study",
    "Budget 2027",
    "Choir tour",
    "App 2.0",
    "Garden",
    "Annual report",
    "Podcast",
    "Onboarding",
];
pub(super) const PRICES: [u32; 4] = [19, 49, 99, 240];
const TRIAL: Length = Length::days(14);

impl Act {
    /// The events of it; none for what is no event.
    pub fn events(self, actor: &Actor, at: Timestamp, scribe: &mut Scribe) -> Vec<Value> {
        let payment = |price: u32| json!({ "amount": price, "currency": "EUR", "card_last4": "4242" });
        let (event, properties) = match self {
            Act::SignsUp => {
                let ends = (at + TRIAL).to_jiff().strftime("%Y-%m-%d").to_string();
                return vec![
                    scribe.identify(actor, at),
                    scribe.track(actor, at, "Signed Up", json!({ "plan": "trial" })),
                    scribe.track(actor, at, "Trial Started", json!({ "trial_end_date": ends })),
                ];
            }
            Act::Verifies => ("Email Verified", json!({})),
            Act::ComesBack => ("Session Started", json!({})),
            Act::MakesProject(name) => ("Project Created", json!({ "name": name })),
            Act::Invites => ("Colleague Invited", json!({ "role": "editor" })),
            Act::PaymentFails(price) => ("Payment Failed", payment(price)),
            Act::Pays(price) => ("Payment Succeeded", payment(price)),
            Act::Subscribes => ("Subscription Started", json!({ "plan": "team", "seats": 5 })),
            Act::Unsubscribes => return Vec::new(),
        };
        vec![scribe.track(actor, at, event, properties)]
    }
}

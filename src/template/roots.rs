//! What a template may name: the roots of its context, and who fills them.

use serde_json::{Map, Value, json};

/// Roots that come from the decision: what the engine captured of events and person.
pub(super) const DATA_ROOTS: [&str; 5] = ["traits", "properties", "context", "event", "person"];
/// Roots that we fill. Data of the same name is put aside.
pub(super) const OUR_ROOTS: [&str; 6] =
    ["sender", "unsubscribe_url", "preferences_url", "reason", "locale", "timezone"];

/// The roots that are ours: nothing an event brings can set where a link leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// `[sender]` of outreach.toml.
    pub sender_name: String,
    /// The postal address for the footer.
    pub sender_address: String,
    pub unsubscribe_url: String,
    pub preferences_url: String,
    /// Why the person gets this: a sentence.
    pub reason: String,
}

/// The context of one message: the data captured with its decision (a JSON object), and our roots over it. Data roots
/// that are missing become empty objects, so that `{{default traits.first_name "there"}}` has something to look in.
pub fn context(data: &Value, roots: &Roots) -> Value {
    let mut all = Map::new();
    for name in DATA_ROOTS {
        let root = data.get(name).filter(|root| root.is_object()).cloned();
        all.insert(name.to_owned(), root.unwrap_or_else(|| json!({})));
    }
    all.insert("sender".into(), json!({ "name": roots.sender_name, "address": roots.sender_address }));
    all.insert("unsubscribe_url".into(), json!(roots.unsubscribe_url));
    all.insert("preferences_url".into(), json!(roots.preferences_url));
    all.insert("reason".into(), json!(roots.reason));
    Value::Object(all)
}

/// Why a person gets a message: for `reason` of [`Roots`]. `topic` is the topic's name for people.
pub fn reason(sender: &str, topic: Option<&str>) -> String {
    match topic {
        Some(topic) => format!("You get this mail because you use {sender}. Its topic is “{topic}”."),
        None => format!("You get this mail because you use {sender}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_set_our_roots() {
        let data = json!({ "unsubscribe_url": "https://evil.example", "sender": 1, "traits": { "a": 1 }, "context": 3 });
        let roots = Roots { unsubscribe_url: "https://ours.example/u/x".into(), ..Roots::default() };
        let all = context(&data, &roots);
        assert_eq!(all["unsubscribe_url"], "https://ours.example/u/x");
        assert_eq!(all["sender"], json!({ "name": "", "address": "" }));
        assert_eq!(all["traits"], json!({ "a": 1 }));
        assert_eq!(all["context"], json!({}));
    }
}

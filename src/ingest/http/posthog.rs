//! PostHog's events as Segment's calls: what its libraries post to `/batch/`, or a hand to `/capture/`, goes through the same parser as all else.
//!
//! An event is written anew as one call, or as two where it also says something of its person (`$set`). Raw JSON is
//! copied, never read and printed again: numbers, escapes and the order of keys stay as they came. What is no event is
//! passed on as it is, and the parser says why. A dead letter holds the call, so it can be replayed.

use super::body::text_of;
use super::split;
use outreach_engine::event::members::Members;
use std::borrow::Cow;

/// The calls that an event of PostHog's stands for, in the order in which they hold.
pub fn calls(event: &[u8]) -> Vec<Cow<'_, [u8]>> {
    // The parser's own checks come first: of what passes, each key stands there once and nothing nests too deep.
    let read = Members::read(event).ok().and_then(|_| PostHogEvent::read(event));
    match read {
        Some(event) => event.calls().into_iter().map(|call| Cow::Owned(call.into_bytes())).collect(),
        None => vec![Cow::Borrowed(event)],
    }
}

/// The raw JSON of an object's members.
struct Bag<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Bag<'a> {
    fn read(object: Option<&'a str>) -> Bag<'a> {
        Bag(object.and_then(|object| split::members(object.as_bytes())).unwrap_or_default())
    }

    /// The last of that name, as every parser takes it, unless it is `null`.
    fn get(&self, name: &str) -> Option<&'a str> {
        let named = self.0.iter().rev().find(|(key, _)| text_of(Some(key)).as_deref() == Some(name));
        named.and_then(|(_, value)| std::str::from_utf8(value).ok()).filter(|value| *value != "null")
    }
}

struct PostHogEvent<'a> {
    name: String,
    members: Bag<'a>,
    properties: Bag<'a>,
}

impl<'a> PostHogEvent<'a> {
    fn read(event: &'a [u8]) -> Option<PostHogEvent<'a>> {
        let members = Bag(split::members(event)?);
        let name = text_of(members.get("event").map(str::as_bytes)).unwrap_or_default();
        Some(PostHogEvent { name, properties: Bag::read(members.get("properties")), members })
    }

    fn calls(&self) -> Vec<String> {
        let properties = self.members.get("properties");
        match self.name.as_str() {
            // Of `$set_once` nothing is taken: a trait here is what was said last.
            "$identify" | "$set" => vec![self.call(
                "identify",
                "",
                &[("anonymousId", self.properties.get("$anon_distinct_id")), ("traits", self.of_person())],
            )],
            "$create_alias" => vec![self.call("alias", "", &[("previousId", self.properties.get("alias"))])],
            "$groupidentify" => {
                let group = self.properties.get("$group_key");
                vec![self.call(
                    "group",
                    "",
                    &[("groupId", group), ("traits", self.properties.get("$group_set"))],
                )]
            }
            "$pageview" => self.doing("page", &[("properties", properties)]),
            "$screen" => {
                let name = self.properties.get("$screen_name");
                self.doing("screen", &[("name", name), ("properties", properties)])
            }
            _ => self.doing("track", &[("event", self.members.get("event")), ("properties", properties)]),
        }
    }

    /// What a person did, after what it says of them.
    fn doing(&self, kind: &str, fields: &[(&str, Option<&str>)]) -> Vec<String> {
        let of_person = self.of_person().filter(|_| !self.is_anonymous());
        let identify = of_person.map(|traits| self.call("identify", "/set", &[("traits", Some(traits))]));
        identify.into_iter().chain([self.call(kind, "", fields)]).collect()
    }

    /// Inside its properties, or beside them.
    fn of_person(&self) -> Option<&'a str> {
        self.properties.get("$set").or_else(|| self.members.get("$set"))
    }

    /// One call. `suffix`: tells its id from that of another call of the same event.
    fn call(&self, kind: &str, suffix: &str, fields: &[(&str, Option<&str>)]) -> String {
        let id = self.members.get("distinct_id").or_else(|| self.properties.get("distinct_id"));
        let message_id = self.members.get("uuid").or_else(|| self.members.get("messageId"));
        let message_id = message_id.filter(|uuid| *uuid != "\"\"").map(|uuid| match uuid.strip_suffix('"') {
            Some(text) => format!("{text}{suffix}\""),
            // A number has an id's place as well; what is neither stays what it is, and is refused.
            None if uuid.starts_with(|c: char| c.is_ascii_digit()) => format!("\"{uuid}{suffix}\""),
            None => uuid.to_owned(),
        });
        let of_all = [
            (if self.is_anonymous() { "anonymousId" } else { "userId" }, id),
            ("messageId", message_id.as_deref()),
            ("timestamp", self.members.get("timestamp")),
        ];
        let mut call = format!("{{\"type\":\"{kind}\"");
        for (name, value) in of_all.iter().chain(fields) {
            if let Some(value) = value {
                call.extend([",\"", name, "\":", value]);
            }
        }
        call.push('}');
        call
    }

    /// PostHog's libraries make an id up for who is not known, and say that it is nobody's.
    fn is_anonymous(&self) -> bool {
        self.properties.get("$process_person_profile") == Some("false")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outreach_engine::event::Envelope;
    use serde_json::{Value, json};

    fn of(event: &str) -> Vec<Value> {
        let calls = calls(event.as_bytes());
        calls.iter().map(|call| serde_json::from_slice(call).expect("JSON")).collect()
    }

    #[test]
    fn each_event_of_posthogs_is_the_call_that_says_the_same() {
        let rest = r#""distinct_id":"ada","uuid":"u","timestamp":"2026-03-02T10:00:00Z""#;
        let all = |call: Value| {
            let mut all = json!({ "userId": "ada", "messageId": "u", "timestamp": "2026-03-02T10:00:00Z" });
            all.as_object_mut().unwrap().extend(call.as_object().unwrap().clone());
            all
        };
        let table = [
            (
                r#""event":"Signed Up","properties":{"plan":"trial"}"#,
                json!({ "type": "track", "event": "Signed Up", "properties": { "plan": "trial" } }),
            ),
            (
                r#""event":"$identify","properties":{"$set":{"email":"a@b.c"},"$set_once":{"x":1},"$anon_distinct_id":"7f"}"#,
                json!({ "type": "identify", "traits": { "email": "a@b.c" }, "anonymousId": "7f" }),
            ),
            (
                r#""event":"$set","properties":{"$set":{"x":1}}"#,
                json!({ "type": "identify", "traits": { "x": 1 } }),
            ),
            (r#""event":"$set","properties":{"$unset":["x"]}"#, json!({ "type": "identify" })),
            (
                r#""event":"$create_alias","properties":{"distinct_id":"ada","alias":"7f"}"#,
                json!({ "type": "alias", "previousId": "7f" }),
            ),
            (
                r#""event":"$groupidentify","properties":{"$group_type":"company","$group_key":"acme","$group_set":{"n":1}}"#,
                json!({ "type": "group", "groupId": "acme", "traits": { "n": 1 } }),
            ),
            (
                r#""event":"$pageview","properties":{"$current_url":"u"}"#,
                json!({ "type": "page", "properties": { "$current_url": "u" } }),
            ),
            (
                r#""event":"$screen","properties":{"$screen_name":"Home"}"#,
                json!({ "type": "screen", "name": "Home", "properties": { "$screen_name": "Home" } }),
            ),
        ];
        for (members, call) in table {
            assert_eq!(of(&format!("{{{members},{rest}}}")), [all(call)], "{members}");
        }
    }

    #[test]
    fn what_an_event_says_of_its_person_is_a_call_of_its_own_before_it() {
        let event = r#"{"event":"E","distinct_id":"ada","uuid":"u","properties":{"$set":{"x":1},"y":1.0e2}}"#;
        let calls = calls(event.as_bytes());
        let texts: Vec<_> = calls.iter().map(|call| std::str::from_utf8(call).unwrap()).collect();
        assert_eq!(
            texts,
            [
                r#"{"type":"identify","userId":"ada","messageId":"u/set","traits":{"x":1}}"#,
                r#"{"type":"track","userId":"ada","messageId":"u","event":"E","properties":{"$set":{"x":1},"y":1.0e2}}"#,
            ]
        );
    }

    #[test]
    fn two_calls_of_one_event_have_two_ids_whatever_its_own_is() {
        let ids = |uuid: &str| {
            let event = format!(r#"{{"event":"E","distinct_id":7,"uuid":{uuid},"$set":{{"x":1}}}}"#);
            let calls = of(&event);
            assert_eq!(
                (calls.len(), &calls[0]["traits"], &calls[1]["userId"]),
                (2, &json!({ "x": 1 }), &json!(7))
            );
            calls.into_iter().map(|call| call["messageId"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids("7"), ["7/set", "7"]);
        assert_eq!(ids("\"u\""), ["u/set", "u"]);
        assert_eq!(ids("\"\""), [Value::Null, Value::Null], "the door gives each one of its own");
        assert_eq!(ids("null"), [Value::Null, Value::Null]);
    }

    #[test]
    fn an_id_that_was_made_up_is_no_users() {
        let event = r#"{"event":"E","distinct_id":"7f","properties":{"$process_person_profile":false,"$set":{"x":1}}}"#;
        let [call] = &of(event)[..] else { panic!("one call") };
        assert_eq!((&call["anonymousId"], &call["userId"]), (&json!("7f"), &Value::Null));
        let inside = r#"{"event":"E","properties":{"distinct_id":"ada"}}"#;
        assert_eq!(of(inside)[0]["userId"], "ada");
    }

    #[test]
    fn what_is_no_event_is_passed_on_and_the_parser_says_why() {
        for (event, code) in [
            ("7", "wrong-type"),
            ("{", "malformed-json"),
            (r#"{"event":"E","event":"F"}"#, "duplicate-key"),
            (r#"{"event":"E","properties":[]}"#, "wrong-type"),
            (r#"{"event":1}"#, "wrong-type"),
            (r#"{"event":"E","distinct_id":{}}"#, "bad-id"),
            (r#"{"event":"E","timestamp":7}"#, "bad-time"),
        ] {
            let calls = calls(event.as_bytes());
            assert_eq!(Envelope::parse(&calls[0]).unwrap_err().code, code, "{event}");
        }
        // Some libraries say what their own function was called.
        assert_eq!(of(r#"{"type":"capture","event":"E","distinct_id":"a"}"#)[0]["type"], "track");
    }
}

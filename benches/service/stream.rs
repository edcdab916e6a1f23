//! The stream that is measured with: track calls of about 400 bytes, a tenth of them identify calls, from a good number
//! of people.
//!
//! Events have 200 names, of which the first 100 are each named by one rule (`project`): an event is looked at by one
//! rule at most, and half of them by one.

use outreach_engine::Timestamp;
use outreach_engine::event::Subject;

/// People in a stream.
pub const PEOPLE: u64 = 200_000;
/// Names of events.
pub const NAMES: u64 = 200;
/// One in so many is an identify call.
const IDENTIFY_EVERY: u64 = 10;
/// Events happened within so much time before the stream was made.
const WITHIN_MICROSECONDS: i64 = 3_600_000_000;

/// The stream that ends now.
#[derive(Clone, Copy)]
pub struct Stream {
    pub made_at: Timestamp,
}

impl Stream {
    /// The JSON of event `number`; numbers that differ have other ids, people and values.
    pub fn event(&self, number: u64) -> String {
        let mixed = mix(number);
        let person = mixed % PEOPLE;
        let at = Timestamp(self.made_at.0 - WITHIN_MICROSECONDS + (number % 3_600_000) as i64 * 1_000);
        if number.is_multiple_of(IDENTIFY_EVERY) {
            return identify(person, number, at);
        }
        let (amount, sku, count, page) = (mixed / PEOPLE % 10_000, mixed >> 40, mixed % 9, mixed % 7_919);
        let name = (mixed >> 20) % NAMES;
        format!(
            r#"{{"type":"track","event":"Item Seen {name:03}","userId":"user-{person:06}","messageId":"m-{number:012}","timestamp":"{at}","properties":{{"order_id":"{mixed:016x}","amount":{amount},"currency":"EUR","plan":"trial","items":[{{"sku":"{sku:06x}","count":{count}}}],"referrer":"https://shop.example.com/products/{page}"}},"context":{{"ip":"203.0.113.7","locale":"fr-FR","library":{{"name":"analytics-node"}}}}}}"#
        )
    }

    /// The last word of a partition: the event that the rule `finale` decides on.
    pub fn finale(&self, person: &str) -> String {
        let at = self.made_at;
        format!(
            r#"{{"type":"track","event":"Finale","userId":"{person}","messageId":"finale-{person}","timestamp":"{at}"}}"#
        )
    }
}

/// Users of whom each partition of a log has `each`, in the order of the partitions.
pub fn users_of_all_partitions(partitions: u32, each: usize) -> Vec<String> {
    let mut users = Vec::new();
    for partition in 0..partitions {
        let names = (0..).map(|number| format!("finale-{number}"));
        let inside = names.filter(|name| Subject::user(name).partition(partitions) == partition);
        users.extend(inside.take(each));
    }
    users
}

pub fn now() -> Timestamp {
    outreach::clock::system()()
}

fn identify(person: u64, number: u64, at: Timestamp) -> String {
    let page = mix(person);
    format!(
        r#"{{"type":"identify","userId":"user-{person:06}","messageId":"m-{number:012}","timestamp":"{at}","traits":{{"email":"user-{person:06}@example.com","first_name":"Ada","country":"FR","plan":"trial","seats":12}},"context":{{"ip":"203.0.113.7","locale":"fr-FR","library":{{"name":"analytics-node"}},"page":{{"path":"/settings/{page:016x}","title":"Your settings","referrer":"https://shop.example.com/"}}}}}}"#
    )
}

fn mix(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 29)
}

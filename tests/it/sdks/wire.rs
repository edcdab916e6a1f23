//! What a library sent, byte for byte, and what of it the log must then say.

use std::collections::BTreeSet;

use outreach_engine::{Length, Timestamp};
use serde_json::Value;

use super::kept::Kept;
use super::library::Library;
use crate::world::faulty_proxy::{Fault, FaultyProxy, Post};

/// What the proxy tells clients to wait.
const RETRY_AFTER: Length = Length::seconds(1);
/// From saying when it sends to our having it: some milliseconds, on a machine that is busy.
const SENT_WITHIN: Length = Length::minutes(1);

/// A call on the wire.
#[derive(Debug)]
struct Said<'p> {
    post: &'p Post,
    message_id: String,
    happened_at: Timestamp,
    sent_at: Timestamp,
}

/// What was refused came again, all that was taken is there, and when it happened is computed from what was sent.
#[track_caller]
pub fn check(library: &Library, proxy: &FaultyProxy, kept: &[Kept]) {
    let posts = proxy.posts();
    assert_eq!(proxy.faults_left(), 0, "{posts:#?}");
    for post in &posts {
        let content = (post.header("content-type").expect("its type"), post.header("content-encoding"));
        assert_eq!(content, library.content, "{post:?}");
    }
    let said: Vec<Said<'_>> = posts.iter().flat_map(said_in).collect();
    check_clock(library, &said);
    check_repeated(library, &said);
    check_times(&said, kept);
}

fn said_in(post: &Post) -> Vec<Said<'_>> {
    let body: Value = serde_json::from_str(&post.body).expect("JSON");
    let calls = body["batch"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
    let time = |values: [&Value; 2]| {
        let text = values.into_iter().find_map(Value::as_str);
        text.map(|text| Timestamp::parse(text).unwrap_or_else(|| panic!("{text}")))
    };
    let read = |call: &Value| Said {
        post,
        message_id: call["messageId"].as_str().or(call["uuid"].as_str()).expect("its id").to_owned(),
        happened_at: time([&call["originalTimestamp"], &call["timestamp"]]).expect("when it happened"),
        sent_at: time([&call["sentAt"], &Value::Null])
            .or(time([&body["sentAt"], &body["sent_at"]]))
            .expect("when it was sent"),
    };
    calls.iter().map(read).collect()
}

/// The client's clock is as wrong as it was made: else nothing would be corrected.
#[track_caller]
fn check_clock(library: &Library, said: &[Said<'_>]) {
    for call in said {
        let off = call.sent_at.0 - call.post.came_at.0;
        let off_by = (off - Length::hours(1).0 * library.clock_off_hours).abs();
        assert!(off_by < SENT_WITHIN.0, "{off_by} of {call:?}");
    }
}

/// What was refused or not answered came again and was taken.
#[track_caller]
fn check_repeated(library: &Library, said: &[Said<'_>]) {
    for (place, call) in said.iter().enumerate() {
        let told = match call.post.fault {
            Fault::Pass => continue,
            Fault::Refuse(status) | Fault::RefuseAfterNext(status) | Fault::PassThenRefuse(status) => {
                Some(status)
            }
            Fault::PassThenDrop => None,
        };
        let again = said[place..]
            .iter()
            .find(|other| other.message_id == call.message_id && other.post.came_at > call.post.came_at);
        let again = again.unwrap_or_else(|| panic!("expected it again: {call:?}"));
        let waited = Length(again.post.came_at.0 - call.post.came_at.0);
        if told.is_some_and(|status| library.waits_as_told.contains(&status)) {
            assert!(waited >= RETRY_AFTER, "{waited}: {call:?} {again:?}");
        }
        assert_eq!(again.sent_at > call.sent_at, library.says_anew_when_it_sends, "{call:?} {again:?}");
    }
}

/// The log has what was taken, as often as it was, and each says when it happened by our clock.
#[track_caller]
fn check_times(said: &[Said<'_>], kept: &[Kept]) {
    let taken: Vec<&Said<'_>> = said.iter().filter(|call| call.post.taken.is_some()).collect();
    let ids = |ids: Vec<&String>| ids.into_iter().cloned().collect::<BTreeSet<String>>();
    assert_eq!(
        ids(kept.iter().map(|call| &call.message_id).collect()),
        ids(said.iter().map(|call| &call.message_id).collect()),
        "nothing is lost, and nothing is there that was not said"
    );
    assert_eq!(kept.len(), taken.len(), "{kept:#?}");
    for call in kept {
        let is_of = |said: &&&Said<'_>| {
            let (from, to) = said.post.taken.expect("taken");
            said.message_id == call.message_id && (from..=to).contains(&call.received_at)
        };
        let of: Vec<&&Said<'_>> = taken.iter().filter(is_of).collect();
        assert_eq!(of.len(), 1, "{call:?} {of:?}");
        let before_sending = of[0].sent_at.0 - of[0].happened_at.0;
        assert!(before_sending >= 0, "{of:?}");
        assert_eq!(call.occurred_at, Timestamp(call.received_at.0 - before_sending), "{call:?} {of:?}");
    }
}

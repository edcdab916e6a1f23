//! Segment's browser library names the person when it sends, so what it repeats may name another one.

use serde_json::Value;

use super::kept::{Kept, log_of};
use super::{USER, be_reached_at, library, tell};
use crate::service_desk::{project, wait_for_decisions};
use crate::world::faulty_proxy::Fault::PassThenDrop;
use crate::world::faulty_proxy::{FaultyProxy, Post};
use crate::world::service::Service;
use crate::world::smtp_sink::SmtpSink;

/// What docs/sdks.md says of it. The repetition still names the anonymous id, by which a link can make them one.
#[test]
fn what_was_taken_unanswered_before_signing_in_counts_for_both() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    tell(&project, "welcome", "event = \"Signed Up\"", "in_product = \"card\"");
    crate::service_desk::rule(&project, "mail", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    let proxy = FaultyProxy::start(project.http_port, "\"Signed Up\"", &[PassThenDrop]);
    be_reached_at(&project, &proxy.address());
    let mut service = Service::start(&project);
    library::SEGMENT_BROWSER.run("late", &proxy.address());

    let posts = proxy.posts();
    let is_sign_up = |post: &&Post| post.body.contains("\"Signed Up\"");
    let bodies: Vec<Value> =
        posts.iter().filter(is_sign_up).map(|post| serde_json::from_str(&post.body).expect("JSON")).collect();
    let [first, again] = &bodies[..] else { panic!("expected it twice: {posts:#?}") };
    assert_eq!((&first["userId"], &again["userId"]), (&Value::Null, &USER.into()));
    for same in ["anonymousId", "messageId", "timestamp"] {
        assert_eq!(first[same], again[same], "{same}");
    }

    let anonymous: String = format!("anon:{}", first["anonymousId"].as_str().expect("an id"));
    for person in [anonymous.as_str(), USER] {
        assert_eq!(wait_for_decisions(&service, person, "welcome", 1).len(), 1, "once a person");
    }
    assert!(service.stop().success());
    let kept = log_of(&project);
    let mut people: Vec<&str> =
        kept.iter().filter(|call| is_called(call)).map(|call| &*call.subject).collect();
    people.sort_unstable();
    assert_eq!(people, [anonymous.as_str(), "user:grace"]);
    assert_eq!(sink.count(), 0, "what a browser says reaches nobody by mail");
}

fn is_called(call: &Kept) -> bool {
    call.what == "track Signed Up"
}

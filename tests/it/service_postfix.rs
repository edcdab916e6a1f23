//! One run end to end with the mail server of Debian.

use outreach_engine::Length;
use serde_json::json;

use crate::service_desk::{
    SOON, ago, identify, project, rule, send, track, wait_for_decisions, wait_for_state,
};
use crate::world::postfix::Postfix;
use crate::world::service::Service;

#[test]
fn postfix_delivers_into_the_mailbox_and_its_550_suppresses_the_address() {
    let postfix = Postfix::start();
    let project = project(postfix.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    rule(&project, "tip", "onboarding", "event = \"Tip Wanted\"", "email = \"note\"");
    let mut service = Service::start(&project);
    let happened =
        |user: &str, event: &str, id: &str| track(user, event, id, ago(Length::minutes(1)), json!({}));
    send(
        &service,
        &[
            identify("ada", "ada@mail.test"),
            identify("bob", "bob@refused.test"),
            happened("ada", "Signed Up", "s1"),
            happened("bob", "Signed Up", "s2"),
        ],
    );
    let mails = postfix.wait_for(1, SOON);
    let sent = wait_for_state(&service, "ada", "welcome", "sent");
    let id = sent["id"].as_str().expect("an id");
    assert_eq!(
        (mails[0].to.as_str(), mails[0].from.clone()),
        ("ada@mail.test", format!("b+{id}@bounce.test"))
    );
    let text = String::from_utf8_lossy(&mails[0].raw);
    for part in
        [id, "Subject: A note for ada", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "text/plain"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }

    let refused = wait_for_state(&service, "bob", "welcome", "failed");
    let reason = refused["message"]["reason"].as_str().expect("Postfix's own words");
    assert!(reason.starts_with("550 5.1.1"), "{reason}");
    // Another stream of the same person: what was consented to has gone round by the log before the service stops.
    assert!(service.stop().success());
    service.restart();
    send(&service, &[happened("bob", "Tip Wanted", "t1"), happened("ada", "Tip Wanted", "t2")]);
    let tip = wait_for_decisions(&service, "bob", "tip", 1).remove(0);
    assert_eq!((&tip["verdict"], &tip["reason"]), (&json!("refuse"), &json!("suppressed")));
    wait_for_state(&service, "ada", "tip", "sent");
    assert_eq!(postfix.wait_for(2, SOON).len(), 2);
    assert!(service.stop().success());
}

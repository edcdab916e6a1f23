//! A clock that jumps ahead.

use super::*;
use crate::world::wait;

/// What a process of an hour ago would have noted, had the clock jumped an hour since.
fn note_a_jump(project: &crate::world::service::Project) {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("Linux says it");
    let uptime = std::fs::read_to_string("/proc/uptime").expect("Linux says it");
    let seconds: f64 = uptime.split(' ').next().and_then(|text| text.parse().ok()).expect("seconds first");
    let (steady, wall) = ((seconds * 1e6) as i64, ago(Length::hours(1)).0);
    project.write("data/clock", &format!("{} {steady} {wall}\n", boot_id.trim()));
}

#[test]
fn a_clock_that_jumped_ahead_holds_all_and_readyz_says_so() {
    let sink = SmtpSink::start();
    let project = project(sink.port(), None, "");
    rule(&project, "welcome", "onboarding", "event = \"Signed Up\"", "email = \"note\"");
    note_a_jump(&project);
    let mut service = Service::launch(&project);
    wait::until("it says what is wrong", SOON, || {
        let answer = service.admin.try_get("/readyz");
        answer.is_ok_and(|answer| answer.status == 503 && answer.body.contains("the clock jumped ahead by"))
    });
    send(
        &service,
        &[
            identify("ada", "ada@mail.test"),
            track("ada", "Signed Up", "s1", ago(Length::hours(2)), json!({})),
        ],
    );
    wait::until("the metric shows it", SOON, || {
        let text = service.admin.try_get("/metrics").expect("an answer").body;
        let line = text.lines().find(|line| line.starts_with("outreach_clock_doubted_seconds"));
        line.and_then(|line| line.split(' ').nth(1)?.parse::<f64>().ok()).is_some_and(|ahead| ahead > 3_000.0)
    });
    service.stop();
    assert_eq!(sink.count(), 0);

    // Somebody who knows that the clock is right says so, by taking the note away.
    std::fs::remove_file(project.path().join("data/clock")).expect("the note");
    service.restart();
    wait_for_state(&service, "ada", "welcome", "sent");
    assert_eq!(decisions(&service, "ada").len(), 1);
}

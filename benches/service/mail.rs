//! Mails a second: messages that wait at the gate are let go, and leave through four connections to a server in this
//! process, which keeps them and answers at once.
//!
//! Each mail is rendered from the MJML template of the repository, composed, passes the gate in a transaction that marks
//! it as leaving, and is written down as sent with its outcome: all of that is inside the time.

use super::door::{Connection, batch};
use super::processor;
use super::project;
use super::stream::now;
use super::table::{RUNS, Run, Table};
use super::world::service::{Project, Service};
use super::world::smtp_sink::SmtpSink;
use super::world::wait;
use outreach::ledger::sqlite::SqliteLedger;
use outreach::ledger::{Ledger, MessageState};
use std::time::{Duration, Instant};

const MAILS: usize = 4_000;
const DONE_WITHIN: Duration = Duration::from_secs(300);

pub fn measure(table: &mut Table) {
    let sink = SmtpSink::start();
    let project = project::new(&project::email(sink.port(), "\"*\""));
    project.copy("templates");
    project::write_rule(&project, "welcome", "event = \"Signed Up\"", "email = \"stalled-onboarding\"");
    let mut service = Service::start(&project);
    let pid = service.process().id();
    let ledger = SqliteLedger::open(project.path().join("data/ledger.db")).expect("the service's ledger");
    let mut runs = Vec::new();
    let mut client_part = 0.0;
    for round in 0..RUNS {
        command(&project, "pause");
        sign_up(project.http_port, round * MAILS);
        let expected = (round + 1) * MAILS;
        wait::until("all messages wait at the gate", DONE_WITHIN, || {
            count(&ledger, MessageState::Held) + round * MAILS == expected
        });
        let (cpu, our_cpu) = (processor::seconds_of(pid), processor::seconds());
        let began = Instant::now();
        command(&project, "resume");
        wait::until("all mails have arrived", DONE_WITHIN, || sink.count() >= expected);
        wait::until("all are written down as sent", DONE_WITHIN, || {
            count(&ledger, MessageState::Sent) == expected
        });
        let seconds = began.elapsed().as_secs_f64();
        runs.push(Run::new(MAILS, seconds, processor::seconds_of(pid) - cpu));
        client_part = (processor::seconds() - our_cpu) / seconds;
    }
    assert_eq!(sink.count(), RUNS * MAILS, "each mail once");
    let bytes = sink.mails().first().map_or(0, |mail| mail.raw.len());
    let note = format!(
        "{MAILS} mails of {bytes} bytes, 4 connections, {} opened; the mail server and this process used {:.0} % of a core",
        sink.connections(),
        100.0 * client_part
    );
    table.add("mails, gate → mail server → ledger", "mails/s", &runs, &note);
    service.stop();
}

fn command(project: &Project, word: &str) {
    let output = project.run(&[word]);
    assert!(output.status.success(), "outreach {word}: {}", String::from_utf8_lossy(&output.stderr));
}

fn count(ledger: &SqliteLedger, state: MessageState) -> usize {
    let counts = ledger.transaction(|transaction| transaction.message_counts()).expect("counts");
    counts.iter().find(|(found, _)| *found == state).map_or(0, |(_, count)| *count as usize)
}

/// So many people sign up, from number `first` on.
fn sign_up(port: u16, first: usize) {
    let at = now();
    let mut connection = Connection::open(port);
    let people: Vec<usize> = (first..first + MAILS).collect();
    for people in people.chunks(100) {
        let events: Vec<String> = people
            .iter()
            .flat_map(|number| {
                [
                    format!(
                        r#"{{"type":"identify","userId":"user-{number}","messageId":"i-{number}","timestamp":"{at}","traits":{{"email":"user-{number}@example.com","first_name":"Ada"}}}}"#
                    ),
                    format!(
                        r#"{{"type":"track","event":"Signed Up","userId":"user-{number}","messageId":"s-{number}","timestamp":"{at}","properties":{{"plan":"trial"}}}}"#
                    ),
                ]
            })
            .collect();
        connection.send(&batch(&events));
    }
}

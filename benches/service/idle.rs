//! Resident memory of the service when nothing happens: the release build with the repository's rules and templates, one
//! HTTP client connected and silent.

use super::door::{Connection, batch};
use super::processor;
use super::project;
use super::stream::{Stream, now};
use super::table::Table;
use super::world::kafka::Kafka;
use super::world::service::Service;
use super::world::wait;
use std::time::Duration;

/// Until the memory stands still it is looked at again; a second without growth is standing still.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);
const LOOKS_IN_A_SECOND: usize = 200;

pub fn measure(table: &mut Table) {
    table.fact("idle, resident memory", &megabytes(""), "no source, one HTTP client connected");
    let kafka = Kafka::start();
    kafka.create_topic("idle", 4, &[]);
    let source = format!(
        "[kafka.properties]\n\"bootstrap.servers\" = \"{}\"\n[[sources]]\nname = \"idle\"\ntopic = \"idle\"\nformat = \
         \"segment\"\nstart = \"earliest\"\nrequired = true\n",
        kafka.bootstrap()
    );
    table.fact("idle, resident memory", &megabytes(&source), "a Kafka source of 4 partitions");
}

fn megabytes(source: &str) -> String {
    let project = project::new(&format!("{}{source}", project::email(1, "")));
    project.copy("templates");
    project.copy("rules");
    let mut service = Service::start(&project);
    let pid = service.process().id();
    let mut client = Connection::open(project.http_port);
    client.send(&batch(&[Stream { made_at: now() }.event(1)]));
    let (mut last, mut still) = (0, 0);
    wait::for_value(SETTLED_WITHIN, || {
        let resident = processor::resident_kb(pid);
        still = if resident == last { still + 1 } else { 0 };
        last = resident;
        (still >= LOOKS_IN_A_SECOND).then_some(())
    });
    service.stop();
    format!("{:.1} MB", last as f64 / 1024.0)
}

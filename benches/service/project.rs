//! The projects that are measured with.

use super::world::service::Project;

pub const WRITE_KEY: &str = "server-key-of-the-benchmark";
pub const PARTITIONS: u32 = 4;

/// A project with these tables beside those of every project: `[kafka.properties]`, `[[sources]]`, `[email]`.
pub fn new(more: &str) -> Project {
    let project = Project::new(&format!(
        r#"
timezone = "Europe/Paris"
transactional_rules = ["third-failed-payment"]
[caps]
email = ["1 per day"]
[topics.onboarding]
name = "Getting started"
[topics.billing]
name = "Billing"
[topics.reminders]
name = "Reminders"
[data]
dir = "data"
partitions = {PARTITIONS}
[http]
listen = "127.0.0.1:@HTTP_PORT@"
admin_listen = "127.0.0.1:@ADMIN_PORT@"
public_url = "http://127.0.0.1:@HTTP_PORT@"
[[write_keys]]
name = "server"
kind = "server"
key_file = "secrets/server.key"
events_per_second_max = 100000000
[unsubscribe]
secret_file = "secrets/unsubscribe.key"
[sender]
name = "Acme"
address = "1 Acme Street, 75001 Paris"
{more}
"#
    ));
    project.write("secrets/server.key", WRITE_KEY);
    project.write("secrets/unsubscribe.key", "an unsubscribe secret of the benchmark, long enough");
    project
}

/// `[email]`, and whom mail goes to.
pub fn email(smtp_port: u16, deliver_only_to: &str) -> String {
    format!(
        r#"
[email]
from = "Ada at Acme <hello@mail.test>"
return_path_domain = "bounce.test"
smtp = {{ host = "127.0.0.1", port = {smtp_port}, tls = "none" }}
connections_max = 4
[delivery]
deliver_only_to = [{deliver_only_to}]
"#
    )
}

/// A hundred rules, each about one name of the stream: 60 by one event (one in a hundred of which is wanted), 20 that
/// count to three within a day, 20 that wait three days for another event. And `finale`, about none of them.
pub fn write_hundred_rules(project: &Project) {
    project.copy("templates");
    for number in 0..100 {
        let (trigger, id) = match number {
            0..60 => {
                let wanted =
                    r#"where = { "properties.amount" = { gte = 9900 }, "properties.plan" = "trial" }"#;
                (format!("event = \"Item Seen {number:03}\"\n{wanted}"), "event")
            }
            60..80 => (format!("event = \"Item Seen {number:03}\"\ncount = 3\nwithin = \"1 day\""), "count"),
            _ => {
                let without = format!("without = \"Item Seen {:03}\"\nwithin = \"3 days\"", number + 100);
                (format!("event = \"Item Seen {number:03}\"\n{without}"), "absence")
            }
        };
        write_rule(project, &format!("{id}-{number:03}"), &trigger, "email = \"stalled-onboarding\"");
    }
    write_rule(project, "finale", "event = \"Finale\"", "in_product = \"onboarding-checklist\"");
}

/// One rule, and one step.
pub fn write_rule(project: &Project, id: &str, trigger: &str, step: &str) {
    let text = format!(
        "name = \"{id}\"\ntopic = \"onboarding\"\n[trigger]\n{trigger}\n[limits]\nonce_per = \"30 days\"\n[[step]]\n{step}\n"
    );
    project.write(&format!("rules/{id}.toml"), &text);
}

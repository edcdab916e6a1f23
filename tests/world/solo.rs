//! A project wired to servers of the world: everything that belongs to the process, so a test writes what it is about.

use super::kafka::Kafka;
use super::service::Project;

/// The write key of kind `server` that a solo project knows.
pub const SERVER_KEY: &str = "server-key-of-the-tests";
/// The one of kind `browser`.
pub const BROWSER_KEY: &str = "browser-key-of-the-tests";
/// Under `Postfix::start()` a bounce to this domain lands in the Maildir.
pub const RETURN_PATH_DOMAIN: &str = "bounce.test";

impl Project {
    /// A project whose mail goes to the server on `smtp_port`, to anybody, and whose sources are read from `kafka`.
    ///
    /// `release` is the part of outreach.toml that goes into the release (`timezone`, `[caps]`, `[topics.…]`), `more`
    /// what else the process is told (`[[sources]]`, or tables not named here).
    pub fn solo(release: &str, smtp_port: u16, kafka: Option<&Kafka>, more: &str) -> Project {
        let bootstrap = kafka.map(Kafka::bootstrap);
        let project = Project::new(&outreach_toml(release, smtp_port, bootstrap.as_deref(), more));
        project.write("secrets/server.key", SERVER_KEY);
        project.write("secrets/browser.key", BROWSER_KEY);
        project.write("secrets/unsubscribe.key", "an unsubscribe secret of the tests, long enough");
        project
    }
}

fn outreach_toml(release: &str, smtp_port: u16, bootstrap: Option<&str>, more: &str) -> String {
    let kafka =
        bootstrap.map(|servers| format!("[kafka.properties]\n\"bootstrap.servers\" = \"{servers}\"\n"));
    let kafka = kafka.unwrap_or_default();
    format!(
        r#"{release}
[data]
dir = "data"
partitions = 4
[http]
listen = "127.0.0.1:@HTTP_PORT@"
admin_listen = "127.0.0.1:@ADMIN_PORT@"
public_url = "http://127.0.0.1:@HTTP_PORT@"
[[write_keys]]
name = "server"
kind = "server"
key_file = "secrets/server.key"
events_per_second_max = 1000000
[[write_keys]]
name = "browser"
kind = "browser"
key_file = "secrets/browser.key"
events_per_second_max = 1000000
[unsubscribe]
secret_file = "secrets/unsubscribe.key"
[email]
from = "Ada at Acme <hello@mail.test>"
return_path_domain = "{RETURN_PATH_DOMAIN}"
smtp = {{ host = "127.0.0.1", port = {smtp_port}, tls = "none" }}
connections_max = 4
[delivery]
deliver_only_to = ["*"]
{kafka}{more}
"#
    )
}

#[test]
fn solo_project_is_toml_with_and_without_kafka() {
    let release = "timezone = \"Europe/Paris\"\n[topics.onboarding]\nname = \"Getting started\"";
    let source = "[[sources]]\nname = \"product\"\ntopic = \"product\"\nformat = \"segment\"";
    for bootstrap in [None, Some("127.0.0.1:9092")] {
        let text = outreach_toml(release, 1025, bootstrap, source);
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}:\n{text}"));
        assert_eq!(table.contains_key("kafka"), bootstrap.is_some());
        assert_eq!(table["email"]["smtp"]["port"].as_integer(), Some(1025));
        assert_eq!(table["sources"][0]["name"].as_str(), Some("product"));
    }
}

//! Each of the operator's `[kafka.properties]` judged by itself, so that all that is wrong is told at once.

use super::config::{ConfigError, Properties, ours, refused};
use outreach_engine::rule::document::closest;
use rdkafka::ClientConfig;

/// What is wrong with one property, or that one is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyFault {
    /// As it is written. None: of `bootstrap.servers`, which is not there.
    pub name: Option<String>,
    pub error: ConfigError,
    /// The likely fix.
    pub help: String,
}

/// Properties that people set, to find the one that was meant.
const OFTEN_SET: [&str; 33] = [
    "bootstrap.servers",
    "broker.address.family",
    "check.crcs",
    "client.id",
    "client.rack",
    "debug",
    "enable.ssl.certificate.verification",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.id",
    "isolation.level",
    "max.partition.fetch.bytes",
    "message.max.bytes",
    "metadata.max.age.ms",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "sasl.mechanisms",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "socket.keepalive.enable",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
];

/// All that is wrong with them. No connection is made.
pub fn faults(properties: &Properties) -> Vec<PropertyFault> {
    let mut faults: Vec<PropertyFault> =
        properties.iter().filter_map(|(name, value)| fault(name, value)).collect();
    let servers = ["bootstrap.servers", "metadata.broker.list"];
    // One that is misspelt is told once.
    let is_misspelt = faults.iter().any(|fault| fault.help.contains(servers[0]));
    if !is_misspelt && !servers.iter().any(|name| properties.contains_key(*name)) {
        let help = "add \"bootstrap.servers\" = \"127.0.0.1:9092\" to [kafka.properties]".to_owned();
        faults.push(PropertyFault { name: None, error: ConfigError::NoServers, help });
    }
    faults
}

fn fault(name: &str, value: &str) -> Option<PropertyFault> {
    let (error, help) = match ours(name) {
        Some(error) => (error, "remove it".to_owned()),
        None => {
            let error = ClientConfig::new().set(name, value).create_native_config().err()?;
            let help = match closest(name, OFTEN_SET.into_iter()).filter(|meant| *meant != name) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "librdkafka's CONFIGURATION.md lists names and values".to_owned(),
            };
            (refused(&error), help)
        }
    };
    Some(PropertyFault { name: Some(name.to_owned()), error, help })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Vec<(String, String, String)> {
        let pairs = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let told =
            |fault: PropertyFault| (fault.name.unwrap_or_default(), fault.error.to_string(), fault.help);
        faults(&pairs.collect()).into_iter().map(told).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_its_fix() {
        let told = told(&[
            ("bootstrap.server", "127.0.0.1:9092"),
            ("enable.auto.commit", "true"),
            ("fetch.wait.max.ms", "soon"),
            ("isolation.level", "read_committed"),
        ]);
        let names: Vec<&str> = told.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["bootstrap.server", "enable.auto.commit", "fetch.wait.max.ms"]);
        assert!(told[0].1.contains("No such configuration property"), "{told:?}");
        assert_eq!(told[0].2, "did you mean \"bootstrap.servers\"?");
        assert!(told[2].1.contains("fetch.wait.max.ms"), "{told:?}");
    }

    #[test]
    fn no_server_is_told_without_a_place() {
        let told = told(&[("client.id", "a")]);
        assert_eq!(told.len(), 1);
        assert!(told[0].1.contains("bootstrap.servers") && told[0].0.is_empty());
    }

    #[test]
    fn the_value_of_a_property_is_never_told_it_may_be_a_password() {
        let told = told(&[("bootstrap.servers", "a:1"), ("sasl.pasword", "hunter2")]);
        assert_eq!(told[0].2, "did you mean \"sasl.password\"?");
        assert!(!told[0].1.contains("hunter2"), "{told:?}");
    }

    #[test]
    fn what_is_suggested_is_known_to_librdkafka() {
        for name in OFTEN_SET {
            let told = fault(name, "\u{1}").map(|fault| fault.error.to_string()).unwrap_or_default();
            assert!(!told.contains("No such configuration property"), "{told}");
        }
    }
}

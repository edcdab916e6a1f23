//! What outreach.toml says of a source, and the properties that its Kafka clients get.
//!
//! Everything under `[kafka.properties]` goes to librdkafka as it stands, so all its settings work under the names that
//! its documentation uses, and a name that it does not know is refused in its own words. Four are ours alone, and refused:
//! positions stand in our log, never in the group, and are never moved by the client.

use super::format::Fields;
use outreach_engine::Timestamp;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use std::collections::BTreeMap;

/// A topic to copy from. Names are unique among the sources of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    pub name: String,
    pub topic: String,
    pub format: SourceFormat,
    /// Where to begin in a topic of which nothing was copied yet.
    pub start: Start,
    /// Whether this source holds the tick back while it cannot be read.
    pub required: bool,
}

/// How a record's value is read.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceFormat {
    /// One of Segment's six calls, as its HTTP API takes them.
    Segment,
    /// Any JSON object; what is needed stands at these places.
    Json { fields: Fields },
}

/// Where a source begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that is still there.
    Earliest,
    /// With what comes from now on.
    Latest,
    /// With the first record that Kafka's own index puts at or after this instant.
    At(Timestamp),
}

impl Start {
    /// Reads `earliest`, `latest` or an instant of RFC 3339; the error says what was expected and found.
    pub fn parse(text: &str) -> Result<Start, String> {
        match text {
            "earliest" => Ok(Start::Earliest),
            "latest" => Ok(Start::Latest),
            other => Timestamp::parse(other).map(Start::At).ok_or_else(|| {
                format!("expected \"earliest\", \"latest\" or a time such as \"2026-03-02T10:00:00Z\", found \"{other}\"")
            }),
        }
    }
}

/// The operator's `[kafka.properties]`.
pub type Properties = BTreeMap<String, String>;

/// Why no client can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("`{name}` in [kafka.properties] is set by outreach itself, always to {value}: remove it")]
    Ours { name: &'static str, value: &'static str },
    #[error("[kafka.properties] has no \"bootstrap.servers\": say where Kafka is")]
    NoServers,
    #[error("[kafka.properties] is refused by librdkafka: {reason}")]
    Refused { reason: String },
    #[error("two sources are named `{name}`: give one of them another name")]
    NamedTwice { name: String },
}

/// Set whatever the operator says.
const OURS: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A position that is gone is an error, never a jump.
    ("auto.offset.reset", "error"),
    // Only the asker wants to hear of ends (`probe`).
    ("enable.partition.eof", "false"),
];

/// Set where the operator says nothing.
const DEFAULTS: [(&str, &str); 10] = [
    // No group is ever joined; the name is needed by `assign`, and shows in the broker's logs and ACLs.
    ("group.id", "outreach"),
    ("client.id", "outreach-ingest"),
    // Full queues would otherwise stop fetching for a whole second: 191 k events/s instead of 1,111 k.
    ("fetch.queue.backoff.ms", "5"),
    ("queued.min.messages", "10000"),
    ("queued.max.messages.kbytes", "16384"),
    // Small answers keep memory small at the same speed. A larger record comes all the same.
    ("fetch.message.max.bytes", "262144"),
    ("check.crcs", "true"),
    ("isolation.level", "read_committed"),
    ("socket.keepalive.enable", "true"),
    // A broker that is back is found within a second, not ten: timers stand still until then.
    ("reconnect.backoff.max.ms", "1000"),
];

/// The configuration of one client: our defaults, overlaid by what the operator wrote.
pub fn client_config(properties: &Properties) -> Result<ClientConfig, ConfigError> {
    if let Some(error) = properties.keys().find_map(|name| ours(name)) {
        return Err(error);
    }
    if !properties.contains_key("bootstrap.servers") && !properties.contains_key("metadata.broker.list") {
        return Err(ConfigError::NoServers);
    }
    let mut config = ClientConfig::new();
    for (name, value) in DEFAULTS.into_iter().chain(OURS) {
        config.set(name, value);
    }
    for (name, value) in properties {
        config.set(name, value);
    }
    // Makes no connection; says at start what is wrong with a name or a value.
    config.create_native_config().map_err(|error| refused(&error))?;
    Ok(config)
}

/// Whether the operator may not set it.
pub(super) fn ours(name: &str) -> Option<ConfigError> {
    let (name, value) = OURS.into_iter().find(|(ours, _)| *ours == name)?;
    Some(ConfigError::Ours { name, value })
}

/// In librdkafka's words, without the value: it may be a password.
pub(super) fn refused(error: &KafkaError) -> ConfigError {
    let reason = match error {
        KafkaError::ClientConfig(_, description, _, _) => description.clone(),
        other => other.to_string(),
    };
    ConfigError::Refused { reason }
}

/// Refuses two sources of one name: marks in the log go by it.
pub fn check_names(sources: &[SourceConfig]) -> Result<(), ConfigError> {
    let mut seen = std::collections::BTreeSet::new();
    match sources.iter().find(|source| !seen.insert(&source.name)) {
        Some(twice) => Err(ConfigError::NamedTwice { name: twice.name.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        let servers = ("bootstrap.servers", "127.0.0.1:9092");
        pairs.iter().chain([&servers]).map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn the_operators_word_stands_over_our_default() {
        let config = client_config(&properties(&[("fetch.queue.backoff.ms", "7")])).unwrap();
        assert_eq!(config.get("fetch.queue.backoff.ms"), Some("7"));
        assert_eq!(config.get("auto.offset.reset"), Some("error"));
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
    }

    #[test]
    fn an_unknown_property_is_refused_in_librdkafkas_words() {
        let error = client_config(&properties(&[("fetch.quue.backoff.ms", "7")])).unwrap_err();
        assert!(error.to_string().contains("No such configuration property"), "{error}");
        assert!(error.to_string().contains("fetch.quue.backoff.ms"), "{error}");
    }

    #[test]
    fn what_is_ours_cannot_be_set() {
        for (name, value) in OURS {
            let error = client_config(&properties(&[(name, "true")])).unwrap_err();
            assert_eq!(error, ConfigError::Ours { name, value });
        }
        assert_eq!(client_config(&Properties::new()).unwrap_err(), ConfigError::NoServers);
    }

    #[test]
    fn a_start_is_a_word_or_an_instant() {
        assert_eq!(Start::parse("latest"), Ok(Start::Latest));
        assert_eq!(
            Start::parse("2026-03-02T10:00:00Z").ok(),
            Timestamp::parse("2026-03-02T10:00:00Z").map(Start::At)
        );
        assert!(Start::parse("yesterday").unwrap_err().contains("found \"yesterday\""));
    }
}

//! The project's Kafka topics, as the copier wants them.

use super::storage::Storage;
use crate::ingest::kafka::config::client_config;
use crate::ingest::kafka::{Fields, KafkaSources, SourceConfig, SourceFormat, SourceState, Start, faults};
use crate::project::{Process, Reading, Source};
use anyhow::{Context, anyhow};

/// Begins to copy all topics of the project; nothing where there are none.
pub fn start(process: &Process, storage: &Storage) -> anyhow::Result<Option<KafkaSources>> {
    if process.sources.is_empty() {
        return Ok(None);
    }
    let configs = process.sources.iter().map(config).collect::<anyhow::Result<Vec<_>>>()?;
    let (log, letters) = (storage.log.clone(), storage.ledger.clone());
    Ok(Some(KafkaSources::start(configs, &process.kafka, log, letters, storage.clock.clone())?))
}

/// Adds all that is wrong with `[kafka.properties]` to the problems of a project. Without sources nothing need be there.
pub fn check(reading: &mut Reading) {
    let Some(process) = &reading.process else { return };
    let has_sources = !process.sources.is_empty();
    for fault in faults(&process.kafka).into_iter().filter(|fault| has_sources || fault.name.is_some()) {
        reading.refuse_property(fault.name.as_deref(), fault.error.to_string(), &fault.help);
    }
}

/// Whether the topics and `[kafka.properties]` are what librdkafka knows: nothing is begun with others.
pub fn ensure_known(process: &Process) -> anyhow::Result<()> {
    if process.sources.is_empty() {
        return Ok(());
    }
    process.sources.iter().try_for_each(|source| config(source).map(drop))?;
    client_config(&process.kafka).map(drop).context("[kafka.properties] of outreach.toml")
}

/// What outreach.toml says of one source.
pub fn config(source: &Source) -> anyhow::Result<SourceConfig> {
    use crate::project::{SourceFormat as Written, SourceStart};
    let format = match &source.format {
        Written::Segment => SourceFormat::Segment,
        Written::Json { fields } => {
            let pairs = fields.iter().map(|(field, pointer)| (field.as_str(), pointer.as_str()));
            let wrong = |reason| anyhow!("source {} of outreach.toml: {reason}", source.name);
            SourceFormat::Json { fields: Fields::new(pairs).map_err(wrong)? }
        }
    };
    Ok(SourceConfig {
        name: source.name.clone(),
        topic: source.topic.clone(),
        format,
        start: match source.start {
            SourceStart::Earliest => Start::Earliest,
            SourceStart::Latest => Start::Latest,
            SourceStart::At(at) => Start::At(at),
        },
        required: source.is_required,
    })
}

/// What keeps required sources from being copied, in words.
pub fn troubles(sources: &KafkaSources) -> Vec<String> {
    let required = sources.status().into_iter().filter(|status| status.required);
    let trouble = |name: String, state| match state {
        SourceState::Starting => Some(format!("source {name} is starting")),
        SourceState::Copying => None,
        SourceState::Waiting { reason } => Some(format!("source {name} waits: {reason}")),
        SourceState::Stopped { reason } => Some(format!("source {name} has stopped: {reason}")),
    };
    required.filter_map(|status| trouble(status.name, status.state)).collect()
}

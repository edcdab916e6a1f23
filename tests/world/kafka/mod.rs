//! A real Kafka broker (one KRaft node) on free loopback ports, its data in a temporary folder.
//!
//! `Kafka::shared` is one broker for all tests of the binary: use topic names of your own there, and leave it running.
//! `Kafka::start` is one that a test may stop, kill and restart on the same ports and data.

pub mod install;
pub mod records;

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

use self::install::Installation;
use super::process::Process;
use super::{ports, wait};

/// 1 s with the archive; after kill -9 up to 3 s more, until the broker's own old session has expired.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A stop by SIGTERM takes half a second.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// For one request to a broker that is up.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

pub struct Kafka {
    broker: Mutex<Broker>,
    port: u16,
}

impl Kafka {
    /// The broker that all tests of this binary share; it ends with the binary.
    pub fn shared() -> &'static Kafka {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        extern "C" fn remove_shared() {
            if let Some(kafka) = SHARED.get() {
                kafka.kill();
                let _ = fs::remove_dir_all(kafka.broker.lock().expect("no panic while held").folder.path());
            }
        }
        SHARED.get_or_init(|| {
            // SAFETY: the hook takes no argument and does not unwind through C: it runs on the exiting thread only.
            unsafe { libc::atexit(remove_shared) };
            Kafka::start()
        })
    }

    /// A broker of the test's own, answering.
    pub fn start() -> Kafka {
        let installation = Installation::get();
        let archive = format!("-XX:SharedArchiveFile={}", installation.archive().display());
        let mut broker = Broker::new(installation, archive);
        broker.start();
        Kafka { port: broker.port, broker: Mutex::new(broker) }
    }

    /// For `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends by SIGTERM: everything on disk, the group coordinator told.
    pub fn stop(&self) {
        self.broker.lock().expect("no panic while held").terminate(STOPPED_WITHIN);
    }

    /// kill -9.
    pub fn kill(&self) {
        self.broker.lock().expect("no panic while held").process = None;
    }

    /// Starts again on the same ports and data, after `stop` or `kill` (or in their stead: by kill).
    pub fn restart(&self) {
        let mut broker = self.broker.lock().expect("no panic while held");
        broker.process = None;
        broker.start();
    }

    /// Creates a topic and waits until the broker serves it; `config` as in `("retention.ms", "1000")`.
    pub fn create_topic(&self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (key, value) in config {
            topic = topic.set(key, value);
        }
        let created = finished(self.admin().create_topics([&topic], &options()));
        created.expect("an answer")[0].as_ref().unwrap_or_else(|error| panic!("topic {name}: {error:?}"));
        wait::until("the new topic has leaders", ANSWER_WITHIN, || {
            self.partitions(name).is_some_and(|found| found == partitions)
        });
    }

    /// Deletes a topic and waits until it is gone.
    pub fn delete_topic(&self, name: &str) {
        let deleted = finished(self.admin().delete_topics(&[name], &options()));
        deleted.expect("an answer")[0].as_ref().unwrap_or_else(|error| panic!("topic {name}: {error:?}"));
        wait::until("the topic is gone", ANSWER_WITHIN, || self.partitions(name).is_none());
    }

    /// Moves the partition's first offset up to `before`, as retention does.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(before)).expect("an offset");
        finished(self.admin().delete_records(&offsets, &options())).expect("records deleted");
    }

    /// (first offset, next offset) of a partition.
    pub fn watermarks(&self, topic: &str, partition: i32) -> (i64, i64) {
        self.client().fetch_watermarks(topic, partition, ANSWER_WITHIN).expect("watermarks")
    }

    /// What a group has committed for a partition, if anything.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let client: BaseConsumer = self.config().set("group.id", group).create().expect("a consumer");
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, partition);
        let committed = client.committed_offsets(asked, ANSWER_WITHIN).expect("the group's offsets");
        match committed.elements()[0].offset() {
            Offset::Offset(offset) => Some(offset),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
                None
            }
        }
    }

    /// The number of partitions with a leader; none if the topic is unknown.
    fn partitions(&self, topic: &str) -> Option<i32> {
        let metadata = self.client().fetch_metadata(Some(topic), ANSWER_WITHIN).ok()?;
        let found =
            metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none())?;
        let led = found.partitions().iter().filter(|partition| partition.leader() >= 0).count();
        (led > 0).then(|| i32::try_from(led).expect("few partitions"))
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap()).set("reconnect.backoff.max.ms", "200");
        config
    }

    fn client(&self) -> BaseConsumer {
        self.config().create().expect("a consumer")
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().expect("an admin client")
    }
}

/// One node: its folder and ports, and its process while it runs.
struct Broker {
    installation: Installation,
    jvm_option: String,
    /// Before the folder, so that it is dropped first: a living broker writes into the folder while it is removed.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl Broker {
    fn new(installation: &Installation, jvm_option: String) -> Broker {
        let folder =
            tempfile::Builder::new().prefix("outreach-kafka-").tempdir().expect("a temporary folder");
        let (port, controller_port) = (ports::free(), ports::free());
        let data = folder.path().join("data");
        installation.copy_formatted(&data);
        fs::write(folder.path().join("server.properties"), server_properties(port, controller_port, &data))
            .expect("the broker's properties");
        fs::write(folder.path().join("log4j2.properties"), include_str!("log4j2.properties"))
            .expect("the log's properties");
        Broker { installation: installation.clone(), jvm_option, folder, port, process: None }
    }

    /// Starts the process and waits for its first answer to a client.
    fn start(&mut self) {
        let folder = self.folder.path();
        let mut java = self.installation.java();
        java.arg(&self.jvm_option);
        for setting in ["kafka.logs.dir", "java.io.tmpdir"] {
            java.arg(format!("-D{setting}={}", folder.display()));
        }
        java.arg(format!("-Dlog4j2.configurationFile=file:{}/log4j2.properties", folder.display()));
        java.arg("kafka.Kafka").arg(folder.join("server.properties"));
        let mut process = Process::start(java, &folder.join("broker.log")).expect("java starts");
        let port = self.port;
        let ready = wait::for_value(READY_WITHIN, || match process.ended() {
            Some(status) => Some(Err(format!("it ended with {status}"))),
            None => answers(port).then_some(Ok(())),
        });
        match ready.unwrap_or_else(|| Err(format!("no answer within {READY_WITHIN:?}"))) {
            Ok(()) => self.process = Some(process),
            Err(why) => panic!("expected a broker on port {port}: {why}\n{}", process.log_tail()),
        }
    }

    fn terminate(&mut self, at_most: Duration) {
        if let Some(mut process) = self.process.take() {
            process.terminate();
            let status = process.wait(at_most);
            assert!(status.is_some(), "the broker took longer than {at_most:?} to stop");
        }
    }
}

fn answers(port: u16) -> bool {
    // A refused connection first: librdkafka would back off between its tries.
    if TcpStream::connect(("127.0.0.1", port)).is_err() {
        return false;
    }
    let client: Result<BaseConsumer, _> =
        ClientConfig::new().set("bootstrap.servers", format!("127.0.0.1:{port}")).create();
    let metadata = client.expect("a consumer").fetch_metadata(None, Duration::from_secs(2));
    metadata.is_ok_and(|metadata| !metadata.brokers().is_empty())
}

fn server_properties(port: u16, controller_port: u16, data: &Path) -> String {
    include_str!("server.properties")
        .replace("@BROKER_PORT@", &port.to_string())
        .replace("@CONTROLLER_PORT@", &controller_port.to_string())
        .replace("@DATA@", &data.display().to_string())
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN)).request_timeout(Some(ANSWER_WITHIN))
}

/// Waits for a future of rdkafka's, which its own threads drive; works inside a runtime too.
fn finished<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

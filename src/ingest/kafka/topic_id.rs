//! The identity of a topic: the id that Kafka gives it when it is created, and never gives again.
//!
//! rdkafka has no safe call for it, so this file asks librdkafka itself (`rd_kafka_DescribeTopics`). It is the only
//! unsafe code of the sources. Invariants: every pointer that librdkafka hands over is owned by a [`Owned`] and given
//! back once; what is borrowed from a result is copied before the result is.

use rdkafka::client::{Client, ClientContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys as sys;
use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt;
use std::time::Duration;

/// A topic's id, as Kafka prints it: 22 characters of base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicId(String);

/// What a topic is at one moment: its id, and how many partitions it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicIdentity {
    pub id: TopicId,
    pub partitions: u32,
}

/// Why the identity is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicIdError {
    #[error("the topic `{topic}` does not exist")]
    NoTopic { topic: String },
    #[error("no broker described the topic `{topic}`: {reason}")]
    Unavailable { topic: String, reason: String },
}

impl TopicId {
    pub fn from_bits(most: i64, least: i64) -> TopicId {
        use base64::Engine;
        let bytes: Vec<u8> = most.to_be_bytes().into_iter().chain(least.to_be_bytes()).collect();
        TopicId(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Brokers before Kafka 2.8 give no ids: all their topics have this one.
    pub fn is_absent(&self) -> bool {
        *self == TopicId::from_bits(0, 0)
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Asks a broker what `topic` is. Waits up to `timeout`, and not for the thread that polls `client`.
pub fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<TopicIdentity, TopicIdError> {
    let unavailable = |reason: String| TopicIdError::Unavailable { topic: topic.to_owned(), reason };
    let event = describe(client, topic, timeout).map_err(unavailable)?;
    // SAFETY: the event is alive for the whole block, and with it the description that is borrowed from it: numbers
    // and texts are copied before the block ends. Null is checked wherever librdkafka may answer with it.
    unsafe {
        let code = sys::rd_kafka_event_error(event.pointer);
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(unavailable(words(sys::rd_kafka_err2str(code))));
        }
        let mut count = 0;
        let result = sys::rd_kafka_event_DescribeTopics_result(event.pointer);
        if result.is_null() {
            return Err(unavailable("the answer is none to a description".into()));
        }
        let descriptions = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if descriptions.is_null() || count == 0 {
            return Err(unavailable("the answer describes nothing".into()));
        }
        let description = *descriptions;
        let error = sys::rd_kafka_TopicDescription_error(description);
        if !error.is_null() {
            let code = sys::rd_kafka_error_code(error);
            return Err(match RDKafkaErrorCode::from(code) {
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
                    TopicIdError::NoTopic { topic: topic.to_owned() }
                }
                // The codes are librdkafka's, and many: all others say themselves what is wrong.
                _ if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                    unavailable("no reason".into())
                }
                _ => unavailable(words(sys::rd_kafka_error_string(error))),
            });
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(description);
        let mut partitions = 0;
        sys::rd_kafka_TopicDescription_partitions(description, &mut partitions);
        if id.is_null() || partitions == 0 {
            return Err(unavailable("the broker does not know the topic's partitions yet".into()));
        }
        Ok(TopicIdentity {
            id: TopicId::from_bits(
                sys::rd_kafka_Uuid_most_significant_bits(id),
                sys::rd_kafka_Uuid_least_significant_bits(id),
            ),
            partitions: u32::try_from(partitions).map_err(|_| unavailable("too many partitions".into()))?,
        })
    }
}

/// How much longer than the request itself its answer is waited for: librdkafka answers a timed out request too.
const ANSWER_MARGIN: Duration = Duration::from_secs(1);

fn describe<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Owned<sys::rd_kafka_event_t>, String> {
    let name = CString::new(topic).map_err(|_| "its name holds a NUL".to_owned())?;
    let mut names: [*const c_char; 1] = [name.as_ptr()];
    let mut words_of_error: [c_char; 512] = [0; 512];
    let rk = client.native_ptr();
    // SAFETY: `rk` lives as long as `client`, which is borrowed. `names` outlives the call that copies it. What is
    // created here is given back by its `Owned` at the end; a request that outlives this call holds its own reference
    // to the queue. The buffer's length is the one that is passed.
    unsafe {
        let topics = Owned::new(
            sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            sys::rd_kafka_TopicCollection_destroy,
        )?;
        let queue = Owned::new(sys::rd_kafka_queue_new(rk), sys::rd_kafka_queue_destroy)?;
        let options = Owned::new(
            sys::rd_kafka_AdminOptions_new(rk, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS),
            sys::rd_kafka_AdminOptions_destroy,
        )?;
        let code = sys::rd_kafka_AdminOptions_set_request_timeout(
            options.pointer,
            milliseconds(timeout),
            words_of_error.as_mut_ptr(),
            words_of_error.len(),
        );
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(words(words_of_error.as_ptr()));
        }
        sys::rd_kafka_DescribeTopics(rk, topics.pointer, options.pointer, queue.pointer);
        let event = sys::rd_kafka_queue_poll(queue.pointer, milliseconds(timeout + ANSWER_MARGIN));
        Owned::new(event, sys::rd_kafka_event_destroy).map_err(|_| "no answer in time".to_owned())
    }
}

fn milliseconds(length: Duration) -> c_int {
    c_int::try_from(length.as_millis()).unwrap_or(c_int::MAX)
}

/// A pointer that librdkafka handed over, and the call that gives it back.
struct Owned<T> {
    pointer: *mut T,
    give_back: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    fn new(pointer: *mut T, give_back: unsafe extern "C" fn(*mut T)) -> Result<Owned<T>, String> {
        if pointer.is_null() {
            Err("librdkafka gave nothing".into())
        } else {
            Ok(Owned { pointer, give_back })
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is not null, came with this function, and is given back here only.
        unsafe { (self.give_back)(self.pointer) }
    }
}

/// Copies a text of librdkafka.
///
/// # Safety
/// `text` is null, or ends with a NUL and lives during the call.
unsafe fn words(text: *const c_char) -> String {
    if text.is_null() {
        return "no reason given".into();
    }
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer};

    #[test]
    fn an_id_prints_as_kafka_prints_it() {
        assert_eq!(TopicId::from_bits(0x4000, i64::MIN + 1).as_str(), "AAAAAAAAQACAAAAAAAAAAQ");
        assert!(TopicId::from_bits(0, 0).is_absent());
    }

    #[test]
    fn a_broker_that_is_not_there_is_an_error_in_time() {
        let client: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", "127.0.0.1:1").create().unwrap();
        let error = topic_id(client.client(), "events", Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, TopicIdError::Unavailable { .. }), "{error}");
    }
}

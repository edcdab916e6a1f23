-- Times are microseconds since 1970-01-01T00:00:00Z. Tables that grow are keyed by time, so that they grow at their end.

-- How far the effects of each partition are written: the fence.
CREATE TABLE shard (
    partition INTEGER PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

-- What was decided about a step for a person. Never changed, save where a person is erased.
CREATE TABLE decision (
    judged_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    partition INTEGER NOT NULL,
    subject TEXT NOT NULL,
    rule TEXT NOT NULL,
    release TEXT NOT NULL,
    key TEXT NOT NULL,
    step TEXT NOT NULL,
    channel TEXT NOT NULL,
    template TEXT NOT NULL,
    topic TEXT,
    verdict TEXT NOT NULL,
    refusal TEXT,
    is_transactional INTEGER NOT NULL,
    on_cap TEXT NOT NULL,
    triggered_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- As it was given; absent where nothing is sent by mail.
    address TEXT,
    zone TEXT NOT NULL,
    -- JSON: [[what, value, event or null], …]
    facts TEXT NOT NULL,
    PRIMARY KEY (judged_at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX decision_by_subject ON decision (subject, judged_at);

-- What a template reads: a table of its own, so that it can go earlier than the decision, from the front.
CREATE TABLE render (
    judged_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    context TEXT NOT NULL,
    PRIMARY KEY (judged_at, id)
) STRICT, WITHOUT ROWID;

-- Where the message of a decision stands. What never changes stands in the decision.
CREATE TABLE message (
    judged_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    state TEXT NOT NULL,
    state_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    -- What the channel kept or answered.
    detail TEXT,
    -- It was taken back while it was leaving: should it come back, it ends.
    cancel_reason TEXT,
    -- The address folded for comparing; empty for channels without one.
    recipient TEXT NOT NULL,
    channel TEXT NOT NULL,
    is_transactional INTEGER NOT NULL,
    PRIMARY KEY (judged_at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_by_id ON message (id);
CREATE INDEX message_waiting ON message (next_at) WHERE state IN ('queued', 'held');
CREATE INDEX message_leaving ON message (state_at) WHERE state = 'leaving';
-- What counts for caps.
CREATE INDEX message_counted ON message (recipient, state_at)
    WHERE state IN ('leaving', 'sent', 'unknown') AND is_transactional = 0;

-- How many messages stand in each state: kept with every move, since counting a year of messages takes seconds.
CREATE TABLE message_count (
    state TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How often a trigger held and no journey began, by hour.
CREATE TABLE non_entry (
    hour_at INTEGER NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour_at, rule, reason)
) STRICT, WITHOUT ROWID;

-- Records on their way back into the log. A sequence is never given twice.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL,
    record BLOB NOT NULL
) STRICT;

-- What an address (folded) does not want; the topic is empty for everything.
CREATE TABLE suppression (
    address TEXT NOT NULL,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (address, topic, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE release (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    bundle BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The release announced last: one row.
CREATE TABLE announced (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    release TEXT NOT NULL,
    is_complete INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Holds by operators; the rule is empty for everything.
CREATE TABLE pause (
    rule TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL
) STRICT;

CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    topic TEXT,
    partition INTEGER,
    topic_offset INTEGER,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    replayed_at INTEGER
) STRICT;

-- A topic that is read again adds no letter twice.
CREATE UNIQUE INDEX dead_letter_by_origin ON dead_letter (source, topic, partition, topic_offset) WHERE topic IS NOT NULL;
CREATE INDEX dead_letter_by_age ON dead_letter (received_at);

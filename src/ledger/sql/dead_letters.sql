-- name: insert_of_topic
-- A topic that is read again adds no letter twice.
INSERT INTO dead_letter (source, topic, partition, topic_offset, code, reason, payload, received_at, replayed_at, kind)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (source, topic, partition, topic_offset) WHERE topic IS NOT NULL DO NOTHING;

-- name: insert_by_content
-- What comes again, as after a 503, is counted.
INSERT INTO dead_letter (source, hash, code, reason, payload, received_at, replayed_at, kind)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (source, hash) WHERE hash IS NOT NULL DO UPDATE SET count = dead_letter.count + 1;

-- name: after
SELECT id, source, topic, partition, topic_offset, code, reason, payload, received_at, replayed_at, count, kind
FROM dead_letter WHERE id > $1 ORDER BY id LIMIT $2;

-- name: one
SELECT id, source, topic, partition, topic_offset, code, reason, payload, received_at, replayed_at, count, kind
FROM dead_letter WHERE id = $1;

-- name: set_replayed
UPDATE dead_letter SET replayed_at = $1 WHERE id = $2;

-- name: retire
-- The letters of a topic that was created anew give their places free.
UPDATE dead_letter SET topic = topic || $1 WHERE source = $2 AND topic IS NOT NULL;

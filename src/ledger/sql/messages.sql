-- name: due
SELECT
    m.judged_at, m.id, m.state, m.state_at, m.reason, m.next_at, m.attempts,
    d.partition, d.rule, d.release, d.subject, d.step, d.channel, d.template, d.topic, d.address, d.is_transactional,
    d.on_cap, d.zone, d.due_at, d.expires_at, r.context
FROM message m
JOIN decision d ON d.judged_at = m.judged_at AND d.id = m.id
LEFT JOIN render r ON r.judged_at = m.judged_at AND r.id = m.id
WHERE m.state IN ('queued', 'held') AND m.channel = $1 AND m.next_at <= $2
ORDER BY m.next_at, m.judged_at, m.id
LIMIT $3;

-- name: leaving
SELECT
    m.judged_at, m.id, m.state, m.state_at, m.reason, m.next_at, m.attempts,
    d.partition, d.rule, d.release, d.subject, d.step, d.channel, d.template, d.topic, d.address, d.is_transactional,
    d.on_cap, d.zone, d.due_at, d.expires_at, r.context
FROM message m
JOIN decision d ON d.judged_at = m.judged_at AND d.id = m.id
LEFT JOIN render r ON r.judged_at = m.judged_at AND r.id = m.id
WHERE m.state = 'leaving' AND m.state_at < $1
ORDER BY m.state_at, m.judged_at, m.id;

-- name: one
SELECT
    m.judged_at, m.id, m.state, m.state_at, m.reason, m.next_at, m.attempts,
    d.partition, d.rule, d.release, d.subject, d.step, d.channel, d.template, d.topic, d.address, d.is_transactional,
    d.on_cap, d.zone, d.due_at, d.expires_at, r.context
FROM message m
JOIN decision d ON d.judged_at = m.judged_at AND d.id = m.id
LEFT JOIN render r ON r.judged_at = m.judged_at AND r.id = m.id
WHERE m.judged_at = $1 AND m.id = $2;

-- name: key_of
SELECT judged_at FROM message WHERE id = $1 ORDER BY judged_at LIMIT 1;

-- name: next_at
SELECT min(next_at) FROM message WHERE state IN ('queued', 'held') AND channel = $1;

-- name: stands
SELECT state FROM message WHERE judged_at = $1 AND id = $2;

-- name: set_leaving
UPDATE message SET state = 'leaving', state_at = $1, attempts = attempts + 1, reason = NULL
WHERE judged_at = $2 AND id = $3;

-- name: set_waiting
UPDATE message SET state = $1, state_at = $2, next_at = $3, reason = $4 WHERE judged_at = $5 AND id = $6;

-- name: set_cancel_reason
UPDATE message SET cancel_reason = $1 WHERE judged_at = $2 AND id = $3;

-- name: cancel_reason
SELECT cancel_reason FROM message WHERE judged_at = $1 AND id = $2 AND cancel_reason IS NOT NULL;

-- name: kept
SELECT detail FROM message WHERE judged_at = $1 AND id = $2;

-- name: set_ended
UPDATE message SET state = $1, state_at = $2, reason = $3, detail = $4 WHERE judged_at = $5 AND id = $6;

-- name: whose
-- Whom an outcome is about, and which partition hears of it.
SELECT partition, subject, channel, expires_at FROM decision WHERE judged_at = $1 AND id = $2;

-- name: counted
-- A leaving message counts as now, one that left by the time of its outcome.
SELECT channel, CASE state WHEN 'leaving' THEN $1 ELSE state_at END
FROM message
WHERE recipient = $2 AND state IN ('leaving', 'sent', 'unknown') AND is_transactional = 0
    AND (state = 'leaving' OR state_at >= $3)
ORDER BY 2, judged_at, id;

-- name: add_to_count
INSERT INTO message_count (state, count) VALUES ($1, $2)
ON CONFLICT (state) DO UPDATE SET count = message_count.count + excluded.count;

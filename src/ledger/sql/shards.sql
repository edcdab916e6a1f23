-- name: position
SELECT position FROM shard WHERE partition = $1;

-- name: begin
-- A partition without a row stands at 0.
INSERT INTO shard (partition, position) VALUES ($1, 0) ON CONFLICT (partition) DO NOTHING;

-- name: move_position
-- The fence: changes no row where the position is not what its owner knows.
UPDATE shard SET position = $1 WHERE partition = $2 AND position = $3;

-- name: insert_decision
INSERT INTO decision (
    judged_at, id, partition, subject, rule, release, key, step, channel, template, topic, verdict, refusal,
    is_transactional, on_cap, triggered_at, due_at, expires_at, address, zone, facts
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21);

-- name: insert_render
INSERT INTO render (judged_at, id, context) VALUES ($1, $2, $3);

-- name: insert_message
INSERT INTO message (judged_at, id, state, state_at, next_at, recipient, channel, is_transactional)
VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7);

-- name: count_non_entry
INSERT INTO non_entry (hour_at, rule, reason, count) VALUES ($1, $2, $3, $4)
ON CONFLICT (hour_at, rule, reason) DO UPDATE SET count = non_entry.count + excluded.count;

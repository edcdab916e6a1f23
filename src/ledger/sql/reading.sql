-- name: entries
SELECT
    d.judged_at, d.id, d.subject, d.rule, d.release, d.key, d.step, d.channel, d.template, d.topic, d.verdict, d.refusal,
    d.is_transactional, d.on_cap, d.triggered_at, d.due_at, d.expires_at, d.address, d.zone, d.facts,
    r.context, m.state, m.state_at, m.reason, i.dismissed_at, i.cancelled_at, m.cancel_reason
FROM decision d
LEFT JOIN render r ON r.judged_at = d.judged_at AND r.id = d.id
LEFT JOIN message m ON m.judged_at = d.judged_at AND m.id = d.id
LEFT JOIN inbox i ON i.judged_at = d.judged_at AND i.id = d.id
WHERE d.subject = $1
ORDER BY d.judged_at DESC, d.id DESC
LIMIT $2;

-- name: message_counts
SELECT state, count FROM message_count WHERE count > 0;

-- name: forget_letters
DELETE FROM dead_letter WHERE received_at < $1;

-- name: forget_renders
-- A message that has not ended still needs its own.
DELETE FROM render WHERE judged_at < $1 AND NOT EXISTS (
    SELECT 1 FROM message m
    WHERE m.judged_at = render.judged_at AND m.id = render.id AND m.state IN ('queued', 'held', 'leaving')
);

-- name: forget_words
-- What a message said, and what a mail server answered, may name people.
UPDATE message SET detail = NULL, reason = CASE WHEN state IN ('failed', 'unknown') THEN NULL ELSE reason END
WHERE judged_at < $1 AND state NOT IN ('queued', 'held', 'leaving')
    AND (detail IS NOT NULL OR (reason IS NOT NULL AND state IN ('failed', 'unknown')));

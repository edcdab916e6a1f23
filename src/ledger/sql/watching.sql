-- What those who watch ask: all of it goes by time, from the end of the tables.

-- name: newest
SELECT
    d.judged_at, d.id, d.subject, d.rule, d.release, d.key, d.step, d.channel, d.template, d.topic, d.verdict, d.refusal,
    d.is_transactional, d.on_cap, d.triggered_at, d.due_at, d.expires_at, d.address, d.zone, d.facts,
    NULL, m.state, m.state_at, m.reason, i.dismissed_at, i.cancelled_at, m.cancel_reason
FROM decision d
LEFT JOIN message m ON m.judged_at = d.judged_at AND m.id = d.id
LEFT JOIN inbox i ON i.judged_at = d.judged_at AND i.id = d.id
ORDER BY d.judged_at DESC, d.id DESC
LIMIT $1;

-- name: newest_of_rule
-- No index by rule: bounded by time, and by what is found.
SELECT
    d.judged_at, d.id, d.subject, d.rule, d.release, d.key, d.step, d.channel, d.template, d.topic, d.verdict, d.refusal,
    d.is_transactional, d.on_cap, d.triggered_at, d.due_at, d.expires_at, d.address, d.zone, d.facts,
    NULL, m.state, m.state_at, m.reason, i.dismissed_at, i.cancelled_at, m.cancel_reason
FROM decision d
LEFT JOIN message m ON m.judged_at = d.judged_at AND m.id = d.id
LEFT JOIN inbox i ON i.judged_at = d.judged_at AND i.id = d.id
WHERE d.judged_at >= $1 AND d.rule = $2
ORDER BY d.judged_at DESC, d.id DESC
LIMIT $3;

-- name: tallies
-- A million decisions take about a second.
SELECT d.rule, d.step, d.verdict, d.refusal, m.state, count(*), count(i.seen_at), count(i.clicked_at)
FROM (
    SELECT judged_at, id, rule, step, verdict, refusal
    FROM decision
    WHERE judged_at >= $1
    ORDER BY judged_at DESC, id DESC
    LIMIT $2
) d
LEFT JOIN message m ON m.judged_at = d.judged_at AND m.id = d.id
LEFT JOIN inbox i ON i.judged_at = d.judged_at AND i.id = d.id
GROUP BY d.rule, d.step, d.verdict, d.refusal, m.state;

-- name: non_entries
SELECT rule, reason, sum(count) FROM non_entry WHERE hour_at >= $1 GROUP BY rule, reason ORDER BY rule, sum(count) DESC;

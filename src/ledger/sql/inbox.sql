-- name: keep
INSERT INTO inbox (judged_at, id, subject, kept_at, expires_at, change) VALUES ($1, $2, $3, $4, $5, $6);

-- name: next_change
UPDATE inbox_change SET last = last + 1 RETURNING last;

-- name: last_change
SELECT last FROM inbox_change;

-- name: take_back
UPDATE inbox SET cancelled_at = $1, change = $2 WHERE judged_at = $3 AND id = $4;

-- name: is_shown
SELECT 1 FROM inbox
WHERE judged_at = $1 AND id = $2 AND expires_at > $3 AND dismissed_at IS NULL AND cancelled_at IS NULL;

-- name: shown
-- What is shown now, newest first, from behind a place.
SELECT
    i.judged_at, i.id, i.kept_at, i.expires_at, i.seen_at, i.clicked_at, i.dismissed_at, i.cancelled_at, i.change,
    d.topic, m.detail
FROM inbox i
JOIN decision d ON d.judged_at = i.judged_at AND d.id = i.id
JOIN message m ON m.judged_at = i.judged_at AND m.id = i.id
WHERE i.subject = $1 AND i.expires_at > $2 AND i.dismissed_at IS NULL AND i.cancelled_at IS NULL
    AND m.detail IS NOT NULL AND (i.kept_at, i.id) < ($3, $4)
ORDER BY i.kept_at DESC, i.id DESC
LIMIT $5;

-- name: changed
-- All that changed behind a number, in the order of the changes, gone or not.
SELECT
    i.judged_at, i.id, i.kept_at, i.expires_at, i.seen_at, i.clicked_at, i.dismissed_at, i.cancelled_at, i.change,
    d.topic, m.detail
FROM inbox i
JOIN decision d ON d.judged_at = i.judged_at AND d.id = i.id
JOIN message m ON m.judged_at = i.judged_at AND m.id = i.id
WHERE i.subject = $1 AND i.change > $2
ORDER BY i.change
LIMIT $3;

-- name: one
SELECT
    i.judged_at, i.id, i.kept_at, i.expires_at, i.seen_at, i.clicked_at, i.dismissed_at, i.cancelled_at, i.change,
    d.topic, m.detail
FROM inbox i
JOIN message m ON m.judged_at = i.judged_at AND m.id = i.id
JOIN decision d ON d.judged_at = i.judged_at AND d.id = i.id
WHERE m.id = $1 AND i.subject = $2
LIMIT 1;

-- name: counts
SELECT count(*), count(*) FILTER (WHERE i.seen_at IS NULL)
FROM inbox i
JOIN message m ON m.judged_at = i.judged_at AND m.id = i.id
WHERE i.subject = $1 AND i.expires_at > $2 AND i.dismissed_at IS NULL AND i.cancelled_at IS NULL
    AND m.detail IS NOT NULL;

-- name: expired
SELECT id FROM inbox
WHERE subject = $1 AND expires_at > $2 AND expires_at <= $3 AND dismissed_at IS NULL AND cancelled_at IS NULL
ORDER BY expires_at, id;

-- name: next_expiry
SELECT min(expires_at) FROM inbox WHERE subject = $1 AND expires_at > $2;

-- name: whose_changed
-- Whom the newest changes are about, for those who wait for theirs.
SELECT change, subject FROM inbox WHERE change > $1 ORDER BY change LIMIT $2;

-- name: set_reactions
UPDATE inbox SET seen_at = $1, clicked_at = $2, dismissed_at = $3, change = $4 WHERE judged_at = $5 AND id = $6;

-- name: rules
SELECT DISTINCT d.rule
FROM inbox i
JOIN decision d ON d.judged_at = i.judged_at AND d.id = i.id
WHERE i.expires_at > $1 AND i.dismissed_at IS NULL AND i.cancelled_at IS NULL
ORDER BY d.rule;

-- name: of_rule
SELECT i.judged_at, i.id
FROM inbox i
JOIN decision d ON d.judged_at = i.judged_at AND d.id = i.id
WHERE i.expires_at > $1 AND i.dismissed_at IS NULL AND i.cancelled_at IS NULL AND d.rule = $2;

-- name: forget
DELETE FROM inbox WHERE judged_at < $1;

-- name: insert
-- A release is named by its content: one that is there already is the same.
INSERT INTO release (id, bundle, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING;

-- name: one
SELECT id, bundle, created_at FROM release WHERE id = $1;

-- name: all
SELECT id, bundle, created_at FROM release ORDER BY sequence;

-- name: announced
SELECT release, is_complete FROM announced;

-- name: set_announced
INSERT INTO announced (one, release, is_complete, at) VALUES (1, $1, $2, $3)
ON CONFLICT (one) DO UPDATE SET release = excluded.release, is_complete = excluded.is_complete, at = excluded.at;

-- name: pauses
SELECT rule, since FROM pause ORDER BY rule;

-- name: pause
-- The first time is kept.
INSERT INTO pause (rule, since) VALUES ($1, $2) ON CONFLICT (rule) DO NOTHING;

-- name: resume
DELETE FROM pause WHERE rule = $1;

-- name: audit
INSERT INTO audit (at, who, what) VALUES ($1, $2, $3);

-- name: wake
-- What is due is looked at anyway. The condition is that of the index, whose few rows alone are read.
UPDATE message SET next_at = $1
WHERE state IN ('queued', 'held') AND channel = $2 AND next_at > $1 AND state = 'held' AND reason = 'paused';

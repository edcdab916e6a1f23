-- name: suppressions
SELECT address, topic, kind, at FROM suppression WHERE address = $1 ORDER BY topic, kind;

-- name: suppress
-- The first time is kept: since then nothing should have been sent.
INSERT INTO suppression (address, topic, kind, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (address, topic, kind) DO NOTHING;

-- name: lift
DELETE FROM suppression WHERE address = $1 AND topic = $2 AND kind = $3;

-- name: push_outbox
INSERT INTO outbox (partition, record) VALUES ($1, $2);

-- name: outbox
SELECT sequence, partition, record FROM outbox ORDER BY sequence LIMIT $1;

-- name: delete_outbox
DELETE FROM outbox WHERE sequence <= $1;

-- What a person's product shows: an in-product message that was kept. What it says stands in the message, what never
-- changes in the decision.
CREATE TABLE inbox (
    judged_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    subject TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    seen_at INTEGER,
    clicked_at INTEGER,
    dismissed_at INTEGER,
    -- Taken back after it was kept.
    cancelled_at INTEGER,
    -- Rises with every change of any row: whoever has seen one number goes on behind it.
    change INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (judged_at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX inbox_by_subject ON inbox (subject, kept_at, id);
CREATE INDEX inbox_by_expiry ON inbox (subject, expires_at);

-- The number of the newest change: one row. A number is never given twice, whatever is forgotten.
CREATE TABLE inbox_change (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO inbox (judged_at, id, subject, kept_at, expires_at, change)
SELECT
    m.judged_at, m.id, d.subject, m.state_at, d.expires_at, row_number() OVER (ORDER BY m.state_at, m.judged_at, m.id)
FROM message m
JOIN decision d ON d.judged_at = m.judged_at AND d.id = m.id
WHERE m.channel = 'in_product' AND m.state = 'sent';

INSERT INTO inbox_change (one, last) SELECT 1, count(*) FROM inbox;

-- A letter without a place in a topic is known by its source and its content: a client that sends again adds none.
-- Letters from before have no hash, and stay as they are.
ALTER TABLE dead_letter ADD COLUMN hash BLOB;
ALTER TABLE dead_letter ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX dead_letter_by_content ON dead_letter (source, hash) WHERE hash IS NOT NULL;

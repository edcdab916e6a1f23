-- Each channel's messages are looked for by themselves: those of one are found behind a queue of another's at once.
DROP INDEX message_waiting;
CREATE INDEX message_waiting ON message (channel, next_at) WHERE state IN ('queued', 'held');

-- The kind that the path of a request gave to an event without one (track 0, identify 1, …): without it no such letter
-- could be replayed. Letters from before do not know it.
ALTER TABLE dead_letter ADD COLUMN kind INTEGER;

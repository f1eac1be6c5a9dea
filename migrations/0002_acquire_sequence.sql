-- Which acquire granted an attempt, so that an acquire whose answer was lost gets the same leases again, also from a
-- coordinator that was restarted in between. Grows with every acquire of a worker's incarnation; 0 = granted before
-- this was written down.
ALTER TABLE attempts ADD COLUMN acquire_sequence INTEGER NOT NULL DEFAULT 0;

-- What a CollectGarbage deleted, so that repeating its request tells the same. Goes with the request.
CREATE TABLE collected_checkpoints (
  request TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  token INTEGER NOT NULL,
  step INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  reason TEXT NOT NULL,                     -- why nothing needed it
  PRIMARY KEY (request, position)
) STRICT, WITHOUT ROWID;

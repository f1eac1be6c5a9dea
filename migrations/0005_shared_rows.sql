-- Smaller rows for what there is one of with every trial: with 20 metric values a trial, a tenth of the file.

-- What attempts have in common. Rows are never removed: there are as many as workers, and as set-ups that trainers had.
CREATE TABLE worker_names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE                 -- also of workers that never registered, or are not known any more
) STRICT;
INSERT INTO worker_names (name) SELECT worker FROM attempts GROUP BY worker ORDER BY min(token);

CREATE TABLE environments (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,                     -- '' until the trainer has started, like the rest
  trainer_version TEXT NOT NULL,
  libtorch_version TEXT NOT NULL,
  threads INTEGER NOT NULL,
  dataset_hash TEXT NOT NULL,
  UNIQUE (device, trainer_version, libtorch_version, threads, dataset_hash)
) STRICT;
INSERT INTO environments (device, trainer_version, libtorch_version, threads, dataset_hash)
  SELECT device, trainer_version, libtorch_version, threads, dataset_hash FROM attempts GROUP BY 1, 2, 3, 4, 5
  ORDER BY min(token);

-- One lease of a trial by one worker.
CREATE TABLE new_attempts (
  token INTEGER PRIMARY KEY,                -- the fencing token; grows over all trials of the coordinator
  study INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  worker INTEGER NOT NULL REFERENCES worker_names (id),
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,                    -- LIVE, COMPLETED, PAUSED, PRUNED, FAILED, INFEASIBLE, CANCELLED, LOST, PREEMPTED
  reason TEXT NOT NULL,
  resumed_step INTEGER,                     -- NULL = it has not reported yet
  archived_after INTEGER,                   -- its measurements past this step no longer count; NULL = all count
  environment INTEGER NOT NULL REFERENCES environments (id),
  acquire_sequence INTEGER NOT NULL,        -- of the acquire that granted it; 0 = not known
  FOREIGN KEY (study, trial) REFERENCES trials (study, number) ON DELETE CASCADE
) STRICT;
INSERT INTO new_attempts
  SELECT a.token, a.study, a.trial, w.id, a.started_ms, a.ended_ms, a.outcome, a.reason, a.resumed_step, a.archived_after, e.id,
         a.acquire_sequence
  FROM attempts a CROSS JOIN worker_names w ON w.name = a.worker
  CROSS JOIN environments e USING (device, trainer_version, libtorch_version, threads, dataset_hash)
  ORDER BY a.token;
DROP TABLE attempts;
ALTER TABLE new_attempts RENAME TO attempts;
CREATE INDEX attempts_by_trial ON attempts (study, trial);
CREATE INDEX attempts_live ON attempts (study) WHERE outcome = 'LIVE';

-- The configuration of a trial; an inactive parameter has no row. Without a kind, because how SQLite stores a value tells.
CREATE TABLE new_trial_values (
  study INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  parameter INTEGER NOT NULL,               -- parameters.position
  value ANY,                                -- INTEGER int, REAL float (NaN is NULL), TEXT string, x'00' or x'01' bool
  PRIMARY KEY (study, trial, parameter),
  FOREIGN KEY (study, trial) REFERENCES trials (study, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO new_trial_values
  SELECT study, trial, parameter, CASE kind WHEN 'bool' THEN iif(value, x'01', x'00') ELSE value END
  FROM trial_values ORDER BY study, trial, parameter;
DROP TABLE trial_values;
ALTER TABLE new_trial_values RENAME TO trial_values;

CREATE TABLE "attempts" (
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
CREATE INDEX attempts_by_trial ON attempts (study, trial);
CREATE INDEX attempts_live ON attempts (study) WHERE outcome = 'LIVE';
CREATE TABLE checkpoints (
  study INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  step INTEGER NOT NULL,
  token INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (study, trial, step, token),
  FOREIGN KEY (study, trial) REFERENCES trials (study, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
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
CREATE TABLE condition_values (
  study INTEGER NOT NULL,
  parameter INTEGER NOT NULL,
  condition INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (study, parameter, condition, position),
  FOREIGN KEY (study, parameter, condition) REFERENCES conditions (study, parameter, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE conditions (
  study INTEGER NOT NULL,
  parameter INTEGER NOT NULL,
  position INTEGER NOT NULL,
  parent TEXT NOT NULL,                     -- a parameter's name
  PRIMARY KEY (study, parameter, position),
  FOREIGN KEY (study, parameter) REFERENCES parameters (study, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE decisions (
  study INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  token INTEGER NOT NULL,
  step INTEGER NOT NULL,
  rule TEXT NOT NULL,
  rung INTEGER,                             -- NULL = the rule has no rungs
  value REAL,                               -- as reported; NULL = NaN
  bound REAL,                               -- in the metric's own direction; NULL = NaN = nothing to compare with
  n INTEGER NOT NULL,
  action TEXT NOT NULL,                     -- CONTINUE, PAUSE, PRUNE
  PRIMARY KEY (study, revision, position),
  FOREIGN KEY (study, trial) REFERENCES trials (study, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_trial ON decisions (study, trial, revision);
CREATE TABLE early_stopping (
  study INTEGER PRIMARY KEY REFERENCES studies (id) ON DELETE CASCADE,
  method TEXT NOT NULL,                     -- median, percentile, asha, asha_stopping
  percentile REAL,                          -- median, percentile
  startup_trials INTEGER,
  warmup_steps INTEGER,                     -- median, percentile
  interval_steps INTEGER,                   -- median, percentile
  min_trials INTEGER,                       -- median, percentile
  min_resource INTEGER,                     -- asha, asha_stopping
  max_resource INTEGER,                     -- asha, asha_stopping
  reduction_factor INTEGER,                 -- asha, asha_stopping
  finalists INTEGER                         -- asha, asha_stopping
, brackets INTEGER, synchronous INTEGER, lower_bound REAL, upper_bound REAL, patience INTEGER, min_delta REAL, inner_method TEXT) STRICT;
CREATE TABLE enqueued_configurations (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,                      -- grows within the study, never reused
  PRIMARY KEY (study, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE enqueued_values (
  study INTEGER NOT NULL,
  id INTEGER NOT NULL,
  parameter INTEGER NOT NULL,               -- parameters.position
  kind TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (study, id, parameter),
  FOREIGN KEY (study, id) REFERENCES enqueued_configurations (study, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE environments (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,                     -- '' until the trainer has started, like the rest
  trainer_version TEXT NOT NULL,
  libtorch_version TEXT NOT NULL,
  threads INTEGER NOT NULL,
  dataset_hash TEXT NOT NULL,
  UNIQUE (device, trainer_version, libtorch_version, threads, dataset_hash)
) STRICT;
CREATE TABLE final_metrics (
  study INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  position INTEGER NOT NULL,
  metric INTEGER NOT NULL,                  -- metrics.id
  value REAL,                               -- NULL = NaN
  PRIMARY KEY (study, trial, position),
  FOREIGN KEY (study, trial) REFERENCES trials (study, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE high_water (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE measurements (
  token INTEGER NOT NULL REFERENCES attempts (token) ON DELETE CASCADE,
  metric INTEGER NOT NULL,                  -- metrics.id in the study of the attempt
  step INTEGER NOT NULL,
  value REAL,                               -- NULL = NaN
  elapsed_ms INTEGER NOT NULL,              -- training time of the trial until this step
  PRIMARY KEY (token, metric, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE metrics (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  id INTEGER NOT NULL,                      -- dense from 0
  name TEXT NOT NULL,
  PRIMARY KEY (study, id),
  UNIQUE (study, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE objectives (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  metric TEXT NOT NULL,
  goal TEXT NOT NULL,                       -- maximize, minimize
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE parameter_values (
  study INTEGER NOT NULL,
  parameter INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (study, parameter, position),
  FOREIGN KEY (study, parameter) REFERENCES parameters (study, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE parameters (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,                       -- float, int, categorical
  min REAL NOT NULL,                        -- inclusive; 0 for categorical, like max
  max REAL NOT NULL,                        -- inclusive
  scale TEXT NOT NULL,                      -- linear, log
  step REAL,                                -- values lie on min + k * step; NULL = continuous
  points INTEGER,                           -- float under a grid: how many values; NULL = not given
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE prior_trial_values (
  study INTEGER NOT NULL,
  prior INTEGER NOT NULL,
  parameter INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (study, prior, parameter),
  FOREIGN KEY (study, prior) REFERENCES prior_trials (study, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE prior_trials (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  source INTEGER NOT NULL,                  -- its study: warm_start_studies.position
  score REAL NOT NULL,                      -- the share of its own study's trials that were better, in [0, 1)
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  method TEXT NOT NULL,
  fingerprint TEXT NOT NULL,                -- of the request's content
  study INTEGER NOT NULL,
  trial INTEGER,                            -- NULL = the call names none
  position INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (at_ms);
CREATE TABLE required_labels (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (study, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE rung_entries (
  study INTEGER NOT NULL,
  bracket INTEGER NOT NULL,
  rung INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  value REAL,
  token INTEGER NOT NULL,                   -- the attempt that entered
  promoted INTEGER NOT NULL,                -- 1 = promoted from this rung
  PRIMARY KEY (study, bracket, rung, trial),
  FOREIGN KEY (study, trial) REFERENCES trials (study, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE studies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,     -- never reused, not even after a deletion
  name TEXT NOT NULL UNIQUE,                -- unique among the studies that exist
  description TEXT NOT NULL,
  owner TEXT NOT NULL,
  priority INTEGER NOT NULL,                -- higher is served first
  state TEXT NOT NULL,                      -- ACTIVE, PAUSED, COMPLETED, CANCELLED, FAILED
  reason TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  active_ms INTEGER NOT NULL,               -- time ACTIVE with the coordinator up
  revision INTEGER NOT NULL,                -- grows with every committed change of the study
  last_enqueued INTEGER NOT NULL DEFAULT 0, -- the largest enqueued_configurations.id that the study ever used
  resource TEXT NOT NULL,                   -- what steps count: epoch, step
  search_method TEXT NOT NULL,              -- grid, random, ...
  search_seed INTEGER NOT NULL,             -- unsigned
  budget_trials INTEGER,                    -- NULL = unbounded
  budget_parallel INTEGER NOT NULL,         -- RUNNING trials at most; 0 = no limit
  budget_wall_clock_ms INTEGER,             -- NULL = unbounded
  budget_max_failures INTEGER,              -- NULL = unbounded
  budget_target REAL,                       -- NULL = none; never NaN
  retry_max_attempts INTEGER NOT NULL,
  retry_stall_timeout_ms INTEGER NOT NULL,
  requires_device TEXT NOT NULL,            -- any, cpu, cuda
  requires_devices INTEGER NOT NULL,
  checkpoint_interval_ms INTEGER NOT NULL,  -- 0 = only at rungs, pauses and the end
  checkpoint_keep_best INTEGER NOT NULL
, search_startup_trials INTEGER, search_random_share REAL, search_picked TEXT NOT NULL DEFAULT '', search_picked_reason TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE study_labels (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (study, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE trainer_settings (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (study, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE "trial_values" (
  study INTEGER NOT NULL,
  trial INTEGER NOT NULL,
  parameter INTEGER NOT NULL,               -- parameters.position
  value ANY,                                -- INTEGER int, REAL float (NaN is NULL), TEXT string, x'00' or x'01' bool
  PRIMARY KEY (study, trial, parameter),
  FOREIGN KEY (study, trial) REFERENCES trials (study, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE trials (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,                  -- dense from 0
  state TEXT NOT NULL,                      -- WAITING, RUNNING, PAUSED, COMPLETED, PRUNED, FAILED, INFEASIBLE, CANCELLED
  reason TEXT NOT NULL,
  suggestion_index INTEGER,                 -- NULL = fully enqueued, no suggestion was used
  seed INTEGER NOT NULL,                    -- training seed, unsigned
  bracket INTEGER NOT NULL,
  finalist INTEGER NOT NULL,                -- 1 = runs to max_resource without pausing
  best_value REAL,                          -- the objective, in the metric's own direction; NULL = NaN or no best_step
  best_step INTEGER,                        -- NULL = no objective value yet
  final_value REAL,                         -- the last that counts; NULL = NaN or no final_step
  final_step INTEGER,                       -- NULL = no objective value yet
  elapsed_ms INTEGER NOT NULL,              -- training time until final_step
  attempts INTEGER NOT NULL,
  stuck_failures INTEGER NOT NULL,          -- failed attempts since the newest checkpoint last moved forward
  created_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  PRIMARY KEY (study, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE warm_start_studies (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker_datasets (
  worker TEXT NOT NULL REFERENCES workers (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (worker, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker_devices (
  worker TEXT NOT NULL REFERENCES workers (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  PRIMARY KEY (worker, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker_labels (
  worker TEXT NOT NULL REFERENCES workers (name) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (worker, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE worker_names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE                 -- also of workers that never registered, or are not known any more
) STRICT;
CREATE TABLE worker_trainers (
  worker TEXT NOT NULL REFERENCES workers (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (worker, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE workers (
  name TEXT PRIMARY KEY,
  incarnation INTEGER NOT NULL,             -- unsigned
  host TEXT NOT NULL,
  slots INTEGER NOT NULL,
  option_table_hash TEXT NOT NULL,
  standing TEXT NOT NULL,                   -- ENABLED, DRAINING, QUARANTINED
  reason TEXT NOT NULL,
  last_seen_ms INTEGER NOT NULL,
  trusted_from INTEGER NOT NULL             -- failures of attempts with lower tokens are forgiven
) STRICT, WITHOUT ROWID;

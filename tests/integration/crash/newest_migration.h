// The way from the newest schema back to the one before, in SQL that runs with foreign keys switched off. Follows the
// newest file in migrations/.
#pragma once

namespace athanor {

inline constexpr int kNewestSchema = 5;

// What the schema before could not hold: rows that no attempt shares any more, and numbers of shared rows in an order
// that its rows do not tell.
inline constexpr char kForgetNewestFacts[] = R"sql(
CREATE TEMP TABLE worker_order AS
  SELECT worker AS old, row_number() OVER (ORDER BY min(token)) AS new FROM attempts GROUP BY worker;
CREATE TEMP TABLE environment_order AS
  SELECT environment AS old, row_number() OVER (ORDER BY min(token)) AS new FROM attempts GROUP BY environment;
DELETE FROM worker_names WHERE id NOT IN (SELECT old FROM worker_order);
DELETE FROM environments WHERE id NOT IN (SELECT old FROM environment_order);
UPDATE attempts SET worker = (SELECT new FROM worker_order WHERE old = worker),
                    environment = (SELECT new FROM environment_order WHERE old = environment);
UPDATE worker_names SET id = -(SELECT new FROM worker_order WHERE old = id);
UPDATE worker_names SET id = -id;
UPDATE environments SET id = -(SELECT new FROM environment_order WHERE old = id);
UPDATE environments SET id = -id;
)sql";

inline constexpr char kUndoNewestMigration[] = R"sql(
CREATE TABLE old_attempts AS
  SELECT a.token, a.study, a.trial, w.name AS worker, a.started_ms, a.ended_ms, a.outcome, a.reason, a.resumed_step,
         a.archived_after, e.device, e.trainer_version, e.libtorch_version, e.threads, e.dataset_hash,
         a.acquire_sequence
  FROM attempts a JOIN worker_names w ON w.id = a.worker JOIN environments e ON e.id = a.environment;
DROP TABLE attempts;
ALTER TABLE old_attempts RENAME TO attempts;
DROP TABLE worker_names;
DROP TABLE environments;
CREATE TABLE old_trial_values AS
  SELECT study, trial, parameter,
         CASE typeof(value) WHEN 'integer' THEN 'int' WHEN 'text' THEN 'string' WHEN 'blob' THEN 'bool' ELSE 'float' END
           AS kind,
         iif(typeof(value) = 'blob', value = x'01', value) AS value
  FROM trial_values;
DROP TABLE trial_values;
ALTER TABLE old_trial_values RENAME TO trial_values;
PRAGMA user_version = 4;
)sql";

}  // namespace athanor

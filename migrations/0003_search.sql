-- Options of model-based search, what `auto` stands for, more early-stopping rules, trials of earlier studies to start from.
ALTER TABLE studies ADD COLUMN search_startup_trials INTEGER;          -- NULL: not an option of the method
ALTER TABLE studies ADD COLUMN search_random_share REAL;               -- NULL: not an option of the method
ALTER TABLE studies ADD COLUMN search_picked TEXT NOT NULL DEFAULT ''; -- what auto stands for; '' for other methods
ALTER TABLE studies ADD COLUMN search_picked_reason TEXT NOT NULL DEFAULT '';

ALTER TABLE early_stopping ADD COLUMN brackets INTEGER;                -- asha
ALTER TABLE early_stopping ADD COLUMN synchronous INTEGER;             -- hyperband: 0, 1
ALTER TABLE early_stopping ADD COLUMN lower_bound REAL;                -- threshold; NULL = none
ALTER TABLE early_stopping ADD COLUMN upper_bound REAL;                -- threshold; NULL = none
ALTER TABLE early_stopping ADD COLUMN patience INTEGER;                -- patience
ALTER TABLE early_stopping ADD COLUMN min_delta REAL;                  -- patience
ALTER TABLE early_stopping ADD COLUMN inner_method TEXT;               -- patience: whose options the other columns hold
UPDATE early_stopping SET brackets = 1 WHERE method = 'asha';

-- Earlier studies that a study was told to start from, by name.
CREATE TABLE warm_start_studies (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;

-- Their trials, mapped into this study's space when it was created.
CREATE TABLE prior_trials (
  study INTEGER NOT NULL REFERENCES studies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  source INTEGER NOT NULL,                  -- its study: warm_start_studies.position
  score REAL NOT NULL,                      -- the share of its own study's trials that were better, in [0, 1)
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

-- Advice that a question may carry: for a model that puts candidates in order, learned from its
-- mistakes, or for one that writes interests.
CREATE TABLE hints (
  hint_id     INTEGER PRIMARY KEY,
  purpose     TEXT NOT NULL CHECK (purpose IN ('ranking', 'profiling')),
  text        TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('mends', 'active', 'redundant', 'ineffective',
              'leaking', 'surplus', 'dropped')), -- 'mends': it mended its case and was not compared yet
  reason      TEXT,                        -- why it is not in use
  near_id     INTEGER REFERENCES hints (hint_id) ON DELETE SET NULL, -- the hint that it repeats
  pinned      INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  source      TEXT NOT NULL,               -- 'offline', the model's name, 'built-in' or 'person'
  task_subject_id INTEGER REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE, -- the case
                                           -- that it was learned from; NULL: of none
  response_id INTEGER REFERENCES responses (response_id) ON DELETE CASCADE, -- NULL: of no answer
  made_at     TEXT NOT NULL
) STRICT;
CREATE INDEX hints_task_subject ON hints (task_subject_id);
CREATE INDEX hints_response ON hints (response_id);
CREATE TRIGGER seal_hint AFTER INSERT ON hints BEGIN
  INSERT OR REPLACE INTO seals VALUES ('hint', new.hint_id,
    seal(new.purpose, new.text, new.source, new.task_subject_id));
END;
CREATE TRIGGER reseal_hint AFTER UPDATE OF purpose, text, source, task_subject_id ON hints BEGIN
  INSERT OR REPLACE INTO seals VALUES ('hint', new.hint_id,
    seal(new.purpose, new.text, new.source, new.task_subject_id));
END;
CREATE TRIGGER unseal_hint AFTER DELETE ON hints BEGIN
  DELETE FROM seals WHERE kind = 'hint' AND key = CAST(old.hint_id AS TEXT);
END;

-- How good the answer to a question was with a hint, and without one.
CREATE TABLE hint_trials (
  trial_id        INTEGER PRIMARY KEY,
  hint_id         INTEGER REFERENCES hints (hint_id) ON DELETE CASCADE, -- NULL: without a hint
  task_subject_id INTEGER NOT NULL REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE,
  source          TEXT NOT NULL,           -- who was asked
  text_digest     TEXT NOT NULL,           -- of the hint as it was asked with; '' without one
  rank            INTEGER,                 -- of the target, 1 the first; NULL: it is not in the answer
  score           REAL NOT NULL,           -- NDCG of a ranking; held-in prediction of a profile
  template_digest TEXT NOT NULL,
  response_id     INTEGER NOT NULL REFERENCES responses (response_id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX hint_trials_once ON hint_trials
  (coalesce(hint_id, -1), task_subject_id, source);
CREATE INDEX hint_trials_task_subject ON hint_trials (task_subject_id);
CREATE INDEX hint_trials_response ON hint_trials (response_id);
CREATE TRIGGER seal_trial AFTER INSERT ON hint_trials BEGIN
  INSERT OR REPLACE INTO seals VALUES ('trial', new.trial_id, seal(new.hint_id,
    new.task_subject_id, new.source, new.text_digest, new.rank, new.score, new.response_id));
END;
CREATE TRIGGER keep_trial BEFORE UPDATE ON hint_trials BEGIN
  SELECT raise(ABORT, 'a trial is replaced, not changed');
END;
CREATE TRIGGER unseal_trial AFTER DELETE ON hint_trials BEGIN
  DELETE FROM seals WHERE kind = 'trial' AND key = CAST(old.trial_id AS TEXT);
END;

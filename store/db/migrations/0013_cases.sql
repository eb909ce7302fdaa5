-- Cases of training: a user's history and the item that came next, both from part train, with the
-- items that a trained model, the teacher, ranks first after that history.
CREATE TABLE cases (
  case_id    INTEGER PRIMARY KEY,
  digest     TEXT NOT NULL UNIQUE,         -- of the teacher, the user and the items
  teacher    TEXT NOT NULL,                -- digest of the teacher's weights
  user_ix    INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  history    TEXT NOT NULL,                -- JSON list of item_ix, the oldest first
  target_ix  INTEGER NOT NULL REFERENCES items (item_ix),
  candidates TEXT NOT NULL,                -- JSON list of item_ix, the teacher's first choice first
  difficulty REAL NOT NULL                 -- minus the mean consistency of the history
) STRICT;
CREATE INDEX cases_user ON cases (user_ix);
CREATE TRIGGER seal_case AFTER INSERT ON cases BEGIN
  INSERT OR REPLACE INTO seals VALUES ('case', new.case_id,
    seal(new.digest, new.teacher, new.user_ix, new.history, new.target_ix, new.candidates));
END;
CREATE TRIGGER keep_case
BEFORE UPDATE OF digest, teacher, user_ix, history, target_ix, candidates ON cases BEGIN
  SELECT raise(ABORT, 'a case is kept as it was nominated');
END;
CREATE TRIGGER unseal_case AFTER DELETE ON cases BEGIN
  DELETE FROM seals WHERE kind = 'case' AND key = CAST(old.case_id AS TEXT);
END;

-- A choice of cases that a language model is to see, and how they were chosen.
CREATE TABLE nominations (
  nomination_id INTEGER PRIMARY KEY,
  digest   TEXT NOT NULL UNIQUE,           -- of the teacher, the data and the settings
  teacher  TEXT NOT NULL,                  -- digest of the teacher's weights
  backbone TEXT NOT NULL,                  -- the teacher's
  policy   TEXT NOT NULL,                  -- paper, equaliser, lp, random, ...
  seed     INTEGER NOT NULL,
  settings TEXT NOT NULL,                  -- JSON: number of cases, candidates, mu, proportions
  run_id   INTEGER REFERENCES runs (run_id),
  made_at  TEXT NOT NULL
) STRICT;

-- The cases of a nomination in the order in which they were drawn. A case may be in several.
CREATE TABLE nominated (
  nomination_id INTEGER NOT NULL REFERENCES nominations (nomination_id) ON DELETE CASCADE,
  place         INTEGER NOT NULL,          -- from 0
  case_id       INTEGER NOT NULL REFERENCES cases (case_id) ON DELETE CASCADE,
  PRIMARY KEY (nomination_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX nominated_case ON nominated (case_id);

-- Users whose histories a question of a task shows beside the one it is about, so that forgetting
-- any of them finds the answer.
CREATE TABLE task_subject_users (
  task_subject_id INTEGER NOT NULL REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE,
  user_ix         INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  PRIMARY KEY (task_subject_id, user_ix)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_subject_users_user ON task_subject_users (user_ix);

-- What a language model said of a teacher's lists: general sentences that later questions quote.
CREATE TABLE teacher_hints (
  teacher         TEXT NOT NULL,           -- digest of the teacher's weights
  source          TEXT NOT NULL,           -- 'offline', or the model's name
  hints           TEXT NOT NULL,           -- JSON list of sentences
  template_digest TEXT NOT NULL,
  response_id     INTEGER NOT NULL REFERENCES responses (response_id) ON DELETE CASCADE,
  PRIMARY KEY (teacher, source)
) STRICT, WITHOUT ROWID;

-- Which candidates of a case a language model puts first, and in which order.
CREATE TABLE rankings (
  ranking_id      INTEGER PRIMARY KEY,
  case_id         INTEGER NOT NULL REFERENCES cases (case_id) ON DELETE CASCADE,
  source          TEXT NOT NULL,           -- 'offline', the model's name, or 'import:NAME'
  forced          INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)), -- the target was put among the
                                           -- candidates: for training only, never for measuring
  items           TEXT NOT NULL,           -- JSON list of item_ix, the best first
  template_digest TEXT,                    -- NULL: brought by somebody
  response_id     INTEGER REFERENCES responses (response_id) ON DELETE SET NULL,
  UNIQUE (case_id, source, forced)
) STRICT;
CREATE INDEX rankings_response ON rankings (response_id);
CREATE TRIGGER seal_ranking AFTER INSERT ON rankings BEGIN
  INSERT OR REPLACE INTO seals VALUES ('ranking', new.ranking_id,
    seal(new.case_id, new.source, new.forced, new.items, new.template_digest));
END;
CREATE TRIGGER keep_ranking
BEFORE UPDATE OF case_id, source, forced, items, template_digest ON rankings BEGIN
  SELECT raise(ABORT, 'a ranking is replaced, not changed');
END;
CREATE TRIGGER unseal_ranking AFTER DELETE ON rankings BEGIN
  DELETE FROM seals WHERE kind = 'ranking' AND key = CAST(old.ranking_id AS TEXT);
END;

-- What is said of a user or an item once their neighbours' texts were read, layer by layer (GaCLLM).
-- Whom it is about, its state and why it is quarantined stand in task_subjects.
CREATE TABLE descriptions (
  task_subject_id INTEGER PRIMARY KEY
                  REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE,
  layer           INTEGER NOT NULL CHECK (layer > 0),
  text            TEXT NOT NULL,
  source          TEXT NOT NULL,           -- 'offline' or the model's name
  template_digest TEXT NOT NULL,
  parents_digest  TEXT NOT NULL,           -- of the texts that it was written from, in their order
  response_id     INTEGER REFERENCES responses (response_id) ON DELETE SET NULL
) STRICT;
CREATE INDEX descriptions_response ON descriptions (response_id);
CREATE TRIGGER seal_description AFTER INSERT ON descriptions BEGIN
  INSERT OR REPLACE INTO seals VALUES ('description', new.task_subject_id,
    seal(new.layer, new.text, new.source, new.template_digest, new.parents_digest));
END;
CREATE TRIGGER reseal_description
AFTER UPDATE OF layer, text, source, template_digest, parents_digest ON descriptions BEGIN
  INSERT OR REPLACE INTO seals VALUES ('description', new.task_subject_id,
    seal(new.layer, new.text, new.source, new.template_digest, new.parents_digest));
END;
CREATE TRIGGER unseal_description AFTER DELETE ON descriptions BEGIN
  DELETE FROM seals WHERE kind = 'description' AND key = CAST(old.task_subject_id AS TEXT);
END;

-- Whose texts the questions about a subject quote. Rows are written before a question is sent, so
-- that forgetting a user finds every question that quotes them, answered or not.
CREATE TABLE task_subject_parents (
  task_subject_id INTEGER NOT NULL REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE,
  place     INTEGER,                       -- in the newest question, from 0; NULL: in an earlier one
  parent_id INTEGER REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE, -- its description
  user_ix   INTEGER REFERENCES users (user_ix) ON DELETE CASCADE,  -- a user's own words and history
  item_ix   INTEGER REFERENCES items (item_ix) ON DELETE CASCADE,  -- title and card of an item
  CHECK ((parent_id IS NOT NULL) + (user_ix IS NOT NULL) + (item_ix IS NOT NULL) = 1)
) STRICT;
CREATE UNIQUE INDEX task_subject_parents_once ON task_subject_parents
  (task_subject_id, coalesce(parent_id, -1), coalesce(user_ix, -1), coalesce(item_ix, -1));
CREATE INDEX task_subject_parents_parent ON task_subject_parents (parent_id);
CREATE INDEX task_subject_parents_user ON task_subject_parents (user_ix);

-- Questions of every task may be written to files and handed to batch services: they may be about
-- a subject of a task, or about items alone.
ALTER TABLE questions RENAME TO questions_before;
CREATE TABLE questions (
  request_digest  TEXT PRIMARY KEY,        -- custom_id of the file's line
  prompt_digest   TEXT NOT NULL REFERENCES prompts (digest),
  subject_id      INTEGER REFERENCES subjects (subject_id) ON DELETE CASCADE,
  run_id          INTEGER NOT NULL REFERENCES runs (run_id), -- its config says how it was asked
  max_tokens      INTEGER NOT NULL,
  shown           TEXT NOT NULL,           -- JSON list of item_ix that the prompt showed
  task_subject_id INTEGER REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO questions
  SELECT request_digest, prompt_digest, subject_id, run_id, max_tokens, shown, NULL
  FROM questions_before;
DROP TABLE questions_before;
CREATE INDEX questions_prompt ON questions (prompt_digest);
CREATE INDEX questions_subject ON questions (subject_id);
CREATE INDEX questions_task_subject ON questions (task_subject_id);

ALTER TABLE batch_rows RENAME TO batch_rows_before;
CREATE TABLE batch_rows (
  batch_id        INTEGER NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
  request_digest  TEXT NOT NULL,
  subject_id      INTEGER REFERENCES subjects (subject_id) ON DELETE CASCADE,
  attempt_id      INTEGER NOT NULL REFERENCES attempts (attempt_id),
  outcome         TEXT NOT NULL DEFAULT 'out', -- out, answered, errored, expired, canceled
  task_subject_id INTEGER REFERENCES task_subjects (task_subject_id) ON DELETE CASCADE,
  PRIMARY KEY (batch_id, request_digest)
) STRICT, WITHOUT ROWID;
INSERT INTO batch_rows
  SELECT batch_id, request_digest, subject_id, attempt_id, outcome, NULL FROM batch_rows_before;
DROP TABLE batch_rows_before;
CREATE INDEX batch_rows_subject ON batch_rows (subject_id);
CREATE INDEX batch_rows_task_subject ON batch_rows (task_subject_id);
CREATE INDEX batch_rows_request ON batch_rows (request_digest);

-- Questions written to a file for somebody else to answer: what was asked stays known though a later
-- build gives the subject other items.
CREATE TABLE questions (
  request_digest TEXT PRIMARY KEY,         -- custom_id of the file's line
  prompt_digest  TEXT NOT NULL REFERENCES prompts (digest),
  subject_id     INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  run_id         INTEGER NOT NULL REFERENCES runs (run_id), -- its config says how it was asked
  max_tokens     INTEGER NOT NULL,
  shown          TEXT NOT NULL             -- JSON list of item_ix that the prompt showed
) STRICT, WITHOUT ROWID;
CREATE INDEX questions_prompt ON questions (prompt_digest);
CREATE INDEX questions_subject ON questions (subject_id);

-- Whom LLM tasks other than interests ask about: an item, a user, a session, a model or a case.
CREATE TABLE task_subjects (
  task_subject_id INTEGER PRIMARY KEY,
  task    TEXT NOT NULL,                   -- name of the LLM task
  kind    TEXT NOT NULL CHECK (kind IN ('item', 'user', 'session', 'model', 'case')),
  name    TEXT NOT NULL,                   -- item:ITEM_ID, user:USER_ID, model:DIGEST12, ...
  item_ix INTEGER REFERENCES items (item_ix) ON DELETE CASCADE,
  user_ix INTEGER REFERENCES users (user_ix) ON DELETE CASCADE, -- whose history it is made of
  state   TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ok', 'quarantined')),
  reason  TEXT,                            -- why it is quarantined
  UNIQUE (task, name)
) STRICT;
CREATE INDEX task_subjects_user ON task_subjects (user_ix);

-- Answers and calls about one of these lead to it, so that forgetting a user finds them.
ALTER TABLE responses ADD COLUMN task_subject_id INTEGER
  REFERENCES task_subjects (task_subject_id) ON DELETE SET NULL;
ALTER TABLE attempts ADD COLUMN task_subject_id INTEGER
  REFERENCES task_subjects (task_subject_id) ON DELETE SET NULL;
CREATE INDEX responses_task_subject ON responses (task_subject_id);

-- The answers that a question quotes: what is forgotten takes with it what was made of it.
CREATE TABLE answer_parents (
  response_id INTEGER NOT NULL REFERENCES responses (response_id) ON DELETE CASCADE,
  parent_id   INTEGER NOT NULL REFERENCES responses (response_id) ON DELETE CASCADE,
  PRIMARY KEY (response_id, parent_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_parents_parent ON answer_parents (parent_id);

-- What the title of an item does not say, and what is wanted next.
CREATE TABLE cards (
  item_ix         INTEGER PRIMARY KEY REFERENCES items (item_ix) ON DELETE CASCADE,
  card            TEXT NOT NULL,
  next            TEXT NOT NULL DEFAULT '[]',  -- JSON list of phrases
  source          TEXT NOT NULL,               -- 'offline', the model's name, or 'import:NAME'
  template_digest TEXT,                        -- NULL: brought by somebody
  text_digest     TEXT NOT NULL,               -- of the item's text that it was written from
  response_id     INTEGER REFERENCES responses (response_id) ON DELETE SET NULL
) STRICT;
CREATE INDEX cards_response ON cards (response_id);
CREATE TRIGGER seal_card AFTER INSERT ON cards BEGIN
  INSERT OR REPLACE INTO seals VALUES ('card', new.item_ix,
    seal(new.card, new.next, new.source, new.template_digest, new.text_digest));
END;
CREATE TRIGGER reseal_card AFTER UPDATE OF card, next, source, template_digest, text_digest ON cards
BEGIN
  INSERT OR REPLACE INTO seals VALUES ('card', new.item_ix,
    seal(new.card, new.next, new.source, new.template_digest, new.text_digest));
END;
CREATE TRIGGER unseal_card AFTER DELETE ON cards BEGIN
  DELETE FROM seals WHERE kind = 'card' AND key = CAST(old.item_ix AS TEXT);
END;

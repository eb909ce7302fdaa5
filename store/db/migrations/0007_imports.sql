-- An import of interests can be taken back: it is a change by hand like a merge. The kinds of changes
-- are no longer listed here, so that a new one needs no new table.
CREATE TEMP TABLE edits_kept AS SELECT * FROM edits;
DROP TABLE edits;
CREATE TABLE edits (
  edit_id   INTEGER PRIMARY KEY,
  kind      TEXT NOT NULL,                 -- merge, rename, pin, import, ...
  payload   TEXT NOT NULL,                 -- JSON: what was and what is
  made_at   TEXT NOT NULL,
  undone_at TEXT
) STRICT;
INSERT INTO edits SELECT edit_id, kind, payload, made_at, undone_at FROM edits_kept;
DROP TABLE edits_kept;

-- Subjects that an import replaced or made, and those of its kind that were in use before it.
CREATE TABLE import_subjects (
  edit_id    INTEGER NOT NULL REFERENCES edits (edit_id) ON DELETE CASCADE,
  subject_id INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  in_use     INTEGER NOT NULL,             -- whether it was active before
  imported   INTEGER NOT NULL,             -- whether the import has it
  moved      INTEGER NOT NULL DEFAULT 0,   -- whether its interests were replaced, too
  kept_id    INTEGER REFERENCES subjects (subject_id) ON DELETE SET NULL, -- as it was; inactive
  PRIMARY KEY (edit_id, subject_id)
) STRICT, WITHOUT ROWID;

-- Who belonged to the subjects of the kind before.
CREATE TABLE import_members (
  edit_id    INTEGER NOT NULL REFERENCES edits (edit_id) ON DELETE CASCADE,
  subject_id INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  user_ix    INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  similarity REAL,
  PRIMARY KEY (edit_id, subject_id, user_ix)
) STRICT, WITHOUT ROWID;

-- Which interests stood under one that was replaced.
CREATE TABLE import_leads (
  edit_id      INTEGER NOT NULL REFERENCES edits (edit_id) ON DELETE CASCADE,
  interest_id  INTEGER NOT NULL REFERENCES interests (interest_id) ON DELETE CASCADE,
  canonical_id INTEGER NOT NULL REFERENCES interests (interest_id) ON DELETE CASCADE,
  PRIMARY KEY (edit_id, interest_id)
) STRICT, WITHOUT ROWID;

-- Facts about the whole store: data set digest, split, encoder, how history vectors are made.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL                      -- JSON
) STRICT, WITHOUT ROWID;

-- One row for each command that wrote something.
CREATE TABLE runs (
  run_id        INTEGER PRIMARY KEY,
  kind          TEXT NOT NULL,             -- build, import, retry, assign, ...
  config        TEXT NOT NULL,             -- JSON, never a secret
  config_digest TEXT NOT NULL,
  started_at    TEXT NOT NULL,
  finished_at   TEXT,
  status        TEXT NOT NULL DEFAULT 'running'
                CHECK (status IN ('running', 'done', 'partial', 'interrupted', 'budget', 'failed')),
  stats         TEXT NOT NULL DEFAULT '{}' -- JSON
) STRICT;

-- item_ix and user_ix are stable: a later build adds rows, it never renumbers.
CREATE TABLE items (
  item_ix    INTEGER PRIMARY KEY,
  item_id    TEXT NOT NULL UNIQUE,
  title      TEXT,                         -- NULL: the item has no text
  categories TEXT NOT NULL DEFAULT '[]',   -- JSON list of strings
  extra      TEXT NOT NULL DEFAULT '{}'    -- JSON object: brand, ...
) STRICT;

CREATE TABLE users (
  user_ix INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL UNIQUE,
  split   TEXT NOT NULL DEFAULT 'train' CHECK (split IN ('train', 'valid', 'test'))
) STRICT;

-- part: 0 train (the LLM and training may see it), 1 input (history of a held-out user: never
-- trained on, never shown), 2 validation target, 3 test target.
CREATE TABLE interactions (
  user_ix   INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  position  INTEGER NOT NULL,              -- 0 is the oldest
  item_ix   INTEGER NOT NULL REFERENCES items (item_ix),
  timestamp INTEGER,                       -- unix seconds, NULL where unknown
  part      INTEGER NOT NULL CHECK (part BETWEEN 0 AND 3),
  PRIMARY KEY (user_ix, position)
) STRICT, WITHOUT ROWID;

-- Text vectors by content: float16, little endian, unit length.
CREATE TABLE vectors (
  model  TEXT NOT NULL,
  digest TEXT NOT NULL,                    -- digest of the text
  dim    INTEGER NOT NULL,
  vector BLOB NOT NULL,
  PRIMARY KEY (model, digest)
) STRICT, WITHOUT ROWID;

-- Whoever one prompt is about.
CREATE TABLE subjects (
  subject_id INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('exemplar', 'synthetic', 'user')),
  name       TEXT NOT NULL UNIQUE,         -- exemplar:USER_ID, user:USER_ID, synthetic:DIGEST12
  user_ix    INTEGER REFERENCES users (user_ix) ON DELETE CASCADE,
  run_id     INTEGER REFERENCES runs (run_id),
  active     INTEGER NOT NULL DEFAULT 1,   -- 0: a later choice left it out; its interests stay
  state      TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ok', 'quarantined')),
  reason     TEXT,                         -- why it is quarantined
  size       INTEGER NOT NULL DEFAULT 1,   -- members
  details    TEXT NOT NULL DEFAULT '{}'    -- JSON: cohesion, gain, ...
) STRICT;
CREATE INDEX subjects_user ON subjects (user_ix);

-- The items a subject stands for, in the order shown.
CREATE TABLE subject_items (
  subject_id INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  position   INTEGER NOT NULL,
  item_ix    INTEGER NOT NULL REFERENCES items (item_ix),
  owners     INTEGER NOT NULL DEFAULT 1,   -- members who own it
  PRIMARY KEY (subject_id, position)
) STRICT, WITHOUT ROWID;

-- Users of an exemplar's cluster, members of a synthetic user's clique.
CREATE TABLE memberships (
  user_ix    INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  subject_id INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  similarity REAL,
  PRIMARY KEY (user_ix, subject_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_subject ON memberships (subject_id);

-- What was sent, by content.
CREATE TABLE prompts (
  digest          TEXT PRIMARY KEY,
  template        TEXT NOT NULL,
  template_digest TEXT NOT NULL,
  messages        TEXT NOT NULL,           -- JSON list of {role, content}
  schema          TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

-- What came back: one row for each paid answer, committed before anything reads it.
CREATE TABLE responses (
  response_id    INTEGER PRIMARY KEY,
  request_digest TEXT NOT NULL,            -- messages, schema, model, base URL, sampling parameters
  prompt_digest  TEXT REFERENCES prompts (digest),
  subject_id     INTEGER REFERENCES subjects (subject_id) ON DELETE SET NULL,
  run_id         INTEGER REFERENCES runs (run_id),
  model          TEXT NOT NULL,            -- 'offline', or provider:model
  base_url       TEXT,
  method         TEXT NOT NULL DEFAULT 'text', -- json_schema, json_mode, tool, text, offline, import
  params         TEXT NOT NULL DEFAULT '{}',
  shown          TEXT NOT NULL DEFAULT '[]',   -- JSON list of item_ix that the prompt showed
  raw_text       TEXT NOT NULL,
  refusal        TEXT,
  finish_reason  TEXT,
  tokens_in      INTEGER,
  tokens_out     INTEGER,
  cost_usd       REAL,
  latency_s      REAL,
  outcome        TEXT NOT NULL DEFAULT 'unread', -- unread, ok, truncated, invalid, refused, empty
  detail         TEXT NOT NULL DEFAULT '{}',     -- JSON: mends, repairs, errors
  created_at     TEXT NOT NULL
) STRICT;
CREATE INDEX responses_request ON responses (request_digest);
CREATE INDEX responses_subject ON responses (subject_id);

-- The ledger: every attempt to call a model, answered or not.
CREATE TABLE attempts (
  attempt_id     INTEGER PRIMARY KEY,
  request_digest TEXT NOT NULL,
  subject_id     INTEGER REFERENCES subjects (subject_id) ON DELETE SET NULL,
  run_id         INTEGER REFERENCES runs (run_id),
  response_id    INTEGER REFERENCES responses (response_id),
  purpose        TEXT NOT NULL DEFAULT 'ask',     -- ask, reask, longer
  outcome        TEXT NOT NULL DEFAULT 'sent',    -- sent, answered, rate_limited, server_error, ...
  status_code    INTEGER,
  error          TEXT,
  reserved_usd   REAL NOT NULL DEFAULT 0,
  reserved_tokens INTEGER NOT NULL DEFAULT 0,
  tokens_in      INTEGER,
  tokens_out     INTEGER,
  cost_usd       REAL,
  latency_s      REAL,
  started_at     TEXT NOT NULL
) STRICT;
CREATE INDEX attempts_request ON attempts (request_digest);

-- Who is asking what right now: two processes never pay twice for one request.
CREATE TABLE leases (
  request_digest TEXT PRIMARY KEY,
  owner          TEXT NOT NULL,
  expires_at     REAL NOT NULL             -- unix seconds
) STRICT, WITHOUT ROWID;

CREATE TABLE interests (
  interest_id  INTEGER PRIMARY KEY,
  subject_id   INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  label        TEXT NOT NULL,
  description  TEXT NOT NULL DEFAULT '',
  strength     REAL NOT NULL DEFAULT 0,    -- share of the subject's shown items that are evidence
  source       TEXT NOT NULL,              -- 'offline', the model's name, or 'import:NAME'
  response_id  INTEGER REFERENCES responses (response_id),
  text_digest  TEXT NOT NULL,              -- digest of the text that is encoded: 'label. description'
  canonical_id INTEGER REFERENCES interests (interest_id) ON DELETE SET NULL,
  pinned       INTEGER NOT NULL DEFAULT 0,
  UNIQUE (subject_id, position)
) STRICT;
CREATE INDEX interests_canonical ON interests (canonical_id);

CREATE TABLE evidence (
  interest_id INTEGER NOT NULL REFERENCES interests (interest_id) ON DELETE CASCADE,
  item_ix     INTEGER NOT NULL REFERENCES items (item_ix),
  position    INTEGER NOT NULL,
  PRIMARY KEY (interest_id, item_ix)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_item ON evidence (item_ix);

-- Catalogue assignment: the stored interests that cover a user's own history.
CREATE TABLE assignments (
  user_ix     INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  interest_id INTEGER NOT NULL REFERENCES interests (interest_id) ON DELETE CASCADE,
  rank        INTEGER NOT NULL,
  score       REAL NOT NULL,               -- share of the history it covers, weighted by similarity
  PRIMARY KEY (user_ix, interest_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_interest ON assignments (interest_id);

-- The user's own items that show an assigned interest.
CREATE TABLE assignment_items (
  user_ix     INTEGER NOT NULL,
  interest_id INTEGER NOT NULL,
  item_ix     INTEGER NOT NULL REFERENCES items (item_ix),
  similarity  REAL NOT NULL,
  PRIMARY KEY (user_ix, interest_id, item_ix),
  FOREIGN KEY (user_ix, interest_id) REFERENCES assignments (user_ix, interest_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What people changed by hand; undone_at is set when a change is taken back.
CREATE TABLE edits (
  edit_id   INTEGER PRIMARY KEY,
  kind      TEXT NOT NULL CHECK (kind IN ('merge', 'rename', 'pin')),
  payload   TEXT NOT NULL,                 -- JSON: what was and what is
  made_at   TEXT NOT NULL,
  undone_at TEXT
) STRICT;

CREATE VIRTUAL TABLE interests_fts USING fts5 (
  label, description, content = 'interests', content_rowid = 'interest_id', tokenize = 'porter unicode61'
);
CREATE TRIGGER interests_fts_insert AFTER INSERT ON interests BEGIN
  INSERT INTO interests_fts (rowid, label, description) VALUES (new.interest_id, new.label, new.description);
END;
CREATE TRIGGER interests_fts_delete AFTER DELETE ON interests BEGIN
  INSERT INTO interests_fts (interests_fts, rowid, label, description)
  VALUES ('delete', old.interest_id, old.label, old.description);
END;
CREATE TRIGGER interests_fts_update AFTER UPDATE OF label, description ON interests BEGIN
  INSERT INTO interests_fts (interests_fts, rowid, label, description)
  VALUES ('delete', old.interest_id, old.label, old.description);
  INSERT INTO interests_fts (rowid, label, description) VALUES (new.interest_id, new.label, new.description);
END;

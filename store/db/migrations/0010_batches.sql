-- Questions handed to a provider's own batch service. A batch is entered before it is sent, under a
-- name of ours, so that after a kill the provider's list tells whether it arrived.
CREATE TABLE batches (
  batch_id    INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  run_id      INTEGER NOT NULL REFERENCES runs (run_id), -- its config says how it was asked
  model       TEXT NOT NULL,
  base_url    TEXT,
  owner       TEXT NOT NULL,               -- the process that sends it
  provider_id TEXT,                        -- the provider's name for it, NULL until that is known
  state       TEXT NOT NULL DEFAULT 'sending'
              CHECK (state IN ('sending', 'held', 'sent', 'ended', 'dropped')),
  requests    INTEGER NOT NULL,
  made_at     TEXT NOT NULL
) STRICT;

-- The questions of a batch, each with its row of the ledger.
CREATE TABLE batch_rows (
  batch_id       INTEGER NOT NULL REFERENCES batches (batch_id) ON DELETE CASCADE,
  request_digest TEXT NOT NULL,
  subject_id     INTEGER NOT NULL REFERENCES subjects (subject_id) ON DELETE CASCADE,
  attempt_id     INTEGER NOT NULL REFERENCES attempts (attempt_id),
  outcome        TEXT NOT NULL DEFAULT 'out', -- out, answered, errored, expired, canceled
  PRIMARY KEY (batch_id, request_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_rows_subject ON batch_rows (subject_id);
CREATE INDEX batch_rows_request ON batch_rows (request_digest);

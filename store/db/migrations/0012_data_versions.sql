-- What the data set of a store came from: a row for each time that it changed. The rows since the
-- latest 'build' say which files were appended to what that build read.
CREATE TABLE data_versions (
  version        INTEGER PRIMARY KEY,
  run_id         INTEGER REFERENCES runs (run_id),
  kind           TEXT NOT NULL CHECK (kind IN ('build', 'append')),
  source         TEXT NOT NULL,            -- the file or folder that was read
  read_digest    TEXT NOT NULL,            -- of what was read from it
  dataset_digest TEXT NOT NULL,            -- of the data set that came of it
  users          INTEGER NOT NULL,         -- size of that data set
  items          INTEGER NOT NULL,
  interactions   INTEGER NOT NULL,
  made_at        TEXT NOT NULL
) STRICT;

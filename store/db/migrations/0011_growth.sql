-- Interactions that lie outside the store, in Parquet files beside it: one row for each file, which
-- holds whole users in order of (user_ix, position). Where there are any, table interactions is empty.
CREATE TABLE interaction_parts (
  part       INTEGER PRIMARY KEY,          -- 0, 1, 2 ... in order of users
  file       TEXT NOT NULL UNIQUE,         -- name in the folder that meta names
  digest     TEXT NOT NULL,                -- of the file's bytes
  first_user INTEGER NOT NULL,             -- user_ix from first_user up to, not including, end_user
  end_user   INTEGER NOT NULL,
  rows       INTEGER NOT NULL,
  hidden     INTEGER NOT NULL              -- rows whose part is not train
) STRICT;

-- How many users have each item, so that nobody has to count interactions to know.
CREATE TABLE item_users (
  item_ix  INTEGER PRIMARY KEY REFERENCES items (item_ix),
  users    INTEGER NOT NULL,               -- in any part
  training INTEGER NOT NULL                -- in part train
) STRICT;
INSERT INTO item_users (item_ix, users, training)
  SELECT item_ix, count(DISTINCT user_ix), count(DISTINCT CASE WHEN part = 0 THEN user_ix END)
  FROM interactions GROUP BY item_ix;

-- The order in which `profiler interests` lists the catalogue, so that its first page is a look-up.
-- A row for each interest that stands for a group; meta 'listing' is there while all rows hold.
CREATE TABLE listing (
  interest_id INTEGER PRIMARY KEY REFERENCES interests (interest_id) ON DELETE CASCADE,
  pinned      INTEGER NOT NULL,
  users       INTEGER NOT NULL,            -- whom the group reaches, each user once
  label       TEXT NOT NULL
) STRICT;
CREATE INDEX listing_order ON listing (pinned DESC, users DESC, label, interest_id);

-- Whatever changes the order says so; who changes it in the store's own code keeps the rows.
CREATE TRIGGER listing_interest_insert AFTER INSERT ON interests BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_interest_delete AFTER DELETE ON interests BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_interest_update AFTER UPDATE OF subject_id, label, canonical_id, pinned
ON interests BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_subject_insert AFTER INSERT ON subjects BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_subject_update AFTER UPDATE OF active, user_ix ON subjects BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_member_insert AFTER INSERT ON memberships BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_member_delete AFTER DELETE ON memberships BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_assignment_insert AFTER INSERT ON assignments BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;
CREATE TRIGGER listing_assignment_delete AFTER DELETE ON assignments BEGIN
  DELETE FROM meta WHERE key = 'listing';
END;

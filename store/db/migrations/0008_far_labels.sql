-- Interests whose label and items do not go together: the items are hardly nearer to its words than
-- any items of the catalogue are. Made anew whenever interests are encoded.
CREATE TABLE far_labels (
  interest_id INTEGER PRIMARY KEY REFERENCES interests (interest_id) ON DELETE CASCADE,
  closeness   REAL NOT NULL               -- share of the catalogue that is farther from the words
) STRICT;
-- A label that somebody has written anew is looked at anew.
CREATE TRIGGER far_label_update AFTER UPDATE OF label, description ON interests BEGIN
  DELETE FROM far_labels WHERE interest_id = new.interest_id;
END;

-- Who made a change by hand, and who took it back; unknown for those made before.
ALTER TABLE edits ADD COLUMN made_by TEXT;
ALTER TABLE edits ADD COLUMN undone_by TEXT;

-- Interests that somebody said are wrong for one person. The edit says why, when and by whom.
CREATE TABLE disputes (
  user_ix     INTEGER NOT NULL REFERENCES users (user_ix) ON DELETE CASCADE,
  interest_id INTEGER NOT NULL REFERENCES interests (interest_id) ON DELETE CASCADE,
  edit_id     INTEGER NOT NULL REFERENCES edits (edit_id) ON DELETE CASCADE,
  PRIMARY KEY (user_ix, interest_id)
) STRICT, WITHOUT ROWID;

DROP VIEW user_interests;
-- The interests of each user: through its exemplar or a synthetic user, or covering its history.
CREATE VIEW user_interests AS
  SELECT u.user_id, s.kind AS through, s.name AS subject, m.similarity AS weight,
    n.interest_id, n.label, n.description, n.strength, n.source
  FROM users u JOIN memberships m ON m.user_ix = u.user_ix
  JOIN subjects s ON s.subject_id = m.subject_id AND s.active
  JOIN interests n ON n.subject_id = s.subject_id
  WHERE NOT EXISTS (SELECT 1 FROM disputes d WHERE d.user_ix = m.user_ix
    AND d.interest_id IN (n.interest_id, n.canonical_id))
  UNION ALL
  SELECT u.user_id, 'own', s.name, a.score,
    n.interest_id, n.label, n.description, n.strength, n.source
  FROM users u JOIN assignments a ON a.user_ix = u.user_ix
  JOIN interests n ON n.interest_id = a.interest_id
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active
  WHERE NOT EXISTS (SELECT 1 FROM disputes d WHERE d.user_ix = a.user_ix
    AND d.interest_id IN (n.interest_id, n.canonical_id));

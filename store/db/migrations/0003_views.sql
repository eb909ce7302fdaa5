-- A forgotten user leaves only its number, so that everybody else keeps theirs.
ALTER TABLE users ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;

-- Views for people with SQL. They show what is in use: interests of active subjects.

-- Whom an interest reaches, each user once, by whatever path.
CREATE VIEW interest_users AS
  SELECT n.interest_id, m.user_ix FROM interests n
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active
  JOIN memberships m ON m.subject_id = n.subject_id
  UNION
  SELECT a.interest_id, a.user_ix FROM assignments a
  JOIN interests n ON n.interest_id = a.interest_id
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active
  UNION
  SELECT n.interest_id, s.user_ix FROM interests n
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active AND s.user_ix IS NOT NULL;

-- The interests of each user: through its exemplar or a synthetic user, or covering its history.
CREATE VIEW user_interests AS
  SELECT u.user_id, s.kind AS through, s.name AS subject, m.similarity AS weight,
    n.interest_id, n.label, n.description, n.strength, n.source
  FROM users u JOIN memberships m ON m.user_ix = u.user_ix
  JOIN subjects s ON s.subject_id = m.subject_id AND s.active
  JOIN interests n ON n.subject_id = s.subject_id
  UNION ALL
  SELECT u.user_id, 'own', s.name, a.score,
    n.interest_id, n.label, n.description, n.strength, n.source
  FROM users u JOIN assignments a ON a.user_ix = u.user_ix
  JOIN interests n ON n.interest_id = a.interest_id
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active;

-- The items that prove each interest.
CREATE VIEW interest_evidence AS
  SELECT n.interest_id, n.label, s.name AS subject, i.item_id, i.title, e.position, n.source,
    n.response_id
  FROM evidence e JOIN interests n ON n.interest_id = e.interest_id
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active
  JOIN items i ON i.item_ix = e.item_ix;

-- What each run paid, by model; model is NULL for calls that were not answered.
CREATE VIEW costs AS
  SELECT r.run_id, r.kind, r.started_at, p.model, count(*) AS calls,
    sum(a.outcome = 'answered') AS answered, sum(a.tokens_in) AS tokens_in,
    sum(a.tokens_out) AS tokens_out, sum(a.cost_usd) AS cost_usd
  FROM attempts a LEFT JOIN runs r ON r.run_id = a.run_id
  LEFT JOIN responses p ON p.response_id = a.response_id
  GROUP BY r.run_id, p.model;

-- Subjects without usable interests, and why.
CREATE VIEW unanswered AS
  SELECT name, kind, state, reason, size AS members FROM subjects
  WHERE active AND state <> 'ok';

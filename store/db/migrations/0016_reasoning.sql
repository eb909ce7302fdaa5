-- What a model thought before its answer, where its service tells it. It stands apart from the
-- answer: nothing reads it back into an interest, and it goes with the answer.
CREATE TABLE reasoning (
  response_id INTEGER PRIMARY KEY REFERENCES responses (response_id) ON DELETE CASCADE,
  reasoning   TEXT NOT NULL
) STRICT;
CREATE TRIGGER seal_reasoning AFTER INSERT ON reasoning BEGIN
  INSERT OR REPLACE INTO seals VALUES ('reasoning', new.response_id, seal(new.reasoning));
END;
CREATE TRIGGER keep_reasoning BEFORE UPDATE OF response_id, reasoning ON reasoning BEGIN
  SELECT raise(ABORT, 'what a model thought is kept as it came');
END;
CREATE TRIGGER unseal_reasoning AFTER DELETE ON reasoning BEGIN
  DELETE FROM seals WHERE kind = 'reasoning' AND key = CAST(old.response_id AS TEXT);
END;

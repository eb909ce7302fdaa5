-- A seal is the digest of a row's payload, taken when it is written. `profiler verify` takes it
-- again and finds every row that something else has changed. seal() is a function of this
-- program, so a client without it can read everything and write none of the sealed tables.
CREATE TABLE seals (
  kind   TEXT NOT NULL,                    -- response, interest, evidence, vector
  key    TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER seal_response AFTER INSERT ON responses BEGIN
  INSERT OR REPLACE INTO seals VALUES ('response', new.response_id, seal(
    new.request_digest, new.prompt_digest, new.model, new.base_url, new.method, new.params,
    new.shown, new.raw_text, new.refusal, new.finish_reason, new.tokens_in, new.tokens_out,
    new.cost_usd, new.created_at));
END;
CREATE TRIGGER keep_response BEFORE UPDATE OF request_digest, prompt_digest, model, base_url,
  method, params, shown, raw_text, refusal, finish_reason, tokens_in, tokens_out, cost_usd,
  created_at ON responses BEGIN
  SELECT raise(ABORT, 'a response is kept as it came');
END;
CREATE TRIGGER unseal_response AFTER DELETE ON responses BEGIN
  DELETE FROM seals WHERE kind = 'response' AND key = CAST(old.response_id AS TEXT);
END;

CREATE TRIGGER seal_interest AFTER INSERT ON interests BEGIN
  INSERT OR REPLACE INTO seals VALUES ('interest', new.interest_id,
    seal(new.label, new.description, new.source, new.text_digest));
END;
CREATE TRIGGER reseal_interest AFTER UPDATE OF label, description, source, text_digest ON interests
BEGIN
  INSERT OR REPLACE INTO seals VALUES ('interest', new.interest_id,
    seal(new.label, new.description, new.source, new.text_digest));
END;
CREATE TRIGGER unseal_interest AFTER DELETE ON interests BEGIN
  DELETE FROM seals WHERE kind = 'interest' AND key = CAST(old.interest_id AS TEXT);
END;

CREATE TRIGGER seal_vector AFTER INSERT ON vectors BEGIN
  INSERT OR REPLACE INTO seals VALUES ('vector', new.model || ' ' || new.digest,
    seal(new.dim, new.vector));
END;
CREATE TRIGGER unseal_vector AFTER DELETE ON vectors BEGIN
  DELETE FROM seals WHERE kind = 'vector' AND key = old.model || ' ' || old.digest;
END;

-- Rows written before there were seals are sealed as they stand; else `profiler verify` would report
-- every one of them as changed.
INSERT INTO seals SELECT 'response', CAST(response_id AS TEXT), seal(
  request_digest, prompt_digest, model, base_url, method, params, shown, raw_text, refusal,
  finish_reason, tokens_in, tokens_out, cost_usd, created_at) FROM responses;
INSERT INTO seals SELECT 'interest', CAST(interest_id AS TEXT),
  seal(label, description, source, text_digest) FROM interests;
INSERT INTO seals SELECT 'vector', model || ' ' || digest, seal(dim, vector) FROM vectors;

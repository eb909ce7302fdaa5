"""Questions written to a file for somebody else to answer, kept until their answers come back.

Days may pass until then, and a build in between may give a subject other items: the answer belongs
to the question as it was asked.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.digests import canonical_json
from store.tables.ledger import Prompt

_FIND = statement(
    "SELECT q.subject_id, q.task_subject_id, q.run_id, q.max_tokens, q.shown, p.messages, "
    "p.schema, p.template, p.template_digest FROM questions q "
    "JOIN prompts p ON p.digest = q.prompt_digest WHERE q.request_digest = :digest"
)


@dataclass(frozen=True)
class Question:
    """One question as it was written.

    Attributes
    ----------
    request_digest
        Address of messages, schema, model, base URL and sampling parameters.
    run_id
        The run that wrote it; its configuration says of which model and how.
    max_tokens
        Longest answer.
    shown
        ``item_ix`` that the prompt showed, in order.
    task_subject_id
        Whom of a task's own subjects it is about, if any.
    """

    request_digest: str
    prompt: Prompt
    subject_id: int | None
    run_id: int
    max_tokens: int
    shown: Sequence[int]
    task_subject_id: int | None = None


class Questions:
    """Repository of written questions."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def add(self, questions: Iterable[Question]) -> None:
        """Keep questions with their prompts; one that is asked again is the later run's."""
        with self._db.write() as connection:
            driver = driver_connection(connection)
            for question in questions:
                digest = question.prompt.digest
                add_prompt(driver, digest, question.prompt)
                driver.execute(
                    "INSERT OR REPLACE INTO questions (request_digest, prompt_digest, subject_id, "
                    "run_id, max_tokens, shown, task_subject_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        question.request_digest,
                        digest,
                        question.subject_id,
                        question.run_id,
                        question.max_tokens,
                        canonical_json([int(item) for item in question.shown]),
                        question.task_subject_id,
                    ),
                )

    def find(self, request_digest: str) -> Question | None:
        """Return the question with this address, None if none was written.

        Parameters
        ----------
        request_digest
            Address of what would be sent.
        """
        with self._db.read() as connection:
            row = connection.execute(_FIND, {"digest": request_digest}).first()
        if row is None:
            return None
        prompt = Prompt(
            json.loads(row.messages), json.loads(row.schema), row.template, row.template_digest
        )
        return Question(
            request_digest,
            prompt,
            row.subject_id,
            row.run_id,
            row.max_tokens,
            json.loads(row.shown),
            row.task_subject_id,
        )

    def count(self) -> int:
        """Number of questions ever written."""
        with self._db.read() as connection:
            found = connection.execute(statement("SELECT count(*) FROM questions")).scalar_one()
        return int(found)


def add_prompt(driver: sqlite3.Connection, digest: str, prompt: Prompt) -> None:
    """Store a prompt under its address, where it is not there yet."""
    driver.execute(
        "INSERT INTO prompts (digest, template, template_digest, messages, schema) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        (
            digest,
            prompt.template,
            prompt.template_digest,
            canonical_json(list(prompt.messages)),
            canonical_json(dict(prompt.schema)),
        ),
    )

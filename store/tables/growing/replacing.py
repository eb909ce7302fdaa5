"""Interests of a subject replaced by those of a new answer; those that stay keep their ids.

What a person said of an interest, or another program remembers of it, is bound to its id. An
interest stays where the new answer has its label, in whatever case; its description and its
evidence are those of the new answer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from store.data.interest import InterestLike, interest_text
from store.digests import text_digest
from store.errors import StoreError

_OF_SUBJECT = "SELECT interest_id, label FROM interests WHERE subject_id = ? ORDER BY position"
_OUT_OF_THE_WAY = "UPDATE interests SET position = -1 - position WHERE subject_id = ?"
_DROP = "DELETE FROM interests WHERE interest_id = ?"
_DROP_EVIDENCE = "DELETE FROM evidence WHERE interest_id = ?"
_ADD = (
    "INSERT INTO interests (subject_id, position, label, description, strength, source, "
    "response_id, text_digest) VALUES (:subject, :position, :label, :description, :strength, "
    ":source, :response, :digest) RETURNING interest_id"
)
_RENEW = (
    "UPDATE interests SET position = :position, label = :label, description = :description, "
    "strength = :strength, source = :source, response_id = :response, text_digest = :digest "
    "WHERE interest_id = :interest RETURNING interest_id"
)
_ADD_EVIDENCE = "INSERT INTO evidence (interest_id, item_ix, position) VALUES (?, ?, ?)"


def replace_interests(
    driver: sqlite3.Connection,
    subject_id: int,
    interests: Sequence[InterestLike],
    shown: Mapping[str, int],
    source: str,
    answers: Sequence[int | None],
) -> None:
    """Make these the interests of a subject, in their order.

    Parameters
    ----------
    driver
        The open transaction.
    subject_id, interests
        Whose, and what.
    shown
        Items the subject stands for: item id → item_ix.
    source
        Who made them.
    answers
        The answer that each was read from.

    Raises
    ------
    StoreError
        If an evidence id is not among ``shown``.
    """
    earlier: dict[str, list[int]] = {}
    for interest_id, label in driver.execute(_OF_SUBJECT, (subject_id,)).fetchall():
        earlier.setdefault(_key(label), []).append(interest_id)
    stays = [_first(earlier, interest.label) for interest in interests]
    driver.execute(_OUT_OF_THE_WAY, (subject_id,))
    for position, (interest, own) in enumerate(zip(interests, stays, strict=True)):
        foreign = [item for item in interest.evidence if item not in shown]
        if foreign:
            raise StoreError(
                f"interest {interest.label!r} of subject {subject_id} cites "
                f"{foreign[0]!r}, which is not among its items"
            )
        evidence = list(dict.fromkeys(interest.evidence))
        values = {
            "subject": subject_id,
            "interest": own,
            "position": position,
            "label": interest.label,
            "description": interest.description,
            "strength": len(evidence) / len(shown) if shown else 0.0,
            "source": source,
            "response": answers[position],
            "digest": text_digest(interest_text(interest.label, interest.description)),
        }
        (number,) = driver.execute(_ADD if own is None else _RENEW, values).fetchone()
        driver.execute(_DROP_EVIDENCE, (number,))
        driver.executemany(
            _ADD_EVIDENCE, [(number, shown[item], rank) for rank, item in enumerate(evidence)]
        )
    # Last, so that no new interest gets the id of one that went.
    driver.executemany(_DROP, [(one,) for ids in earlier.values() for one in ids])


def _key(label: str) -> str:
    return " ".join(label.casefold().split())


def _first(earlier: dict[str, list[int]], label: str) -> int | None:
    """Take the first earlier interest of this label; what is taken stays."""
    ids = earlier.get(_key(label))
    return ids.pop(0) if ids else None


def with_followers(driver: sqlite3.Connection, subject_id: int) -> list[int]:
    """Interests of a subject, and those that stand under one of them."""
    rows = driver.execute(
        "SELECT interest_id FROM interests WHERE subject_id = :s UNION SELECT f.interest_id "
        "FROM interests n JOIN interests f ON f.canonical_id = n.interest_id "
        "WHERE n.subject_id = :s",
        {"s": subject_id},
    )
    return [row[0] for row in rows]


def shown_items(driver: sqlite3.Connection, subject_id: int) -> dict[str, int]:
    """Items that a subject stands for: item id → item_ix."""
    rows = driver.execute(
        "SELECT i.item_id, i.item_ix FROM subject_items s JOIN items i USING (item_ix) "
        "WHERE s.subject_id = ?",
        (subject_id,),
    )
    return dict(rows.fetchall())

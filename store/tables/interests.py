"""Interests with their evidence, and which of them are a user's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, text

from store.data.csr import starts
from store.data.interest import InterestLike, interest_text
from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.tables.growing.replacing import replace_interests, shown_items, with_followers
from store.tables.listing import listing_updates
from store.tables.sound import refuse_out_of_range

Method = Literal["exemplar", "catalogue"]
Maker = Literal["offline", "model", "person"]

_MAKERS = (
    "SELECT subject_id, max(source <> 'offline'), max(pinned OR source LIKE 'import:%' OR "
    "interest_id IN (SELECT json_extract(payload, '$.interest') FROM edits WHERE undone_at IS NULL "
    "UNION SELECT json_extract(payload, '$.into') FROM edits WHERE undone_at IS NULL)) "
    "FROM interests GROUP BY subject_id"
)


_OF_SUBJECT = statement(
    "SELECT n.label, n.description, n.source, (SELECT json_group_array(item_id) FROM "
    "(SELECT i.item_id FROM evidence e JOIN items i USING (item_ix) "
    "WHERE e.interest_id = n.interest_id ORDER BY e.position)) AS items "
    "FROM interests n JOIN subjects s USING (subject_id) "
    "WHERE n.subject_id = :subject AND s.state = 'ok' ORDER BY n.position"
)


@dataclass(frozen=True)
class StoredInterest:
    """An interest as it stands: words, who made it, and the ids of the items that prove it."""

    label: str
    description: str
    source: str
    evidence: list[str]


@dataclass(frozen=True)
class Catalogue:
    """All interests of active subjects, by interest id.

    Attributes
    ----------
    ids, subject_ids, leads
        int64 ``[n]``; a lead is the interest that stands for it, itself where none does.
    kinds
        ``[n]`` kinds of the subjects.
    labels, descriptions, text_digests
        ``[n]`` texts, and the addresses of what is encoded.
    indptr, items
        CSR of the evidence: item_ix of interest ``r`` are ``items[indptr[r]:indptr[r + 1]]``.
    """

    ids: NDArray[np.int64]
    subject_ids: NDArray[np.int64]
    leads: NDArray[np.int64]
    kinds: list[str]
    labels: list[str]
    descriptions: list[str]
    text_digests: list[str]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]

    @property
    def texts(self) -> list[str]:
        """Texts that are encoded, ``[n]``."""
        return [
            interest_text(label, description)
            for label, description in zip(self.labels, self.descriptions, strict=True)
        ]


_ASSIGN = "INSERT INTO assignments (user_ix, interest_id, rank, score) VALUES (?, ?, ?, ?)"
_ASSIGN_ITEM = (
    "INSERT INTO assignment_items (user_ix, interest_id, item_ix, similarity) VALUES (?, ?, ?, ?)"
)
_AT_ONCE = 200_000


class Interests:
    """Repository of interests, evidence and catalogue assignments."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def save(
        self,
        subject_id: int,
        interests: Sequence[InterestLike],
        *,
        source: str,
        response_id: int | Sequence[int | None] | None,
    ) -> None:
        """Replace the interests of a subject and mark it ``ok``, in one transaction.

        An interest whose label is that of an earlier one of the subject keeps its id.

        Parameters
        ----------
        subject_id, interests
            Whose, and what.
        source
            Who made them: ``offline``, a model's name, or ``import:NAME``.
        response_id
            The answer that they were read from; several, where each has one of its own.

        Raises
        ------
        StoreError
            If an evidence id is not an item the subject stands for: nothing ungrounded is stored.
        """
        with self._db.write() as connection, listing_updates(connection) as touch:
            driver = driver_connection(connection)
            shown = shown_items(driver, subject_id)
            touch(with_followers(driver, subject_id))
            answers = (
                list(response_id)
                if isinstance(response_id, Sequence)
                else [response_id] * len(interests)
            )
            replace_interests(driver, subject_id, interests, shown, source, answers)
            driver.execute(
                "UPDATE subjects SET state = 'ok', reason = NULL WHERE subject_id = ?",
                (subject_id,),
            )
            touch(with_followers(driver, subject_id))

    def remove(self, subject_id: int) -> None:
        """Remove all interests of a subject."""
        with self._db.write() as connection:
            driver_connection(connection).execute(
                "DELETE FROM interests WHERE subject_id = ?", (subject_id,)
            )

    def has(self, subject_id: int) -> bool:
        """Whether a subject has any interests."""
        with self._db.read() as connection:
            row = driver_connection(connection).execute(
                "SELECT EXISTS (SELECT 1 FROM interests WHERE subject_id = ?)", (subject_id,)
            )
            return bool(row.fetchone()[0])

    def of_subject(self, subject_id: int) -> list[StoredInterest]:
        """Interests of a subject that is ``ok``, in their order."""
        with self._db.read() as connection:
            rows = connection.execute(_OF_SUBJECT, {"subject": subject_id})
            return [
                StoredInterest(row.label, row.description, row.source, json.loads(row.items))
                for row in rows
            ]

    def makers(self) -> dict[int, Maker]:
        """Who is behind the interests of each subject that has any.

        A person who imported them, or renamed, merged or pinned one of them; else a model that was
        paid for one; else the offline extractor.
        """
        with self._db.read() as connection:
            rows = connection.execute(statement(_MAKERS)).all()
        return {
            subject_id: "person" if by_hand else "model" if paid else "offline"
            for subject_id, paid, by_hand in rows
        }

    def catalogue(self) -> Catalogue:
        """All interests of active subjects with their evidence."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement(
                    "SELECT interest_id, subject_id, label, description, kind, text_digest, "
                    "coalesce(canonical_id, interest_id) AS lead "
                    "FROM interests JOIN subjects USING (subject_id) WHERE active "
                    "ORDER BY interest_id"
                )
            ).all()
            pairs = connection.execute(
                statement(
                    "SELECT e.interest_id, e.item_ix FROM evidence e JOIN interests n "
                    "USING (interest_id) JOIN subjects s USING (subject_id) WHERE s.active "
                    "ORDER BY e.interest_id, e.position"
                )
            ).all()
            number = connection.execute(statement("SELECT count(*) FROM items")).scalar_one()
        cited = np.array([pair[1] for pair in pairs], dtype=np.int64)
        refuse_out_of_range(self._db.path, cited, number, "item_ix of a piece of evidence:")
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        owner = np.searchsorted(ids, np.array([pair[0] for pair in pairs], dtype=np.int64))
        return Catalogue(
            ids=ids,
            subject_ids=np.array([row[1] for row in rows], dtype=np.int64),
            leads=np.array([row.lead for row in rows], dtype=np.int64),
            kinds=[row.kind for row in rows],
            labels=[row[2] for row in rows],
            descriptions=[row[3] for row in rows],
            text_digests=[row.text_digest for row in rows],
            indptr=_indptr(owner, len(ids)),
            items=cited.astype(np.int32),
        )

    def of_users(self, method: Method = "exemplar") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """CSR of the interests of every user: ``(indptr [users + 1], rows)``.

        ``rows`` index :meth:`catalogue` (and ``store.vectors.interests()``, same order).
        ``exemplar``: the interests of the exemplar the user belongs to. ``catalogue``: those
        that cover their own history.
        """
        queries = {
            "exemplar": "SELECT m.user_ix, n.interest_id FROM memberships m "
            "JOIN subjects s USING (subject_id) JOIN interests n USING (subject_id) "
            "WHERE s.active AND s.kind = 'exemplar' AND undisputed(m) "
            "ORDER BY m.user_ix, n.interest_id",
            "catalogue": "SELECT a.user_ix, a.interest_id FROM assignments a "
            "JOIN interests n USING (interest_id) JOIN subjects s USING (subject_id) "
            "WHERE s.active AND undisputed(a) ORDER BY a.user_ix, a.rank",
        }
        with self._db.read() as connection:
            pairs = connection.execute(statement(queries[method])).all()
            users = connection.execute(statement("SELECT count(*) FROM users")).scalar_one()
            ids = connection.execute(
                statement(
                    "SELECT interest_id FROM interests JOIN subjects USING (subject_id) "
                    "WHERE active ORDER BY interest_id"
                )
            ).scalars()
            known = np.array(list(ids), dtype=np.int64)
        owner = np.array([pair[0] for pair in pairs], dtype=np.int64)
        refuse_out_of_range(self._db.path, owner, users, "user_ix of a membership:")
        rows = np.searchsorted(known, np.array([pair[1] for pair in pairs], dtype=np.int64))
        return _indptr(owner, users), rows.astype(np.int64)

    def save_assignments(
        self,
        users: Sequence[int] | NDArray[np.int64],
        indptr: NDArray[np.int64],
        interest_ids: NDArray[np.int64],
        scores: NDArray[np.floating],
        item_indptr: NDArray[np.int64],
        items: NDArray[np.integer],
        similarities: NDArray[np.floating],
        tell: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """Replace the catalogue assignments of ``users``.

        Parameters
        ----------
        users, indptr, interest_ids, scores
            CSR over these user_ix, best first; scores as the assignment defines them.
        item_indptr, items, similarities
            CSR over assignments: the item_ix that each rests on, and how well each shows it.
        tell
            Called with (step, done, total).
        """
        owners = np.repeat(np.asarray(users, dtype=np.int64), np.diff(indptr))
        ranks = np.arange(len(owners)) - np.repeat(indptr[:-1], np.diff(indptr))
        of_item = np.repeat(np.arange(len(owners)), np.diff(item_indptr))
        with self._db.write() as connection:
            query = text("DELETE FROM assignments WHERE user_ix IN :users").bindparams(
                bindparam("users", expanding=True)
            )
            everyone = [int(user) for user in users]
            for start in range(0, len(everyone), 5_000):
                connection.execute(query, {"users": everyone[start : start + 5_000]})
            driver = driver_connection(connection)
            for part in _parts(len(owners), "storing assignments", tell):
                columns = (owners[part], interest_ids[part], ranks[part], scores[part])
                driver.executemany(_ASSIGN, zip(*(c.tolist() for c in columns), strict=True))
            for part in _parts(len(of_item), "storing their items", tell):
                rows = of_item[part]
                cells = (owners[rows], interest_ids[rows], items[part], similarities[part])
                driver.executemany(_ASSIGN_ITEM, zip(*(c.tolist() for c in cells), strict=True))


def _parts(rows: int, step: str, tell: Callable[[str, int, int], None] | None) -> Iterator[slice]:
    """Slices of so many rows: all at once, as Python's numbers, would fill the memory."""
    for start in range(0, rows, _AT_ONCE):
        if tell is not None:
            tell(step, start, rows)
        yield slice(start, start + _AT_ONCE)
    if tell is not None and rows:
        tell(step, rows, rows)


def _indptr(owner: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return starts(np.bincount(owner, minlength=n))

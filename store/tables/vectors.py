"""Text vectors by content: a text is encoded once for each encoder, however often it appears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, text

from store.data.dataset import item_text
from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.digests import text_digest
from store.errors import StoreError

CHUNK = 5_000

_VECTORS = text(
    "SELECT digest, vector FROM vectors WHERE model = :model AND digest IN :digests"
).bindparams(bindparam("digests", expanding=True))


class Vectors:
    """Repository of unit text vectors, kept as float16 under (encoder name, text digest)."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def get(self, model: str, digests: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors among ``digests``, float32 ``[d]`` each.

        Parameters
        ----------
        model
            Name of the encoder.
        digests
            Addresses of texts; those without a vector are missing in what is returned.
        """
        with self._db.read() as connection:
            return fetch(connection, model, digests)

    def missing(self, model: str, digests: Sequence[str]) -> list[str]:
        """Return the digests that have no vector yet, each once, in the order given."""
        query = text(
            "SELECT digest FROM vectors WHERE model = :model AND digest IN :digests"
        ).bindparams(bindparam("digests", expanding=True))
        wanted = list(dict.fromkeys(digests))
        known: set[str] = set()
        with self._db.read() as connection:
            for chunk in _chunks(wanted):
                known.update(
                    connection.execute(query, {"model": model, "digests": chunk}).scalars()
                )
        return [digest for digest in wanted if digest not in known]

    def put(self, model: str, digests: Sequence[str], matrix: NDArray[np.float32]) -> None:
        """Store one row of ``matrix`` (``[n, d]``) for each digest; known digests are kept.

        Raises
        ------
        ValueError
            If the numbers differ or a vector is not finite.
        """
        if len(digests) != len(matrix):
            raise ValueError(f"{len(digests)} digests for {len(matrix)} vectors")
        if not np.isfinite(matrix).all():
            raise ValueError("a text vector is not finite")
        rows = [
            (model, digest, matrix.shape[1], vector.astype("<f2").tobytes())
            for digest, vector in zip(digests, matrix, strict=True)
        ]
        if rows:
            with self._db.write() as connection:
                driver_connection(connection).executemany(
                    "INSERT INTO vectors (model, digest, dim, vector) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    rows,
                )

    def matrix(self, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of ``texts`` as float32 ``[n, d]``; a zero row for an empty text.

        Raises
        ------
        StoreError
            If a text has no vector under this encoder.
        """
        digests = [text_digest(t) if t.strip() else "" for t in texts]
        found = self.get(model, [d for d in digests if d])
        absent = [t for t, d in zip(texts, digests, strict=True) if d and d not in found]
        if absent:
            raise StoreError(
                f"{len(absent)} texts have no vector of {model!r} (first: {absent[0][:60]!r}); "
                "run profiler build again to encode them"
            )
        dim = len(next(iter(found.values()))) if found else 0
        result = np.zeros((len(texts), dim), dtype=np.float32)
        for row, digest in enumerate(digests):
            if digest:
                result[row] = found[digest]
        return result

    def encoder(self) -> str:
        """Return the name of the encoder of the last build.

        Raises
        ------
        StoreError
            If no build has encoded anything.
        """
        name = self._db.meta("encoder")
        if name is None:
            raise StoreError(f"{self._db.path} has no text vectors; run profiler build first")
        return str(name)

    def items(self) -> NDArray[np.float32]:
        """Text vectors of all items by item_ix, float32 ``[items, d_t]``; zero where no text.

        Raises
        ------
        StoreError
            If nothing was encoded yet, or a vector is missing or damaged.
        """
        import json

        style = self._db.meta("item_text", "title+categories")
        with self._db.read() as connection:
            rows = connection.execute(
                statement("SELECT title, categories FROM items ORDER BY item_ix")
            ).all()
        texts = [item_text(title, json.loads(categories), style) for title, categories in rows]
        return self.matrix(self.encoder(), texts)

    def interests(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and text vectors of all interests of active subjects, float32 ``[n, d_t]``."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement(
                    "SELECT interest_id, text_digest FROM interests "
                    "JOIN subjects USING (subject_id) "
                    "WHERE active ORDER BY interest_id"
                )
            ).all()
        found = self.of_interests([(row[0], row[1]) for row in rows], self.encoder())
        absent = [row[0] for row in rows if row[0] not in found]
        if absent:
            raise StoreError(
                f"{len(absent)} interests have no text vector (first: interest {absent[0]}); "
                "run profiler build again to encode them"
            )
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        matrix = np.stack([found[row[0]] for row in rows]) if rows else np.zeros((0, 0), np.float32)
        return ids, matrix.astype(np.float32)

    def of_interests(
        self, interests: Sequence[tuple[int, str]], model: str | None = None
    ) -> dict[int, NDArray[np.float32]]:
        """Return vectors of interests given as (id, text digest), float32 ``[d]`` by id.

        Where an interest was renamed and its new text is not encoded yet, the vector of its
        former text stands in. What has no vector at all is left out.
        """
        model = model or self._db.meta("encoder")
        if model is None:
            return {}
        found = self.get(model, [digest for _, digest in interests])
        absent = {number: digest for number, digest in interests if digest not in found}
        stand_ins = self._stand_ins(absent) if absent else {}
        former = self.get(model, list(stand_ins.values())) if stand_ins else {}
        result = {number: found[digest] for number, digest in interests if digest in found}
        return result | {n: former[d] for n, d in stand_ins.items() if d in former}

    def _stand_ins(self, absent: Mapping[int, str]) -> dict[int, str]:
        """Digest of the encoded former text of each renamed interest among ``absent``."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement(
                    "SELECT json_extract(payload, '$.interest'), "
                    "json_extract(payload, '$.after.text_digest'), "
                    "json_extract(payload, '$.vector_digest') FROM edits "
                    "WHERE kind = 'rename' AND undone_at IS NULL ORDER BY edit_id"
                )
            ).all()
        return {row[0]: row[2] for row in rows if absent.get(row[0]) == row[1]}


def fetch(
    connection: Connection, model: str, digests: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Return the vectors among ``digests`` as one connection sees them, float32 ``[d]`` each.

    Raises
    ------
    StoreError
        If a stored vector is damaged.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for chunk in _chunks(list(dict.fromkeys(digests))):
        for digest, blob in connection.execute(_VECTORS, {"model": model, "digests": chunk}):
            if len(blob) % 2 or not len(blob):
                raise StoreError(f"the store is damaged: a text vector of {model!r} is cut short")
            found[digest] = np.frombuffer(blob, dtype="<f2").astype(np.float32)
    if len({len(vector) for vector in found.values()}) > 1:
        raise StoreError(f"the store is damaged: text vectors of {model!r} differ in length")
    return found


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]

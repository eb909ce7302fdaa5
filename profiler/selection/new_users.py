"""New users join the nearest exemplar; no call is made and nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from profiler.selection.exemplars.ageing import Ageing, aged, nearest_exemplar
from profiler.vectors.encoding import encode_cached, load_stored_encoder
from profiler.vectors.histories import history_vectors
from store.data.csr import starts
from store.data.prepare import Prepared, prepare
from store.data.readers import ReadOptions, read
from store.data.splits import Part, Split
from store.errors import StoreError
from store.tables.subjects import Subject

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store


@dataclass(frozen=True)
class Joined:
    """New users and the exemplar of each.

    Attributes
    ----------
    user_ids
        ``[n]`` users of the source that the store does not have, in natural order.
    indptr, items, timestamps
        CSR of their histories in time order, as item_ix of the store.
    subjects
        ``[n]`` exemplar of each; None where no item of the user has text.
    similarity
        ``[n]`` cosine to that exemplar, NaN where there is none.
    known_users
        Users of the source that the store has already; they stay as they are.
    unknown_items
        Interactions left out because the store does not have the item.
    """

    user_ids: list[str]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    subjects: list[Subject | None]
    similarity: NDArray[np.float32]
    known_users: int
    unknown_items: int


def join_exemplars(
    store: Store, source: Any, options: ReadOptions | None = None, *, encoder: str | None = None
) -> Joined:
    """Find the nearest exemplar of every new user in ``source``; nothing is stored.

    Histories become vectors as in the last build, centred by the same catalogue.

    Parameters
    ----------
    store
        An open store with exemplars.
    source
        As of :func:`profiler.build`.
    options
        How to read it.
    encoder
        Name or folder of the store's encoder where it is not the built-in one and histories are
        encoded as texts.

    Raises
    ------
    DataError
        If the source cannot be used.
    StoreError
        If the store holds no data, no text vectors or no exemplars.
    """
    dataset = store.datasets.load()
    exemplars = [s for s in store.subjects.load(kinds=("exemplar",)) if s.user_ix is not None]
    if not exemplars:
        raise StoreError(
            f"{store.path} has no exemplars to join; run: profiler build DATA --store {store.path}"
        )
    prepared = prepare(read(source, options), filter="none", split=Split("none"))
    new = [row for row, user in enumerate(prepared.user_ids) if user not in dataset.user_index]
    indptr, items, timestamps, unknown = _known_items(prepared, new, dataset)
    vectors = _vectors(store, dataset, indptr, items, encoder)
    heads = np.array([subject.user_ix for subject in exemplars], dtype=np.int64)
    if not len(new):
        labels, similarity = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    else:
        labels, similarity = nearest_exemplar(vectors[dataset.n_users :], vectors[heads])
    return Joined(
        [prepared.user_ids[row] for row in new],
        indptr,
        items,
        timestamps,
        [exemplars[label] if label >= 0 else None for label in labels.tolist()],
        similarity,
        len(prepared.user_ids) - len(new),
        unknown,
    )


def _known_items(
    prepared: Prepared, rows: list[int], dataset: Dataset
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], int]:
    """Histories of some users as item_ix of the store, without items it does not have."""
    column = np.array([dataset.item_index.get(item, -1) for item in prepared.item_ids] or [-1])
    lengths = np.diff(prepared.indptr)
    wanted = np.isin(np.arange(len(lengths)), rows)
    user = np.repeat(np.arange(len(lengths)), lengths)
    mine = wanted[user]
    items = column[prepared.items[mine]]
    kept = items >= 0
    counts = np.bincount(user[mine][kept], minlength=len(lengths))[rows]
    indptr = starts(counts)
    times = prepared.timestamps[mine][kept]
    return indptr, items[kept].astype(np.int32), times, int((~kept).sum())


def _vectors(
    store: Store,
    dataset: Dataset,
    indptr: NDArray[np.int64],
    items: NDArray[np.int32],
    encoder: str | None,
) -> NDArray[np.float32]:
    """Vectors of the store's users and, after them, of the new ones, in one frame of reference."""
    known_indptr, known_items = dataset.known()
    all_indptr = np.concatenate([known_indptr, known_indptr[-1] + indptr[1:]])
    all_items = np.concatenate([known_items, items])
    method = store.meta("history_vector", "mean")
    style = store.meta("item_text", "title+categories")

    def encode(texts: Any) -> NDArray[np.float32]:
        return encode_cached(store, load_stored_encoder(store, encoder), texts).vectors

    return history_vectors(
        store.vectors.items(),
        all_indptr,
        all_items,
        method,
        center=True,
        texts=dataset.texts(style),
        encode=encode,
    )


def save_joined(store: Store, joined: Joined) -> int:
    """Store new users with their histories and memberships, in one transaction.

    Their interactions are stored as input: they describe the user, but nothing trains on them and
    no prompt shows them. Users without text are stored without a membership.

    Returns
    -------
    Users stored.
    """
    if not joined.user_ids:
        return 0
    with store.write():
        numbers = store.datasets.append_users(
            joined.user_ids, joined.indptr, joined.items, joined.timestamps, Part.INPUT
        )
        members = [
            (subject.subject_id, number, float(similarity))
            for number, subject, similarity in zip(
                numbers, joined.subjects, joined.similarity.tolist(), strict=True
            )
            if subject is not None
        ]
        store.subjects.add_members(members)
        first = _first_joined(store, numbers[0])
        store.set_meta(joined={"first": first, "choice": store.meta("choice_digest")})
    return len(numbers)


def _first_joined(store: Store, start: int) -> int:
    """Number of the first user who joined since the exemplars were chosen."""
    before = store.meta("joined")
    if before and before["choice"] == store.meta("choice_digest"):
        return int(before["first"])
    return start


def ageing_of(store: Store) -> Ageing | None:
    """Whether the exemplars still stand for the users who joined since they were chosen.

    None where nobody has joined since.
    """
    joined = store.meta("joined")
    if not joined or joined["choice"] != store.meta("choice_digest"):
        return None
    known = store.subjects.similarities("exemplar")
    users = np.array([user for user, _ in known], dtype=np.int64)
    similarity = np.array([value for _, value in known], dtype=np.float64)
    new = users >= joined["first"]
    exemplars = len(store.subjects.load(kinds=("exemplar",)))
    return aged(similarity[new], similarity[~new], exemplars)


def ageing_facts(store: Store) -> tuple[dict[str, int | float], list[str]]:
    """What ``profiler status`` says about users who joined since the exemplars were chosen.

    Returns
    -------
    facts by name, and advice: nothing, or that the exemplars have aged and what mends it.
    """
    found = ageing_of(store)
    if found is None:
        return {}, []
    facts: dict[str, int | float] = {
        "users who joined since": found.users,
        "of them far from every exemplar": found.far,
        "far means a similarity below": round(found.threshold, 4),
    }
    if not found.aged:
        return facts, []
    return facts, [
        f"the exemplars have aged: {found.far} of {found.users} new users are far from all of "
        f"them; about {found.needed} new ones would mend it: profiler build with the grown data "
        "keeps the old ones and asks about the new ones only"
    ]

"""Imported interests into the store, with the users that each exemplar stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from profiler.exchange.interest_rows import Counts, GroundedInterest
from store.data.dataset import Dataset
from store.store import Store
from store.tables.subjects import Kind, SubjectRow
from store.upkeep.duplicates import merge_duplicates
from store.upkeep.edit_records import drop, record
from store.upkeep.import_edits import KIND, Imported, changed_nothing, move_interests, remember

if TYPE_CHECKING:
    from profiler.vectors.encoding import Encoder


@dataclass(frozen=True)
class Found:
    """A subject with its interests, ready to be stored."""

    row: SubjectRow
    interests: list[GroundedInterest]


@dataclass
class ImportedInterests:
    """What an import brought.

    Attributes
    ----------
    subjects, interests
        Stored, those that were there already included.
    changed
        Subjects whose interests are new or differ from what was stored.
    members
        Users that an imported exemplar stands for.
    counts
        What became of everything in the file.
    edit
        Number of the change, by which ``profiler undo`` takes it back; None where nothing changed.
    """

    subjects: int
    interests: int
    changed: int
    members: int
    counts: Counts = field(default_factory=Counts)
    edit: int | None = None


def save_imported(
    store: Store, dataset: Dataset, found: list[Found], *, name: str, unseen: int, counts: Counts
) -> ImportedInterests:
    """Store subjects, memberships and interests in one transaction that ``undo`` can take back."""
    source = f"import:{name}"
    found = sorted(found, key=lambda one: (one.row.user_ix or 0, one.row.name))
    by_kind: dict[Kind, list[SubjectRow]] = {}
    for one in found:
        by_kind.setdefault(one.row.kind, []).append(one.row)
    if "exemplar" in by_kind:
        by_kind["exemplar"] = with_members(store, dataset, by_kind["exemplar"])
    changed = 0
    config = {"name": name, "unseen": unseen}
    with store.write() as connection, store.runs.recording("import-interests", config) as run:
        edit = record(connection, KIND, Imported(source, sorted(by_kind)))
        for kind, rows in by_kind.items():
            remember(connection, edit.edit_id, kind, [row.name for row in rows])
        for kind, rows in by_kind.items():
            if kind == "user":
                store.subjects.add(rows, run.run_id)
            else:
                store.subjects.choose(kind, rows, run.run_id)
        numbers = {one.name: one.subject_id for one in store.subjects.load()}
        for one in found:
            subject_id = numbers[one.row.name]
            if _stored(store, subject_id, source) != one.interests:
                move_interests(connection, edit.edit_id, subject_id)
                store.interests.save(subject_id, one.interests, source=source, response_id=None)
                changed += 1
        if changed_nothing(connection, edit.edit_id):
            drop(connection, edit)
            taken_back_by = None
        else:
            taken_back_by = edit.edit_id
        run.stats = {"subjects": len(found), "changed": changed}
    return ImportedInterests(
        subjects=len(found),
        interests=sum(len(one.interests) for one in found),
        changed=changed,
        members=sum(len(row.members) for row in by_kind.get("exemplar", [])),
        counts=counts,
        edit=taken_back_by,
    )


def with_members(
    store: Store, dataset: Dataset, exemplars: Sequence[SubjectRow]
) -> list[SubjectRow]:
    """Let every user join their nearest exemplar; without text vectors each stands for itself.

    History vectors are made as a build makes them, from what may describe a user (training and
    input interactions), and centred.
    """
    from profiler.selection.exemplars import nearest_exemplar
    from profiler.vectors.histories import history_vectors

    encoder = store.meta("encoder")
    if encoder is None:
        return list(exemplars)
    vectors = history_vectors(
        store.vectors.items(),
        *dataset.known(),
        store.meta("history_vector", "mean"),
        center=True,
        texts=dataset.texts(store.meta("item_text", "title+categories")),
        encode=lambda texts: store.vectors.matrix(encoder, texts),
    )
    own = np.array([row.user_ix for row in exemplars], dtype=np.int64)
    labels, cosine = nearest_exemplar(vectors, vectors[own])
    labels[own], cosine[own] = np.arange(len(own)), 1.0
    groups = [np.flatnonzero(labels == number) for number in range(len(own))]
    return [
        replace(row, members=members.tolist(), similarities=cosine[members].tolist())
        for row, members in zip(exemplars, groups, strict=True)
    ]


def _stored(store: Store, subject_id: int, source: str) -> list[GroundedInterest]:
    """Interests of a subject as they stand, if they are all from this source."""
    stored = store.interests.of_subject(subject_id)
    if any(one.source != source for one in stored):
        return []
    return [GroundedInterest(one.label, one.description, one.evidence) for one in stored]


def encoder_of(store: Store, named: str | None = None) -> Encoder | None:
    """The encoder of the store's vectors, its weights read; None in a store without text vectors.

    To be called before anything is asked or stored: what is wrong with it then costs nothing.

    Parameters
    ----------
    named
        Name or folder of the encoder; None takes the built-in one.

    Raises
    ------
    UserError
        It cannot be loaded, or ``named`` is not the one the store's vectors are from.
    """
    from profiler.vectors.encoding import load_stored_encoder

    if store.meta("encoder") is None:
        return None
    encoder = load_stored_encoder(store, named)
    encoder.load()
    return encoder


def encode_imported(store: Store, encoder: Encoder | None = None) -> int:
    """Encode the interests' words and give users those that cover their own history.

    Returns how many texts were encoded; 0 in a store without text vectors.

    Parameters
    ----------
    encoder
        From :func:`encoder_of`; None finds the store's own.

    Raises
    ------
    UserError
        The store's own encoder cannot be loaded.
    """
    from profiler.quality.far_labels import flag_far_labels
    from profiler.vectors.encoding import encode_cached

    model = encoder or encoder_of(store)
    if model is None:
        return 0
    encoded = encode_cached(store, model, store.interests.catalogue().texts).encoded
    cover_again(store)
    flag_far_labels(store)
    return encoded


def cover_again(store: Store) -> None:
    """Give users the interests that cover their history once the catalogue is another one.

    No encoder is needed: the interests that are there were encoded before.
    """
    from profiler.assignment.assign import assign_own_interests

    if store.meta("encoder") is not None:
        assign_own_interests(store, store.datasets.load(), store.vectors.items())
        merge_duplicates(store)

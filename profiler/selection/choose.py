"""Whom to ask: exemplars and synthetic users, chosen once for a data set and kept after that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from profiler.selection.exemplar_sample import draw_sample, net_of_all
from profiler.selection.exemplars import (
    choose_exemplars,
    choose_incremental,
    far_threshold,
    nearest_exemplar,
)
from profiler.selection.synthetic.choose import choose_synthetic_users
from profiler.selection.synthetic.result import SyntheticSettings, SyntheticUsers
from profiler.selection.synthetic.storing import save_synthetic_users, subject_rows
from profiler.vectors.encoding import encode_cached
from profiler.vectors.histories import history_vectors
from store.data.crawlers import beyond_a_person
from store.digests import json_digest
from store.errors import DataError
from store.tables.subjects import SubjectRow

if TYPE_CHECKING:
    from profiler.config import BuildConfig
    from profiler.selection.affordable import DollarLimit
    from profiler.selection.exemplars import Exemplars
    from profiler.vectors.encoding import Encoder
    from store.data.dataset import Dataset
    from store.store import Store

Tell = Callable[[str, int, int], None]

NO_TEXT = (
    "no item has a title or a category, so there is nothing to ask about: "
    "the store serves behavioural models only (--align none)"
)


@dataclass(frozen=True)
class Chosen:
    """Whom a build asks about.

    Attributes
    ----------
    exemplars, synthetic_users
        How many of each.
    anew
        False where the store's choice already was for this data and these settings.
    notes
        What a reader should know: how the share was met, what did not converge, who is left out.
    """

    exemplars: int
    synthetic_users: int
    anew: bool = True
    notes: list[str] = field(default_factory=list)


def choose_subjects(
    store: Store,
    dataset: Dataset,
    item_vectors: NDArray[np.float32],
    encoder: Encoder,
    config: BuildConfig,
    run_id: int,
    limit: DollarLimit | None = None,
    *,
    keep_synthetic: bool = False,
    tell: Tell | None = None,
) -> Chosen:
    """Choose exemplars and synthetic users among the users training may see, and store them.

    Where ``limit`` is given, it decides how many exemplars there are. Held-out users join the
    nearest exemplar by their known history; nobody is asked about them.
    Where the data grew since the last choice, exemplars asked earlier stay and new ones are added
    only for users far from all of them. Whoever was asked keeps the items that were shown.
    With ``keep_synthetic`` the synthetic users in use stay, where there are any. ``tell`` is called
    with (step, done, total).
    """
    how = config.choice()
    state = json_digest([dataset.digest, encoder.name, how])
    if store.meta("choice_digest") == state:
        counts = {kind: sum(n.values()) for kind, n in store.subjects.counts().items()}
        # Imports may have taken the place of what was chosen: count what is there.
        return Chosen(
            counts.get("exemplar", 0),
            counts.get("synthetic", 0),
            anew=False,
            notes=store.meta("choice")["notes"],
        )
    if not item_vectors.any():
        return Chosen(0, 0, notes=[NO_TEXT])
    say = tell or (lambda step, done, total: None)
    say("vectors of histories", 0, 0)
    vectors = user_vectors(store, dataset, item_vectors, encoder, config)
    # Both choices are made before the store is locked: they may take a minute.
    exemplars = _exemplars(store, dataset, vectors, config, how, limit, say)
    rows = as_shown(store, dataset, _exemplar_rows(dataset, exemplars))
    del vectors
    kept = store.subjects.load(kinds=("synthetic",)) if keep_synthetic else []
    synthetic, notes = (None, ()) if kept else _synthetic(dataset, config, say)
    say("storing whom to ask", 0, 0)
    cliques = (
        as_shown(store, dataset, subject_rows(synthetic, dataset.user_ids)) if synthetic else []
    )
    chosen = Chosen(
        exemplars=len(rows),
        synthetic_users=len(cliques) or len(kept),
        notes=[*exemplars.settings.get("messages", []), *notes],
    )
    with store.write():
        store.subjects.choose("exemplar", rows, run_id)
        if synthetic:
            save_synthetic_users(store, synthetic, dataset.user_ids, run_id, cliques)
        elif not kept:
            store.subjects.choose("synthetic", [], run_id)
        store.set_meta(
            choice_digest=state,
            choice=asdict(chosen),
            exemplar_choice={
                "how": how,
                "net_similarity": exemplars.net_similarity,
                "converged": exemplars.converged,
                "threshold": far_threshold(exemplars.similarity),
                "settings": exemplars.settings,
            },
        )
    return chosen


def user_vectors(
    store: Store,
    dataset: Dataset,
    item_vectors: NDArray[np.float32],
    encoder: Encoder,
    config: BuildConfig,
) -> NDArray[np.float32]:
    """Centred unit vectors of the known histories, float32 ``[users, d]``.

    Parameters
    ----------
    item_vectors
        float32 ``[items, d]``, zero where an item has no text.
    encoder, config
        Which vectors of histories: the mean of the items' vectors, or the encoded text of titles.
    """
    return history_vectors(
        item_vectors,
        *dataset.known(),
        config.history,
        center=True,
        texts=dataset.texts(config.item_text),
        encode=lambda texts: encode_cached(store, encoder, texts).vectors,
    )


def _exemplars(
    store: Store,
    dataset: Dataset,
    vectors: NDArray[np.float32],
    config: BuildConfig,
    how: dict[str, Any],
    limit: DollarLimit | None,
    tell: Tell,
) -> Exemplars:
    """Exemplars over all users: clustered among those training may see, joined by the others."""
    visible, _ = dataset.visible()
    train = np.flatnonzero((dataset.user_split == 0) & (np.diff(visible) > 0))
    everyone, count = train, config.exemplars
    if config.exemplar_sample is not None:
        train, count = draw_sample(dataset, vectors, train, _asked(store), config)
    ids = [dataset.user_ids[user] for user in train]
    wanted: dict[str, Any] = {
        "share": config.share,
        "count": config.exemplars,
        "preference": config.preference,
        "damping": config.damping,
        "seed": config.seed,
        "center": False,
        "tell": tell,
    }
    persons = ~beyond_a_person(np.diff(visible)[train])
    candidates = (
        None if persons.all() else [one for one, is_one in zip(ids, persons, strict=True) if is_one]
    )
    before = store.meta("exemplar_choice")
    kept = sorted(set(_asked(store)) & set(ids))

    def choose(count: int | None) -> Exemplars:
        settings = wanted | {"count": count}
        if kept and before and before["how"] == how:
            among = candidates
            if count is not None and limit is None:  # a maximum of all, not of each append
                settings["count"] = max(count - len(kept), 1)
                among = candidates if count > len(kept) else []
            threshold = before["threshold"]
            return choose_incremental(
                vectors[train], ids, kept, threshold=threshold, candidates=among, **settings
            )
        return choose_exemplars(vectors[train], ids, candidates=candidates, **settings)

    found = (
        choose(count)
        if limit is None
        else _affordable(
            choose, limit, [own_items(dataset, int(user)) for user in train], set(kept), ids
        )
    )
    tell("joining users to exemplars", 0, 0)
    labels, similarity = nearest_exemplar(vectors, vectors[train[found.rows]])
    labels[train], similarity[train] = found.labels, found.similarity
    net = found.net_similarity
    if len(train) < len(everyone):
        net = net_of_all(found, similarity[everyone], len(everyone), len(train))
    return type(found)(
        rows=train[found.rows],
        labels=labels,
        similarity=similarity,
        sizes=np.bincount(labels[labels >= 0], minlength=len(found.rows)),
        net_similarity=net,
        converged=found.converged,
        settings=found.settings,
    )


def _affordable(
    choose: Callable[[int], Exemplars],
    limit: DollarLimit,
    histories: list[NDArray[np.integer]],
    asked: set[str],
    ids: list[str],
) -> Exemplars:
    """As many exemplars as the limit allows; those asked already cost nothing."""
    count: int | None = limit.first_count(histories)
    while count is not None:
        found = choose(count)
        new = [row for row in found.rows.tolist() if ids[row] not in asked]
        cost = limit.cost([histories[row].tolist() for row in new]) if new else 0.0
        count = limit.fewer(len(new), cost)
    found.settings["usd"] = {"given": limit.usd, "expected": cost}
    found.settings.setdefault("messages", []).append(
        f"asking about {len(new)} exemplars is expected to cost ${cost:.4f} of ${limit.usd:g}"
    )
    return found


def own_items(dataset: Dataset, user: int) -> NDArray[np.integer]:
    """What a prompt about this user may show: each visible item once, in time order."""
    return np.array(list(dict.fromkeys(dataset.history(user).tolist())), dtype=np.int64)


def _asked(store: Store) -> list[str]:
    """Users whose interests are stored already: their answers were paid for.

    One that waits to be asked again has interests, too.
    """
    makers = store.interests.makers()
    return [
        one.name.removeprefix("exemplar:")
        for one in store.subjects.load(states=("ok", "pending"), kinds=("exemplar",))
        if one.state == "ok" or one.subject_id in makers
    ]


def as_shown(store: Store, dataset: Dataset, rows: Sequence[SubjectRow]) -> list[SubjectRow]:
    """Rows in which whoever was asked keeps the items its interests rest on, as far as visible now.

    With other items it would be another question, and interests that were paid for, imported or
    edited would be no answer to it. A choice that comes back after another finds its interests.
    Synthetic users that only the extractor spoke for cost nothing and follow their members.
    """
    makers = store.interests.makers()
    shown = {
        one.name: one.items
        for one in store.subjects.load(states=("ok",), active=False)
        if one.kind == "exemplar" or makers.get(one.subject_id) != "offline"
    }
    return [
        _with_items(dataset, row, shown[row.name]) if row.name in shown else row for row in rows
    ]


def _with_items(dataset: Dataset, row: SubjectRow, shown: Sequence[int]) -> SubjectRow:
    users = row.members if row.user_ix is None else [row.user_ix]
    owned = Counter(item for user in users for item in own_items(dataset, int(user)).tolist())
    items = [item for item in shown if item in owned]
    return replace(row, items=items, owners=[owned[item] for item in items]) if items else row


def _exemplar_rows(dataset: Dataset, exemplars: Exemplars) -> list[SubjectRow]:
    """One row for each exemplar, with its own items and its members."""
    order = np.argsort(exemplars.labels, kind="stable")
    order = order[exemplars.labels[order] >= 0]
    groups = np.split(order, np.cumsum(exemplars.sizes)[:-1])
    rows = []
    for user, members in zip(exemplars.rows.tolist(), groups, strict=True):
        rows.append(
            SubjectRow(
                kind="exemplar",
                name=f"exemplar:{dataset.user_ids[user]}",
                user_ix=user,
                items=own_items(dataset, user).tolist(),
                members=members.tolist(),
                similarities=exemplars.similarity[members].tolist(),
            )
        )
    return rows


def _synthetic(
    dataset: Dataset, config: BuildConfig, tell: Tell
) -> tuple[SyntheticUsers | None, Sequence[str]]:
    """Choose synthetic users; a crowd without cliques has none, and the notes say why."""
    count = config.synthetic_users
    if count is None:  # as many as exemplars at the paper's share: the bill doubles, no more
        count = max(1, round(0.03 * int((dataset.user_split == 0).sum())))
    if count == 0:
        return None, ["no synthetic users were asked for"]
    try:
        chosen = choose_synthetic_users(
            *dataset.visible(),
            dataset.n_items,
            dataset.user_ids,
            count=count,
            settings=SyntheticSettings(max_titles=config.max_titles),
            tell=tell,
        )
    except DataError as error:
        return None, [str(error)]
    return chosen, chosen.notes

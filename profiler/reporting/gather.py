"""Gather everything a page shows of a store, checked against the data contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from profiler.choices import ShownUsers
from profiler.growth.diff import diff_stores
from profiler.reporting.card import Card, run_card
from profiler.reporting.checks.facts import surprising_pairs
from profiler.reporting.checks.measuring import measure
from profiler.reporting.checks.model_scores import read_name, read_score
from profiler.reporting.checks.run_checks import run_checks
from profiler.reporting.checks.verdict import how_sure, limits, verdict
from profiler.reporting.findings import LARGEST, Missing, tell_findings
from profiler.reporting.map.atlas import columns, draw_atlas, points
from profiler.reporting.people.describe import describe_person
from profiler.reporting.people.origins import Origins, find_origins
from profiler.reporting.people.sampling import PEOPLE, sample_users
from profiler.reporting.people.scene import Scene
from profiler.reporting.shared.contract import (
    VERSION,
    Counts,
    Floor,
    Interests,
    Meta,
    ModelFacts,
    Report,
)
from profiler.reporting.shared.contract_people import Person
from profiler.reporting.shared.item_titles import ItemTitles
from profiler.reporting.shared.pseudonyms import Names
from profiler.reporting.shared.vocabulary import VOCABULARIES, vocabulary
from store.data.dataset import Dataset
from store.data.splits import Split
from store.errors import UserError

if TYPE_CHECKING:
    from store.recommending import Recommending
    from store.store import Store

MOST_INTERESTS = 2_000
"""Interests in one file; the explorer draws all."""

_SAMPLE_OF_CATEGORIES = 500


@dataclass(frozen=True)
class Options:
    """What is shown of a store, and how.

    Attributes
    ----------
    title
        What the page is called; None makes one.
    things
        What a history is made of (:data:`profiler.choices.Things`); None guesses.
    people
        How many people are shown; 0 shows none.
    users
        ``pseudonyms``, ``ids`` as they are, or ``none``: no person, history, question or answer.
    min_people
        Interests that reach fewer people are left out, wherever they would be named.
    seed
        Decides the sample of people and the map, not the themes.
    model
        A folder of ``recommender train`` whose figures are shown.
    recommending
        The same model at work, for lists; None shows none.
    since
        An older store, open, to tell what changed; None tells nothing.
    """

    title: str | None = None
    things: str | None = None
    people: int = PEOPLE
    users: ShownUsers = "pseudonyms"
    min_people: int = 1
    seed: int = 0
    model: Path | None = None
    recommending: Recommending | None = field(default=None, repr=False)
    since: Store | None = field(default=None, repr=False)


def gather(store: Store, options: Options, most: int | None = MOST_INTERESTS) -> Report:
    """Everything a page shows of a store, checked against the contract.

    Parameters
    ----------
    store
        An open store; it is only read.
    options
        What is shown.
    most
        Interests on the map; None draws all.

    Raises
    ------
    UserError
        If a choice cannot be met or the model folder cannot be read.
    """
    scene = set_scene(store, options, most)
    titles = ItemTitles(scene.dataset, scene.words.item)
    drawn = [int(one) for one in scene.atlas.groups.ids[: scene.atlas.drawn]]
    origins = find_origins(store, scene.atlas.groups, scene.atlas.drawn, drawn, scene.names, titles)
    interests = columns(store, scene.dataset, scene.atlas, origins.of, titles)
    count = 0 if options.users == "none" else options.people
    people = [
        describe_person(scene, user, titles, origins.subjects)
        for user in sample_users(store, scene.dataset, options.seed, count)
    ]
    return _put_together(scene, options, interests, origins, people, titles)


def gather_light(store: Store, options: Options, most: int | None) -> tuple[Scene, Report]:
    """The scene of a store, and its report without what belongs to one interest or person.

    For the explorer, which looks these up when they are asked for.

    Raises
    ------
    UserError
        If a choice cannot be met or the model folder cannot be read.
    """
    scene = set_scene(store, options, most)
    titles = ItemTitles(scene.dataset, scene.words.item)
    interests = points(scene.dataset, scene.atlas)
    return scene, _put_together(scene, options, interests, Origins(), [], titles)


def _put_together(
    scene: Scene,
    options: Options,
    interests: Interests,
    origins: Origins,
    people: list[Person],
    titles: ItemTitles,
) -> Report:
    store, dataset, atlas, words = scene.store, scene.dataset, scene.atlas, scene.words
    score = read_score(options.model, dataset.digest) if options.model else None
    measured = measure(
        store, dataset, atlas, seed=options.seed, model=options.model is not None, score=score
    )
    older = options.since
    since = None if older is None else diff_stores(older, store, least=options.min_people)
    card = run_card(store, scene.names, since)
    checks = run_checks(measured, words)
    themes, parts = atlas.regions()
    pairs = surprising_pairs(dataset, atlas.themes, atlas.spots)
    missing = Missing(
        unanswered=card.unanswered,
        untitled=sum(title is None for title in dataset.titles),
        model=options.model is not None,
        hidden=measured.ranked is not None,
    )
    return Report(
        v=VERSION,
        meta=_meta(scene, options, card),
        counts=_counts(scene, card, measured.people, len(people)),
        findings=tell_findings(atlas, pairs, measured, missing, words),
        largest=list(range(min(LARGEST, atlas.drawn))),
        verdict=verdict(checks),
        how_sure=how_sure(score, words),
        themes=themes,
        parts=parts,
        pairs=[(pair.a, pair.b, pair.together, round(pair.lift, 2)) for pair in pairs],
        height=atlas.places.height,
        interests=interests,
        origins=origins.rows,
        questions=origins.questions,
        items=titles.titles(),
        people=people,
        checks=checks,
        limits=limits(words, offline=card.offline),
        run=card.sections,
    )


def set_scene(store: Store, options: Options, most: int | None = MOST_INTERESTS) -> Scene:
    """Read a store as a page sees it.

    Raises
    ------
    UserError
        If a choice cannot be met.
    """
    check_options(options)
    dataset = load_data(store)
    source = str(store.meta("source", ""))
    categories = [c for names in dataset.categories[:_SAMPLE_OF_CATEGORIES] for c in names]
    words = VOCABULARIES[vocabulary(options.things, source, categories)]
    return Scene(
        store=store,
        dataset=dataset,
        words=words,
        names=Names(dataset.user_ids, secret_of(store, dataset), options.users),
        atlas=draw_atlas(store, most=most, floor=options.min_people, seed=options.seed),
        model=options.recommending,
    )


def check_options(options: Options) -> None:
    """Refuse what cannot be met, before anything is read.

    Raises
    ------
    UserError
        Naming the choice.
    """
    if options.users not in get_args(ShownUsers):
        raise UserError(f"users {options.users!r}: one of {', '.join(get_args(ShownUsers))}")
    if options.people < 0:
        raise UserError(f"people {options.people}: 0 or more")
    if options.min_people < 1:
        raise UserError(f"min_people {options.min_people}: 1 or more; 1 leaves nothing out")
    vocabulary(options.things)
    if options.model is not None:
        read_name(options.model)


def load_data(store: Store) -> Dataset:
    """The data of a store; nothing where nothing was built into it yet."""
    if store.meta("split") is not None:
        return store.datasets.load()
    return Dataset(
        user_ids=[],
        item_ids=[],
        titles=[],
        categories=[],
        indptr=np.zeros(1, np.int64),
        items=np.zeros(0, np.int32),
        timestamps=np.zeros(0, np.int64),
        parts=np.zeros(0, np.int8),
        user_split=np.zeros(0, np.int8),
        split=Split("none"),
    )


def secret_of(store: Store, dataset: Dataset) -> str:
    """What only the store knows, for pseudonyms; reading a store never writes one."""
    return str(store.meta("boundary_key", "")) or dataset.digest


def _meta(scene: Scene, options: Options, card: Card) -> Meta:
    source = str(scene.store.meta("source", "")).replace("\\", "/").rstrip("/")
    dataset = source.rpartition("/")[2] or scene.store.path.stem
    name = read_name(options.model) if options.model else ""
    folder = options.model.name if options.model else ""
    return Meta(
        title=options.title or f"What the {scene.words.people} of {dataset} care about",
        dataset=dataset,
        as_of=card.as_of,
        users=options.users,
        offline=card.offline,
        sources=card.sources,
        words=scene.words.to_json(),
        order="time" if scene.dataset.has_time else "order",
        map_method=scene.atlas.places.method,
        seed=options.seed,
        split=scene.dataset.split.name,
        model=ModelFacts(name=name, folder=folder) if options.model else None,
        floor=Floor(people=options.min_people, hidden=scene.atlas.hidden),
    )


def _counts(scene: Scene, card: Card, people: int, sampled: int) -> Counts:
    groups = scene.atlas.groups
    return Counts(
        people=people,
        items=scene.dataset.n_items,
        events=len(scene.dataset.items),
        written=groups.written,
        interests=len(groups) + scene.atlas.hidden,
        shown=scene.atlas.drawn,
        representatives=card.representatives,
        blends=card.blends,
        sampled=sampled,
    )

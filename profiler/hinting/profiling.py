"""Hints for profiling: which of them makes the interests of exemplars tell more of their members.

The prediction is held in: an exemplar's interests, written from the exemplar's own training items,
rank all other items, and are right about those that its members have in training. Nothing that the
split holds out is read. The answers without a hint are those that a build has paid for.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from profiler.asking.forecast import Forecast, forecast_questions
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.plan import Addressee, Questions, questions_of
from profiler.asking.runner import run_task
from profiler.asking.subjects import shown_subjects
from profiler.asking.tasks.profiling import HintedProfile, Profiling
from profiler.vectors.encoding import encode_cached
from prompts import load_template
from store.data.interest import interest_text
from store.errors import UserError
from store.tables.tasks.hints import BUILT_IN, Hint, Trial
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from profiler.asking.tasks.interests import Found
    from profiler.llm.port import ChatPort
    from profiler.vectors.encoding import Encoder
    from store.store import Store
    from store.tables.ledger import StoredResponse

TEMPLATE = "exemplar_interests"
LENGTH = 50
"""Items of the ranking that is measured."""
HINTS = (
    "Split interests by purpose: things used for different ends are different interests.",
    "Merge variants in colour, size or pack: they are one interest.",
    "Write in the description what else would be welcome, not what was chosen.",
    "Prefer few broad interests to many narrow ones.",
    "Name the maker, series or era where one runs through the items.",
)
"""Hints that are tried where the store has none for profiling; they can be edited like others."""


@dataclass(frozen=True)
class Tried:
    """What trying hints for profiling came to.

    Attributes
    ----------
    model
        Who was asked.
    exemplars
        Exemplars with members to predict.
    asking
        Calls, outcomes and cost; None after a dry run.
    forecast
        Of a dry run.
    gains
        Mean gain of each hint in recall over no hint and half its 95 % interval, by hint_id.
    without
        Mean recall without a hint.
    """

    model: str
    exemplars: int
    asking: AskingSummary | None = None
    forecast: Forecast | None = None
    gains: dict[int, tuple[float, float]] = field(default_factory=dict)
    without: float | None = None


def try_profiling_hints(
    store: Store,
    llm: ChatPort,
    encoder: Encoder | None,
    *,
    exemplars: int | None = None,
    options: AskingOptions | None = None,
    dry_run: bool = False,
    stop: threading.Event | None = None,
) -> Tried:
    """Ask about exemplars with each hint for profiling, and measure what their interests predict.

    Parameters
    ----------
    store
        With exemplars that were asked about.
    llm
        The model that was asked about them.
    encoder
        Of the store's vectors; not needed for a dry run.
    exemplars
        Only so many, the first ones.
    options
        As of the build: with others the answers without a hint are bought again.
    dry_run
        Forecast calls, tokens and dollars; send nothing.
    stop
        Set from another thread to stop asking cleanly.

    Raises
    ------
    UserError
        There are no exemplars with members, or no encoder.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        Asking ended early; what was finished is kept.
    """
    how = options or AskingOptions()
    targets = _targets(store)
    subjects = [
        one
        for one in store.subjects.load(kinds=("exemplar",))
        if one.active and one.user_ix is not None and targets.get(one.subject_id)
    ][:exemplars]
    if not subjects:
        raise UserError(
            f"{store.path} has no exemplars with members to predict; run profiler build"
        )
    hints = _hints(store, write=not dry_run)
    shown = zip(subjects, shown_subjects(store, subjects), strict=True)
    asked = [
        HintedProfile(one, int(subject.user_ix or 0), hint)
        for subject, one in shown
        for hint in (None, *hints)
    ]
    task = Profiling(asked, how.max_interests)
    template = load_template(TEMPLATE)
    made = questions_of(store, template, Addressee.of_port(llm), how, task)
    questions = replace(made, task=task)
    if dry_run:
        every = [one.shown() for one in asked]
        forecast = forecast_questions(questions, every, llm, how)
        return Tried(llm.name, len(subjects), forecast=forecast)
    if encoder is None:
        raise UserError(f"{store.path} has no text vectors to measure by; run profiler build")
    summary = _ask(store, questions, task, llm, how, stop)
    owned = {one.name: targets[one.subject_id] for one in subjects}
    own = {one.name: one.items for one in subjects}
    store.hints.save_trials(_trials(store, task, encoder, owned, own, template.digest, llm.name))
    gains, without = gains_of(store.hints.trials(Profiling.name, llm.name))
    return Tried(llm.name, len(subjects), summary, gains=gains, without=without)


def gains_of(trials: Sequence[Trial]) -> tuple[dict[int, tuple[float, float]], float | None]:
    """Mean gain of each hint and half its 95 % interval, paired by exemplar; mean without one."""
    plain = {one.subject: one.score for one in trials if one.hint_id is None}
    paired: dict[int, list[float]] = {}
    for one in trials:
        if one.hint_id is not None and one.subject in plain:
            paired.setdefault(one.hint_id, []).append(one.score - plain[one.subject])
    found = {}
    for hint, values in paired.items():
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("inf")
        found[hint] = (float(np.mean(values)), 1.96 * spread / len(values) ** 0.5)
    return found, float(np.mean(list(plain.values()))) if plain else None


def recall_of(
    interests: NDArray[np.float32],
    items: NDArray[np.float32],
    own: Sequence[int],
    members: Sequence[frozenset[int]],
) -> float:
    """Mean recall@50 of members' items by the nearest of an exemplar's interests.

    Parameters
    ----------
    interests, items
        Unit vectors, ``[interests, d]`` and ``[all items, d]``.
    own
        ``item_ix`` of the exemplar, which are left out of the ranking.
    members
        For each member the items that the exemplar does not have.
    """
    scores = (interests @ items.T).max(0)
    scores[list(own)] = -np.inf
    best = set(np.argsort(-scores, kind="stable")[:LENGTH].tolist())
    return float(np.mean([len(best & wanted) / len(wanted) for wanted in members]))


def _ask(
    store: Store,
    questions: Questions,
    task: Profiling,
    llm: ChatPort,
    how: AskingOptions,
    stop: threading.Event | None,
) -> AskingSummary:
    asked = list(task.asked.values())
    rows = store.tasks.add(
        TaskSubject(Profiling.name, "user", one.name, user_ix=one.user_ix) for one in asked
    )
    due = [replace(one.shown(), task_subject_id=row) for one, row in zip(asked, rows, strict=True)]
    config = {"llm": llm.name, "hints": len({one.hint for one in asked}) - 1}
    with store.runs.recording("profiling hints", config, stats=store.tasks.counts) as run:
        summary = run_task(questions, due, llm, how, run_id=run.run_id, stop=stop)
        run.status = "partial" if summary.quarantined or summary.pending else "done"
    return summary


def _trials(
    store: Store,
    task: Profiling,
    encoder: Encoder,
    targets: Mapping[str, Sequence[frozenset[int]]],
    own: Mapping[str, Sequence[int]],
    template: str,
    source: str,
) -> list[Trial]:
    """Every answer, measured."""
    items = store.vectors.items()
    texts = {name: _texts(found) for name, (found, _) in task.answers.items()}
    encode_cached(store, encoder, [text for some in texts.values() for text in some])
    trials = []
    for name, (_, response) in task.answers.items():
        one = task.asked[name]
        vectors = encode_cached(store, encoder, texts[name]).vectors
        base = one.subject.name
        score = recall_of(vectors, items, own[base], targets[base])
        trials.append(_trial(store, one, response, score, template, source))
    return trials


def _texts(found: Found) -> list[str]:
    return [interest_text(one.label, one.description) for one in found]


def _trial(
    store: Store,
    one: HintedProfile,
    response: StoredResponse,
    score: float,
    template: str,
    source: str,
) -> Trial:
    row = TaskSubject(Profiling.name, "user", one.subject.name, user_ix=one.user_ix)
    return Trial(
        hint_id=None if one.hint is None else one.hint.hint_id,
        task_subject_id=store.tasks.add([row])[0],
        source=source,
        text_digest="" if one.hint is None else one.hint.text_digest,
        rank=None,
        score=score,
        template_digest=template,
        response_id=response.response_id,
    )


def _targets(store: Store) -> dict[int, list[frozenset[int]]]:
    """For each exemplar the training items of each member that the exemplar does not have."""
    dataset = store.datasets.load()
    own = {one.subject_id: set(one.items) for one in store.subjects.load(kinds=("exemplar",))}
    found: dict[int, list[frozenset[int]]] = {}
    for subject, user in store.subjects.members():
        if subject in own:
            wanted = frozenset(dataset.history(user).tolist()) - own[subject]
            if wanted:
                found.setdefault(subject, []).append(wanted)
    return found


def _hints(store: Store, *, write: bool) -> list[Hint]:
    """The hints for profiling in use; ours where the store has had none yet."""
    if not store.hints.load("profiling"):
        ours = [Hint("profiling", text, "active", BUILT_IN) for text in HINTS]
        if not write:
            return ours
        store.hints.add(ours)
    return store.hints.load("profiling", ("active",))

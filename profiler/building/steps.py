"""The steps of a build once its data are stored: encode, choose, ask, assign; read top to bottom.

Each step is skipped where its result is in the store for the same input.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from profiler.asking.forecast import Forecast, forecast, forecast_later
from profiler.asking.options import AskingOptions, AskingSummary
from profiler.asking.progress import asking_progress
from profiler.asking.runner import ask_in_turn
from profiler.assignment.assign import assign_own_interests
from profiler.config import OFFLINE, BuildConfig
from profiler.growth.changes import Before, growth_since
from profiler.growth.drift import drifted_exemplars
from profiler.growth.refresh import Refresh, RefreshOptions, ask_again, choose_refresh
from profiler.offline.extractor import OfflineExtractor
from profiler.quality.far_labels import flag_far_labels
from profiler.selection.affordable import DollarLimit, dollar_limit
from profiler.selection.choose import choose_subjects
from profiler.vectors.encoding import Encoded, Encoder, encode_cached
from prompts import load_template
from store.errors import BudgetReachedError, InterruptedRunError, ProviderRefusedError
from store.store import Store
from store.upkeep.duplicates import merge_duplicates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from profiler.building.report import BuildReport
    from profiler.llm.port import ChatPort
    from store.data.dataset import Dataset

Progress = Callable[[str, int, int], None]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Filling:
    """How a store is filled.

    Attributes
    ----------
    store, config, encoder
        What is filled, the choices, and the encoder that they name.
    llm, then
        The model, None for the extractor, and the one that is asked where it fails.
    asking
        Pace, caps, prices, as configured.
    refresh
        What counts as drifted, and what asking again may cost.
    keep_synthetic
        Whether the synthetic users in use stay as they are.
    dry_run
        Whether nothing is asked.
    tell, note, stop
        As for :func:`profiler.build`.
    """

    store: Store
    config: BuildConfig
    encoder: Encoder
    llm: ChatPort | None
    then: ChatPort | None
    asking: AskingOptions
    refresh: RefreshOptions = field(default_factory=RefreshOptions)
    keep_synthetic: bool = False
    dry_run: bool = False
    tell: Progress = lambda step, done, total: None
    note: Note | None = None
    stop: threading.Event | None = None

    @property
    def model(self) -> str:
        """Who is asked, by name."""
        return self.llm.name if self.llm is not None else OFFLINE


def fill(
    to: Filling, report: BuildReport, dataset: Dataset, run_id: int, before: Before | None
) -> None:
    """Encode, choose whom to ask, ask, and give everyone interests.

    Parameters
    ----------
    to
        The store and how it is filled.
    report
        Filled in with what came of each step.
    dataset
        The store's data set.
    run_id
        The run that calls and answers belong to.
    before
        The store before its data changed; None where they did not, or were the first.

    Raises
    ------
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        If asking ended early; what was finished is kept.
    UserError
        If a choice cannot be met.
    """
    store, config = to.store, to.config
    to.tell("loading vectors", 0, 0)
    found = _encode_items(to, dataset)
    report.encoded, item_vectors = found.encoded, found.vectors

    to.tell("choosing exemplars and synthetic users", 0, 0)
    report.chosen = choose_subjects(
        store,
        dataset,
        item_vectors,
        to.encoder,
        config,
        run_id,
        _dollar_limit(to),
        keep_synthetic=to.keep_synthetic,
        tell=to.tell,
    )
    port = to.llm or OfflineExtractor(
        dataset, item_vectors, max_interests=config.max_interests, encode=to.encoder.encode
    )
    ports = [port] if to.then is None else [port, to.then]
    report.asked = ", then ".join(one.name for one in ports)
    known = before is not None or to.refresh.usd is not None
    refresh = _refresh(to, dataset, item_vectors, port) if known else Refresh([])

    def grown() -> None:
        if before is not None:
            report.growth = growth_since(
                before,
                store,
                dataset,
                item_vectors,
                refresh.drifted,
                threshold=to.refresh.drift,
                refresh_usd=refresh.usd,
            )

    if to.dry_run:
        report.forecast = _forecast(to, ports)
        if refresh.forecast is not None:
            report.forecast["exemplar, asked again"] = refresh.forecast
        grown()
        return
    ask_again(store, dataset, refresh.drifted)
    for one in ports:
        elsewhere = to.asking.prices.elsewhere(one.name, one.base_url)
        if elsewhere is not None and to.note is not None:
            to.note(elsewhere)
    try:
        report.asking = _ask(to, ports, run_id)
    except (InterruptedRunError, BudgetReachedError, ProviderRefusedError):
        _encode_interests(to)  # what there is can be evaluated
        raise
    report.encoded += _encode_interests(to)
    to.tell("assigning interests to users", 0, 0)
    if config.assign:
        report.assigned = assign_own_interests(store, dataset, item_vectors, to.tell)
    to.tell("merging near-duplicates", 0, 0)
    merge_duplicates(store)
    to.tell("comparing labels with their items", 0, 0)
    flag_far_labels(store)
    grown()


def as_configured(
    options: AskingOptions, config: BuildConfig, llm: ChatPort | None
) -> AskingOptions:
    """The correction from the same folder as the questions; of two limits on interests the lower.

    The extractor has its own limit: it may add one group for items without text.
    """
    policy = options.reask_policy
    template = policy.template or load_template("reask", config.prompts)
    most = options.max_interests
    if llm is not None:
        most = min(most, config.max_interests)
    policy = replace(policy, template=template)
    return replace(options, reask_policy=policy, max_interests=most)


@contextmanager
def run_of(to: Filling, kind: str) -> Iterator[int]:
    """Record the run, as partial where somebody is left to ask about."""
    store = to.store
    settings = to.config.model_dump(mode="json") | {"llm": to.model}
    settings |= {"then": to.then.name} if to.then else {}
    settings |= {} if to.refresh.usd is None else {"refresh_usd": to.refresh.usd}

    def counts() -> dict[str, object]:
        return {"subjects": store.subjects.counts()}

    with store.runs.recording(kind, settings, stats=counts) as run:
        yield run.run_id
        makers = store.interests.makers()
        left = [
            one
            for one in store.subjects.load(states=("pending", "quarantined"))
            if makers.get(one.subject_id) != "person"  # no run asks about these
        ]
        run.status = "partial" if left else "done"


def _encode_items(to: Filling, dataset: Dataset) -> Encoded:
    """Encode the items' texts and record with what, so that readers find the vectors."""
    store, encoder, config = to.store, to.encoder, to.config
    known = store.meta("encoder")
    found = encode_cached(
        store,
        encoder,
        dataset.texts(config.item_text),
        lambda done, n: to.tell("encoding", done, n),
    )
    store.set_meta(encoder=encoder.name, item_text=config.item_text, history_vector=config.history)
    if known not in (None, encoder.name):
        _encode_interests(to)
    return found


def _encode_interests(to: Filling) -> int:
    texts = to.store.interests.catalogue().texts
    found = encode_cached(
        to.store, to.encoder, texts, lambda done, n: to.tell("encoding interests", done, n)
    )
    return found.encoded


def _refresh(
    to: Filling, dataset: Dataset, item_vectors: NDArray[np.float32], port: ChatPort
) -> Refresh:
    """Who drifted, and who of them is asked again."""
    drifted = drifted_exemplars(to.store, dataset, item_vectors, to.refresh.drift)
    if to.refresh.usd is None or not drifted:
        return Refresh(drifted)
    template = load_template(to.config.questions(port.name)["exemplar"], to.config.prompts)
    return choose_refresh(to.store, dataset, drifted, port, template, to.asking, to.refresh.usd)


def _ask(to: Filling, ports: Sequence[ChatPort], run_id: int) -> AskingSummary:
    """Ask about exemplars, then about synthetic users, each with its own question."""
    total = AskingSummary()
    for kind, name in to.config.questions(ports[0].name).items():
        total += ask_in_turn(
            to.store,
            kind,
            ports,
            template=load_template(name, to.config.prompts),
            options=to.asking,
            run_id=run_id,
            progress=asking_progress(to.tell, f"asking ({kind})"),
            stop=to.stop,
        )
    return total


def _forecast(to: Filling, ports: Sequence[ChatPort]) -> dict[str, Forecast]:
    """What asking would take, by kind of subject; of a later model by kind and its name."""
    store, options = to.store, to.asking
    found: dict[str, Forecast] = {}
    for kind, name in to.config.questions(ports[0].name).items():
        subjects = store.subjects.load(kinds=(kind,))
        template = load_template(name, to.config.prompts)
        found[kind] = forecast(store, subjects, ports[0], template=template, options=options)
        for port in ports[1:]:
            found[f"{kind}, then {port.name}"] = forecast_later(
                store, subjects, ports[0], port, template=template, options=options
            )
    return found


def _dollar_limit(to: Filling) -> DollarLimit | None:
    """The sum that decides the number of exemplars, if one was given."""
    config = to.config
    if config.exemplars_usd is None:
        return None
    template = load_template(config.questions(to.model)["exemplar"], config.prompts)
    return dollar_limit(config.exemplars_usd, to.store, to.llm, template, to.asking)

"""``build``: from interactions to stored interests, read top to bottom.

Each step is skipped where its result is already in the store for the same input, so a repeated
build makes no call and encodes nothing, and a build that was killed goes on where it stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.asking.forecast import Forecast, forecast, forecast_later
from profiler.asking.progress import asking_progress
from profiler.asking.runner import AskingOptions, AskingSummary, ask_in_turn
from profiler.assignment.assign import assign_own_interests
from profiler.config import OFFLINE, BuildConfig
from profiler.offline.extractor import OfflineExtractor
from profiler.quality.far_labels import flag_far_labels
from profiler.selection.affordable import DollarLimit, dollar_limit
from profiler.selection.choose import Chosen, choose_subjects
from profiler.vectors.encoder_source import locate, require_encoder
from profiler.vectors.encoding import (
    Encoded,
    Encoder,
    encode_cached,
    load_encoder,
)
from prompts import load_template, refuse_unused
from store.data.prepare import prepare
from store.data.readers import ReadOptions, read
from store.data.splits import checked_split
from store.errors import BudgetReachedError, InterruptedRunError, ProviderRefusedError
from store.notebook import InNotebooks
from store.store import Store, open_store
from store.upkeep.duplicates import merge_duplicates

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort
    from store.data.dataset import Dataset

Progress = Callable[[str, int, int], None]
Note = Callable[[str], None]


@dataclass
class BuildReport(InNotebooks):
    """What a build did.

    Attributes
    ----------
    changed
        Whether the data differed from what the store held.
    users, items, interactions
        Size of the data.
    encoded
        Texts encoded now (0: all vectors were there).
    chosen
        Exemplars and synthetic users, and how well they cover the crowd.
    asked
        The model, or ``offline``.
    asking
        Calls, outcomes and cost; None where nothing was asked.
    forecast
        Of a dry run: what asking would take, by kind of subject.
    assigned
        Users whose own history is covered by stored interests.
    notes
        What was assumed about the data, or looks wrong with it, as sentences.
    """

    changed: bool
    users: int
    items: int
    interactions: int
    encoded: int = 0
    chosen: Chosen | None = None
    asked: str = OFFLINE
    asking: AskingSummary | None = None
    forecast: dict[str, Forecast] = field(default_factory=dict)
    assigned: int = 0
    notes: list[str] = field(default_factory=list)


def build(
    source: Any,
    store: Store | str | Path,
    *,
    config: BuildConfig | None = None,
    options: ReadOptions | None = None,
    llm: ChatPort | None = None,
    then: ChatPort | None = None,
    asking: AskingOptions | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    note: Note | None = None,
    stop: threading.Event | None = None,
) -> BuildReport:
    """Populate a store: data, vectors, exemplars, synthetic users, interests, assignments.

    Parameters
    ----------
    source
        A folder, a file, an interactions frame or a pair of frames; see :mod:`store.readers`.
    store
        An open store, or the path of one, made where it is missing.
    config
        The choices; defaults are the paper's.
    options
        How to read ``source``.
    llm
        A chat model from :func:`profiler.open_chat`; ``None`` is the offline extractor, which is
        not a language model.
    then
        A model that is asked about whom ``llm`` fails at.
    asking
        Pace, caps, prices, retries; a correction it does not name is that of ``config.prompts``.
    dry_run
        Choose whom to ask and forecast what it would take, but send nothing. The choice is stored,
        in place of an earlier one.
    progress
        Called with (step, done, total).
    note
        Called with each note on the data before anything is encoded or asked, so that whoever
        watches can stop before money is spent; they are in the report, too.
    stop
        Set from another thread to end asking cleanly.

    Raises
    ------
    DataError
        If the data cannot be used; the store is as it was.
    UserError
        If a choice cannot be met, such as a template that is not there.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        If asking ended early; what was finished is kept.
    """
    config = config or BuildConfig()
    refuse_unused(config.prompts, config.questions(_model(llm)).values())
    how = _as_configured(asking or AskingOptions(), config, llm)
    tell = progress or (lambda step, done, total: None)
    split = checked_split(config.parsed_split())
    encoder = _load_encoder(config, store, tell)
    tell("reading the data", 0, 0)
    raw = read(source, options, progress=tell)
    tell("ordering and splitting the data", 0, 0)
    prepared = prepare(
        raw,
        filter=config.filter,
        split=split,
        drop_repeats=config.drop_repeats,
        max_history=config.max_history,
    )
    if note is not None:
        for line in prepared.notes:
            note(line)
    with ExitStack() as stack:
        if not isinstance(store, Store):
            store = stack.enter_context(open_store(store, create=True))
        run_id = stack.enter_context(_run_of(store, config, llm, then))

        changed = store.datasets.save(prepared, raw.source, place=config.interactions_in, tell=tell)
        notes = prepared.notes
        del raw, prepared  # what is stored is read once more, and both would fill memory
        tell("loading what is stored", 0, 0)
        dataset = store.datasets.load()
        size = (dataset.n_users, dataset.n_items, len(dataset.items))
        report = BuildReport(changed, *size, notes=notes)

        tell("loading vectors", 0, 0)
        found = _encode_items(store, dataset, encoder, config, tell)
        report.encoded, item_vectors = found.encoded, found.vectors

        tell("choosing exemplars and synthetic users", 0, 0)
        limit = _dollar_limit(store, llm, config, how)
        report.chosen = choose_subjects(
            store, dataset, item_vectors, encoder, config, run_id, limit
        )
        port = llm or OfflineExtractor(
            dataset, item_vectors, max_interests=config.max_interests, encode=encoder.encode
        )
        ports = [port] if then is None else [port, then]
        report.asked = ", then ".join(one.name for one in ports)
        if dry_run:
            report.forecast = _forecast(store, ports, config, how)
            return report
        for one in ports:
            elsewhere = how.prices.elsewhere(one.name, one.base_url)
            if elsewhere is not None and note is not None:
                note(elsewhere)
        try:
            report.asking = _ask(store, ports, config, how, run_id, tell, stop)
        except (InterruptedRunError, BudgetReachedError, ProviderRefusedError):
            _encode_interests(store, encoder, tell)  # what there is can be evaluated
            raise
        report.encoded += _encode_interests(store, encoder, tell)
        tell("assigning interests to users", 0, 0)
        if config.assign:
            report.assigned = assign_own_interests(store, dataset, item_vectors)
        merge_duplicates(store)
        flag_far_labels(store)
        return report


def _load_encoder(config: BuildConfig, store: Store | str | Path, tell: Progress) -> Encoder:
    """The encoder; one that does not exist is told before any work is done."""
    if config.encoder is None or _encoded_by(config.encoder, store):
        return load_encoder(config.encoder)
    tell("loading the encoder", 0, 0)
    require_encoder(config.encoder)
    encoder = load_encoder(config.encoder)
    encoder.load()
    return encoder


def _encoded_by(name: str, store: Store | str | Path) -> bool:
    """Whether a store's last build encoded with this encoder; no weights are needed to know."""
    if isinstance(store, Store):
        known = store.meta("encoder")
    elif not Path(store).is_file():
        return False
    else:
        with open_store(store) as opened:
            known = opened.meta("encoder")
    return known is not None and known.removesuffix("+bf16") == locate(name)[1]


def _encode_items(
    store: Store, dataset: Dataset, encoder: Encoder, config: BuildConfig, tell: Progress
) -> Encoded:
    """Encode the items' texts and record with what, so that readers find the vectors."""
    known = store.meta("encoder")
    found = encode_cached(
        store, encoder, dataset.texts(config.item_text), lambda done, n: tell("encoding", done, n)
    )
    store.set_meta(encoder=encoder.name, item_text=config.item_text, history_vector=config.history)
    if known not in (None, encoder.name):
        _encode_interests(store, encoder, tell)
    return found


def _encode_interests(store: Store, encoder: Encoder, tell: Progress) -> int:
    texts = store.interests.catalogue().texts
    found = encode_cached(
        store, encoder, texts, lambda done, n: tell("encoding interests", done, n)
    )
    return found.encoded


def _as_configured(
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


def _ask(
    store: Store,
    ports: Sequence[ChatPort],
    config: BuildConfig,
    options: AskingOptions,
    run_id: int,
    tell: Progress,
    stop: threading.Event | None,
) -> AskingSummary:
    """Ask about exemplars, then about synthetic users, each with its own question."""
    total = AskingSummary()
    for kind, name in config.questions(ports[0].name).items():
        total += ask_in_turn(
            store,
            kind,
            ports,
            template=load_template(name, config.prompts),
            options=options,
            run_id=run_id,
            progress=asking_progress(tell, f"asking ({kind})"),
            stop=stop,
        )
    return total


def _forecast(
    store: Store, ports: Sequence[ChatPort], config: BuildConfig, options: AskingOptions
) -> dict[str, Forecast]:
    """What asking would take, by kind of subject; of a later model by kind and its name."""
    found: dict[str, Forecast] = {}
    for kind, name in config.questions(ports[0].name).items():
        subjects, template = store.subjects.load(kinds=(kind,)), load_template(name, config.prompts)
        found[kind] = forecast(store, subjects, ports[0], template=template, options=options)
        for port in ports[1:]:
            found[f"{kind}, then {port.name}"] = forecast_later(
                store, subjects, ports[0], port, template=template, options=options
            )
    return found


def _dollar_limit(
    store: Store, llm: ChatPort | None, config: BuildConfig, options: AskingOptions
) -> DollarLimit | None:
    """The sum that decides the number of exemplars, if one was given."""
    if config.exemplars_usd is None:
        return None
    template = load_template(config.questions(_model(llm))["exemplar"], config.prompts)
    return dollar_limit(config.exemplars_usd, store, llm, template, options)


@contextmanager
def _run_of(
    store: Store, config: BuildConfig, llm: ChatPort | None, then: ChatPort | None
) -> Iterator[int]:
    """Record the run, as partial where somebody is left to ask about."""
    settings = config.model_dump(mode="json") | {"llm": llm.name if llm else OFFLINE}
    settings |= {"then": then.name} if then else {}

    def counts() -> dict[str, object]:
        return {"subjects": store.subjects.counts()}

    with store.runs.recording("build", settings, stats=counts) as run:
        yield run.run_id
        makers = store.interests.makers()
        left = [
            one
            for one in store.subjects.load(states=("pending", "quarantined"))
            if makers.get(one.subject_id) != "person"  # no run asks about these
        ]
        run.status = "partial" if left else "done"


def _model(llm: ChatPort | None) -> str:
    return llm.name if llm is not None else OFFLINE

"""``build``: from interactions to stored interests, read top to bottom.

Each step is skipped where its result is already in the store for the same input, so a repeated
build makes no call and encodes nothing, and a build that was killed goes on where it stopped.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.asking.options import AskingOptions
from profiler.building.report import BuildReport
from profiler.building.steps import Filling, Note, Progress, as_configured, fill, run_of
from profiler.config import OFFLINE, BuildConfig
from profiler.growth.changes import Before
from profiler.growth.refresh import RefreshOptions
from profiler.vectors.encoder_source import locate, require_encoder
from profiler.vectors.encoding import Encoder, load_encoder
from prompts import refuse_unused
from store.data.growing.reading import KEY, told_options
from store.data.prepare import Prepared, prepare
from store.data.readers import ReadOptions, read
from store.data.splits import checked_split
from store.errors import UserError
from store.store import Store, open_store
from store.tables.growing.data_versions import Origin
from store.telemetry.spans import traced_steps

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort

__all__ = ["BuildReport", "build"]


_FIGURES = ("users", "items", "interactions", "encoded", "assigned")


@traced_steps("build", lambda told: {f"interest_profiler.{n}": getattr(told, n) for n in _FIGURES})
def build(
    source: Any,
    store: Store | str | Path,
    *,
    config: BuildConfig | None = None,
    options: ReadOptions | None = None,
    llm: ChatPort | None = None,
    then: ChatPort | None = None,
    asking: AskingOptions | None = None,
    refresh: RefreshOptions | None = None,
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
    refresh
        Where the data grew: what counts as drifted, and what asking again about drifted exemplars
        may cost.
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
    model = llm.name if llm is not None else OFFLINE
    refuse_unused(config.prompts, config.questions(model).values())
    how = as_configured(asking or AskingOptions(), config, llm)
    tell = progress or (lambda step, done, total: None)
    split = checked_split(config.parsed_split())
    encoder = find_encoder(config, store, tell)
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
        to = Filling(
            store,
            config,
            encoder,
            llm,
            then,
            how,
            refresh=refresh or RefreshOptions(),
            dry_run=dry_run,
            tell=tell,
            note=note,
            stop=stop,
        )
        run_id = stack.enter_context(run_of(to, "build"))
        before, changed = _save(to, prepared, raw.source, run_id)
        if isinstance(source, (str, Path)):
            store.set_meta(**{KEY: told_options(options)})
        notes = prepared.notes
        del raw, prepared  # what is stored is read once more, and both would fill memory
        tell("loading what is stored", 0, 0)
        dataset = store.datasets.load()
        size = (dataset.n_users, dataset.n_items, len(dataset.items))
        report = BuildReport(changed, *size, notes=notes)
        fill(to, report, dataset, run_id, before)
        return report


def _save(to: Filling, prepared: Prepared, name: str, run_id: int) -> tuple[Before | None, bool]:
    """Store the data; return the store before that, where it changed, and whether it did.

    Where they are what the latest build read, what was appended since stays.
    """
    store, place = to.store, to.config.interactions_in
    versions = store.data_versions.current()
    base, appended = (versions[0], versions[1:]) if versions else (None, [])
    if base is not None and appended:
        files = ", ".join(sorted({one.source for one in appended}))
        if base.read_digest == prepared.digest:
            if place not in (None, store.datasets.place()):
                raise UserError(
                    f"interactions_in={place} moves what DATA holds, not what was appended since; "
                    "build DATA into a new store and append the files there"
                )
            _tell(to, prepared, f"what was appended since stays: {files}")
            return None, False
        if appended[-1].dataset_digest != prepared.digest:
            line = f"these data take the place of those before and of what was appended: {files}"
            _tell(to, prepared, f"{line}; what they lack of it can be appended again")
    changes = store.meta("dataset_digest") not in (None, prepared.digest)
    before = Before.of(store) if changes else None
    origin = Origin("build", name, prepared.digest, run_id)
    after = prepared.after
    size = (after.users, after.items, after.interactions)
    changed = store.datasets.save(
        prepared,
        name,
        place=place,
        tell=to.tell,
        record=lambda: store.data_versions.record(origin, prepared.digest, size),
    )
    return before, changed


def _tell(to: Filling, prepared: Prepared, line: str) -> None:
    prepared.notes.append(line)
    if to.note is not None:
        to.note(line)


def find_encoder(config: BuildConfig, store: Store | str | Path, tell: Progress) -> Encoder:
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

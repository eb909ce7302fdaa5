"""``append``: new interactions join what a store read before, then the store is brought up to date.

The data are written in one transaction together with the address of what was read: a kill leaves
the store as it was or with all of it, and the same file is added once.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.asking.options import AskingOptions
from profiler.building.report import BuildReport
from profiler.building.steps import Filling, Note, Progress, as_configured, fill, run_of
from profiler.config import OFFLINE, BuildConfig
from profiler.growth.changes import Before
from profiler.growth.refresh import RefreshOptions
from profiler.pipeline import find_encoder
from prompts import refuse_unused
from store.data.growing.merging import Merged, merge, read_digest
from store.data.growing.reading import KEY, read_options_of
from store.data.prepare import Prepared, prepare
from store.data.readers import ReadOptions, read
from store.data.readers.base.raw_data import RawData, raise_on_problems
from store.data.splits import Split
from store.errors import StoreError
from store.store import Store, open_store
from store.tables.growing.data_versions import Origin
from store.telemetry.spans import traced_steps

if TYPE_CHECKING:
    from profiler.llm.port import ChatPort
    from store.data.dataset import Dataset


@dataclass
class AppendReport(BuildReport):
    """What an append did: as a build, and what the file was.

    Attributes
    ----------
    read
        Interactions of the file.
    added
        Those that the store lacked.
    known
        Those that it had: the same user, item and second. They count once.
    left_out
        Interactions that the filter or the maximum length of histories left out.
    appended_before
        When the same file was appended already, in which case nothing is added.
    """

    read: int = 0
    added: int = 0
    known: int = 0
    left_out: int = 0
    appended_before: str | None = None


@traced_steps("append", lambda told: {"interest_profiler.added": told.added})
def append(
    source: Any,
    store: Store | str | Path,
    *,
    options: ReadOptions | None = None,
    llm: ChatPort | None = None,
    then: ChatPort | None = None,
    asking: AskingOptions | None = None,
    refresh: RefreshOptions | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    note: Note | None = None,
    stop: threading.Event | None = None,
) -> AppendReport:
    """Add interactions to those of a store, and bring vectors, exemplars and interests up to date.

    Everything is read, filtered, split, encoded and chosen as in the store's last build. Exemplars
    that were asked about stay, new ones are added where users are far from all of them; synthetic
    users stay. Nobody is asked twice, unless ``refresh`` allows it.

    Parameters
    ----------
    source
        A folder, a file, an interactions frame or a pair of frames.
    store
        An open store that was built, or its path.
    options
        How to read ``source``, in so far as it differs from how the last build read.
    llm, then, asking, refresh, dry_run, progress, note, stop
        As for :func:`profiler.build`. A dry run stores the data, too.

    Raises
    ------
    DataError
        If the file cannot be used; the store is as it was.
    LeakageError
        If late events move items that were shown to a model into the held-out part.
    StoreError
        If nothing was built into the store yet.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        If asking ended early; the data are stored, and the same command goes on.
    """
    tell = progress or (lambda step, done, total: None)
    with ExitStack() as stack:
        if not isinstance(store, Store):
            store = stack.enter_context(open_store(store))
        config = last_config(store)
        refuse_unused(config.prompts, config.questions(llm.name if llm else OFFLINE).values())
        encoder = find_encoder(config, store, tell)
        tell("reading the data", 0, 0)
        raw = read(source, read_options_of(store.meta(KEY, {}), options), progress=tell)
        raise_on_problems(raw)
        to = Filling(
            store,
            config,
            encoder,
            llm,
            then,
            as_configured(asking or AskingOptions(), config, llm),
            refresh=refresh or RefreshOptions(),
            keep_synthetic=True,
            dry_run=dry_run,
            tell=tell,
            note=note,
            stop=stop,
        )
        run_id = stack.enter_context(run_of(to, "append"))
        before, report = _add(to, raw, run_id)
        fill(to, report, store.datasets.load(), run_id, before)
        return report


def last_config(store: Store) -> BuildConfig:
    """The choices of a store's last build.

    Raises
    ------
    StoreError
        If there was none.
    """
    configs = store.runs.configs("build")
    if not configs or store.meta("split") is None:
        raise StoreError(
            f"{store.path} was not built yet, so there is nothing to append to; "
            f"run: profiler build DATA --store {store.path}"
        )
    return BuildConfig.checked(
        **{name: value for name, value in configs[0].items() if name in BuildConfig.model_fields}
    )


def _add(to: Filling, raw: RawData, run_id: int) -> tuple[Before | None, AppendReport]:
    """Store what is new in one transaction; the store before that, and the report."""
    store = to.store
    digest = read_digest(raw)
    current = store.data_versions.current()
    dataset = store.datasets.load()
    report = AppendReport(
        False, dataset.n_users, dataset.n_items, len(dataset.items), read=len(raw.interactions)
    )
    earlier = [one for one in current if one.kind == "append" and one.read_digest == digest]
    if earlier:
        report.appended_before, report.known = earlier[-1].made_at, report.read
        return None, report
    to.tell("merging", 0, 0)
    merged = merge(dataset, store.data_versions.extras(), raw)
    prepared = _prepare(store, to.config, merged)
    report.notes = prepared.notes
    if to.note is not None:
        for line in prepared.notes:
            to.note(line)
    report.added, report.known = merged.new, merged.known
    report.left_out = len(merged.raw.interactions) - prepared.after.interactions
    base = None if current else _base(store, dataset)
    changes = store.meta("dataset_digest") != prepared.digest
    before = Before.of(store, dataset) if changes else None
    after = prepared.after

    def record() -> None:
        if base is not None:
            store.data_versions.record(*base)
        origin = Origin("append", raw.source, digest, run_id)
        size = (after.users, after.items, after.interactions)
        store.data_versions.record(origin, prepared.digest, size)

    report.changed = store.datasets.save(
        prepared, store.meta("source"), tell=to.tell, record=record
    )
    report.users, report.items = after.users, after.items
    report.interactions = after.interactions
    return before, report


def _prepare(store: Store, config: BuildConfig, merged: Merged) -> Prepared:
    split = store.meta("split")
    return prepare(
        merged.raw,
        filter=config.filter,
        split=Split(split["name"], split["detail"]),
        drop_repeats=config.drop_repeats,
        max_history=config.max_history,
        sides=merged.sides,
    )


def _base(store: Store, dataset: Dataset) -> tuple[Origin, str, tuple[int, int, int]]:
    """What the first append to a store of an earlier release is made to."""
    digest = str(store.meta("dataset_digest"))
    size = (dataset.n_users, dataset.n_items, len(dataset.items))
    return Origin("build", str(store.meta("source")), digest), digest, size

"""The verbs of `profiler` as functions: each does what the command of its name does.

Wherever a store is wanted, an open one or its path may be given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler import appending, pipeline
from profiler.frames import AnyStore, evaluate, interests, search
from profiler.reporting.report import Written, write_report
from store.console.progress import Tell, shown
from store.data.check import Report, inspect
from store.data.readers.read import read
from store.store import opened
from store.views.export import export_store
from store.views.interests.explanation import Explanation, explain_item
from store.views.status import Status, summarise
from store.views.subjects.exemplar_comparison import Comparison, compare_user
from store.views.subjects.users import UserProfile, show_user

if TYPE_CHECKING:
    from profiler.appending import AppendReport
    from profiler.building.report import BuildReport
    from store.choices import ExportFormat
    from store.data.readers import ReadOptions
    from store.recommending import Recommending

__all__ = [
    "append",
    "build",
    "check",
    "compare",
    "evaluate",
    "explain",
    "export",
    "interests",
    "report",
    "search",
    "show",
    "status",
]


def check(source: Any, options: ReadOptions | None = None) -> Report:
    """Say what would be read from a source and what looks wrong; nothing is written.

    Parameters
    ----------
    source
        A folder, a file, a frame of interactions, or a pair of frames.
    options
        How to read it.

    Raises
    ------
    DataError
        If nothing can be read at all. Rows that cannot be used are among the findings.
    """
    return inspect(read(source, options))


def build(source: Any, store: AnyStore, *, progress: Tell | bool = True, **how: Any) -> BuildReport:
    """Populate a store: data, vectors, exemplars, synthetic users, interests, assignments.

    Parameters
    ----------
    source
        A folder, a file, a frame of interactions, or a pair of frames.
    store
        Made where it is missing.
    progress
        True shows it on standard error, False does not; a callback gets (step, done, total).
    **how
        ``config``, ``options``, ``llm``, ``asking``, ``dry_run``, ``note``, ``stop``: see
        :func:`profiler.pipeline.build`.

    Raises
    ------
    DataError
        If the data cannot be used; the store is as it was.
    UserError
        If a choice cannot be met.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        If asking ended early; what was finished is kept.
    """
    with shown(progress) as tell:
        return pipeline.build(source, store, progress=tell, **how)


def append(
    source: Any, store: AnyStore, *, progress: Tell | bool = True, **how: Any
) -> AppendReport:
    """Add interactions to those a store was built from; what is stored is not asked again.

    Parameters
    ----------
    source
        A folder, a file, a frame of interactions, or a pair of frames.
    store
        A store that was built.
    progress
        True shows it on standard error, False does not; a callback gets (step, done, total).
    **how
        ``options``, ``llm``, ``asking``, ``refresh``, ``dry_run``, ``note``, ``stop``: see
        :func:`profiler.appending.append`.

    Raises
    ------
    DataError
        If the data cannot be used; the store is as it was.
    StoreError
        If nothing was built into the store yet.
    InterruptedRunError, BudgetReachedError, ProviderRefusedError
        If asking ended early; what was finished is kept.
    """
    with shown(progress) as tell:
        return appending.append(source, store, progress=tell, **how)


def show(store: AnyStore, user: str) -> UserProfile:
    """Look up a user's history in short and their interests, by every path that leads to some.

    Raises
    ------
    StoreError
        If the store has no such user.
    """
    with opened(store) as one:
        return show_user(one, user)


def explain(store: AnyStore, user: str, item: str, *, limit: int = 3) -> Explanation:
    """Say why an item fits a user by the stored interests alone; ``str()`` is the sentence.

    Parameters
    ----------
    store, user, item
        Whom and what it is about.
    limit
        Most interests.

    Raises
    ------
    StoreError
        If user or item are unknown.
    """
    with opened(store) as one:
        return explain_item(one, user, item, limit=limit)


def compare(store: AnyStore, user: str) -> Comparison:
    """Set a user's own history beside that of their exemplar.

    Raises
    ------
    StoreError
        If the store has no such user, or nobody stands for them.
    """
    with opened(store) as one:
        return compare_user(one, user)


def status(store: AnyStore) -> Status:
    """Counts, coverage, cost and failures of a store, and what to do next."""
    with opened(store) as one:
        return summarise(one)


def report(
    store: AnyStore,
    out: str | Path,
    *,
    model: str | Path | None = None,
    recommending: Recommending | None = None,
    progress: Tell | bool = True,
    **choices: Any,
) -> Written:
    """Write the report on a store: one HTML file that opens offline.

    Parameters
    ----------
    store
        It is only read.
    out
        The HTML file.
    model
        A model folder, whose figures are shown.
    recommending
        The model at work, for lists with their reasons: ``recommender.load(...).lists()``.
    progress
        True shows it, False does not; a callback gets (step, done, total).
    **choices
        ``title``, ``things``, ``people``, ``users``, ``min_people``, ``seed``, ``overwrite``: see
        :func:`profiler.reporting.report.write_report`.

    Raises
    ------
    UserError
        If ``out`` cannot be written, or a choice or the model folder cannot be read.
    """
    with opened(store) as one, shown(progress) as tell:
        tell("gathering what the report shows", 0, 0)
        return write_report(one, out, model=model, recommending=recommending, **choices)


def export(
    store: AnyStore,
    out: str | Path,
    format: ExportFormat = "jsonl",
    *,
    overwrite: bool = False,
    spreadsheet_safe: bool = False,
) -> list[dict[str, Any]]:
    """Write interests, evidence and who has them as files for other programs.

    Parameters
    ----------
    store
        What is written.
    out
        A folder, made where it is missing.
    format
        ``jsonl``, ``csv``, ``parquet`` or ``gistbench``.
    overwrite
        Replace files that exist.
    spreadsheet_safe
        In CSV, put an apostrophe before texts that a spreadsheet would take for a formula.

    Returns
    -------
    list of dict
        ``file`` and ``rows`` of each file written.

    Raises
    ------
    UserError
        If the format is unknown, or a file exists and ``overwrite`` is false.
    """
    with opened(store) as one:
        return export_store(
            one, Path(out), format, overwrite=overwrite, spreadsheet_safe=spreadsheet_safe
        )

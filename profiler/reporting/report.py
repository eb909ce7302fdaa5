"""Write the report: one HTML file about a store, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from profiler.choices import ShownUsers
from profiler.reporting.checks.model_scores import files_of
from profiler.reporting.gather import Options, check_options, gather
from profiler.reporting.page import render
from profiler.reporting.people.sampling import PEOPLE
from store.files import whole_file
from store.outputs import output_target

if TYPE_CHECKING:
    from store.recommending import Recommending
    from store.store import Store

__all__ = ["Written", "write_report"]


@dataclass(frozen=True)
class Written:
    """What a report holds: the file, its size, interests and users shown of all."""

    out: Path
    bytes: int
    interests: int
    interests_stored: int
    users: int
    users_stored: int


def write_report(
    store: Store,
    out: str | Path,
    *,
    title: str | None = None,
    things: str | None = None,
    people: int = PEOPLE,
    users: ShownUsers = "pseudonyms",
    min_people: int = 1,
    model: str | Path | None = None,
    recommending: Recommending | None = None,
    since: Store | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Written:
    """Write the report on ``store`` to ``out``, whole or not at all.

    Parameters
    ----------
    store
        An open store; it is only read.
    out
        The HTML file.
    title, things, people, users, min_people, recommending, since, seed
        See :class:`profiler.reporting.gather.Options`.
    model
        A folder of ``recommender train`` whose figures are shown.
    overwrite
        Replace the file where it exists.

    Raises
    ------
    UserError
        If ``out`` cannot be written, exists and ``overwrite`` is false, or is the store or a file
        of the model folder; if a choice or the model folder cannot be read.
    """
    options = Options(
        title=title,
        things=things,
        people=people,
        users=users,
        min_people=min_people,
        seed=seed,
        model=None if model is None else Path(model),
        recommending=recommending,
        since=since,
    )
    reads = [store.path, *(() if options.model is None else files_of(options.model))]
    target = output_target(out, overwrite=overwrite, reads=reads)
    check_options(options)
    report = gather(store, options)
    page = render(report).encode("utf-8", "replace")
    with whole_file(target) as partial:
        partial.write_bytes(page)
    counts = report.counts
    return Written(
        Path(out), len(page), counts.shown, counts.interests, counts.sampled, counts.people
    )

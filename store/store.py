"""``Store``: one SQLite file, its transactions, and the repositories that read and write it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from store.db.opening import open_database
from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import ReadOnlyStoreWarning
from store.notebook import html_table

if TYPE_CHECKING:
    from store.tables.batches import Batches
    from store.tables.datasets import Datasets
    from store.tables.growing.data_versions import DataVersions
    from store.tables.interests import Interests
    from store.tables.questions import Questions
    from store.tables.responses import Responses
    from store.tables.runs import Runs, Status
    from store.tables.subjects import Subjects
    from store.tables.tasks.cards import Cards
    from store.tables.tasks.cases import Cases
    from store.tables.tasks.descriptions import Descriptions
    from store.tables.tasks.hints import Hints
    from store.tables.tasks.rankings import Rankings
    from store.tables.tasks.subjects import TaskSubjects
    from store.tables.vectors import Vectors

_COUNTS = statement(
    "SELECT (SELECT count(*) FROM users WHERE NOT forgotten) AS users, "
    "(SELECT count(*) FROM items) AS items, (SELECT count(*) FROM interactions) + "
    "(SELECT coalesce(sum(rows), 0) FROM interaction_parts) AS interactions, "
    "(SELECT count(*) FROM interests JOIN subjects USING (subject_id) WHERE active) AS interests"
)

__all__ = ["Store", "open_store", "opened"]


_OF_DAMAGED_JSON = (ValueError, TypeError, KeyError, AttributeError, DBAPIError)
"""What reading a cell raises that holds no JSON, or JSON of another type."""


def open_store(path: str | Path, *, create: bool = False, read_only: bool = False) -> Store:
    """Open the store at ``path``, migrating it to the newest version.

    A store that this process may not write is read as it is, with a :class:`ReadOnlyStoreWarning`;
    one of an older version is brought up to date in a temporary copy then.

    Parameters
    ----------
    path
        The SQLite file.
    create
        Make the file where it is missing; otherwise a missing file is an error.
    read_only
        Leave the file and its folder as they are, also where they may be written.

    Raises
    ------
    StoreError
        If the file is missing (and ``create`` is false), is not a store, is damaged or too new.
    """
    path = Path(path)
    opened = open_database(path, create=create, read_only=read_only)
    if opened.read_only and not read_only:
        warnings.warn(opened.read_only, ReadOnlyStoreWarning, stacklevel=2)
    return Store(path, opened)


@contextmanager
def opened(store: Store | str | Path) -> Iterator[Store]:
    """An open store, which stays open; or one given by its path, closed again at the end."""
    if isinstance(store, Store):
        yield store
    else:
        with open_store(store) as one:
            yield one


class Store(Transactions):
    """An open store. Use as a context manager, or call :meth:`close`.

    Reads and writes go through :meth:`read` and :meth:`write`; the repositories
    (:attr:`datasets`, :attr:`vectors`, :attr:`subjects`, :attr:`questions`, :attr:`responses`,
    :attr:`interests`) build on them. Safe to use from several threads: writers queue on one lock.
    """

    def _remove_left_over(self) -> None:
        self.datasets.remove_unnamed()

    def start_run(self, kind: str, config: dict[str, object]) -> int:
        """Open a run row and return its id; old name of ``store.runs.start``."""
        _moved("start_run", "runs.recording")
        return self.runs.start(kind, config)

    def finish_run(self, run_id: int, status: str, stats: dict[str, object]) -> None:
        """Close a run; old name of ``store.runs.finish``."""
        _moved("finish_run", "runs.recording")
        self.runs.finish(run_id, cast("Status", status), stats)

    @cached_property
    def datasets(self) -> Datasets:
        """Items, users and interactions."""
        from store.tables.datasets import Datasets

        return Datasets(self)

    @cached_property
    def runs(self) -> Runs:
        """Commands that wrote something, how they were called and how they ended."""
        from store.tables.runs import Runs

        return Runs(self)

    @cached_property
    def data_versions(self) -> DataVersions:
        """What the data set came from, build by build and append by append."""
        from store.tables.growing.data_versions import DataVersions

        return DataVersions(self)

    @cached_property
    def vectors(self) -> Vectors:
        """Cached text vectors."""
        from store.tables.vectors import Vectors

        return Vectors(self)

    @cached_property
    def subjects(self) -> Subjects:
        """Exemplars, synthetic users, single users, and who belongs to them."""
        from store.tables.subjects import Subjects

        return Subjects(self)

    @cached_property
    def questions(self) -> Questions:
        """Questions written to files for somebody else to answer."""
        from store.tables.questions import Questions

        return Questions(self)

    @cached_property
    def batches(self) -> Batches:
        """Batches handed to a provider's batch service."""
        from store.tables.batches import Batches

        return Batches(self)

    @cached_property
    def responses(self) -> Responses:
        """Prompts, paid answers, attempts, leases."""
        from store.tables.responses import Responses

        return Responses(self)

    @cached_property
    def interests(self) -> Interests:
        """Interests, their evidence, and which are a user's."""
        from store.tables.interests import Interests

        return Interests(self)

    @cached_property
    def tasks(self) -> TaskSubjects:
        """Whom tasks other than interests ask about, and the answers that answers follow from."""
        from store.tables.tasks.subjects import TaskSubjects

        return TaskSubjects(self)

    @cached_property
    def hints(self) -> Hints:
        """Advice that a question may carry, and how good answers were with it."""
        from store.tables.tasks.hints import Hints

        return Hints(self)

    @cached_property
    def cards(self) -> Cards:
        """What the titles of items do not say."""
        from store.tables.tasks.cards import Cards

        return Cards(self)

    @cached_property
    def cases(self) -> Cases:
        """Cases of training that were nominated for a language model."""
        from store.tables.tasks.cases import Cases

        return Cases(self)

    @cached_property
    def rankings(self) -> Rankings:
        """Which candidates of cases models put first, and the hints they were given."""
        from store.tables.tasks.rankings import Rankings

        return Rankings(self)

    @cached_property
    def descriptions(self) -> Descriptions:
        """What is said of users and items layer by layer."""
        from store.tables.tasks.descriptions import Descriptions

        return Descriptions(self)

    def __repr__(self) -> str:
        return f"<Store {self.path}>"

    def _repr_html_(self) -> str:
        with self.read() as connection:
            counts = connection.execute(_COUNTS).mappings().one()
        facts = [("split", self.meta("split", {}).get("name")), ("encoder", self.meta("encoder"))]
        return html_table([("store", self.path), *counts.items(), *facts])

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, _OF_DAMAGED_JSON):
                self._refuse_damaged_cells(error)
        finally:
            self.close()

    def _refuse_damaged_cells(self, error: Exception) -> None:
        """Where a cell holds no JSON, say so in place of the error that reading it made."""
        from store.db.json_cells import damaged_cells
        from store.tables.sound import damaged

        with suppress(SQLAlchemyError), self.read() as connection:
            if found := damaged_cells(connection, most=1):
                raise damaged(self.path, f"{found[0]} is not the JSON it must be") from error


def _moved(name: str, new: str) -> None:
    warnings.warn(
        f"Store.{name} goes with the next release; use Store.{new}",
        DeprecationWarning,
        stacklevel=3,
    )

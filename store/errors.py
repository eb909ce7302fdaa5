"""Errors a user can act on: each carries a plain message and the exit code of the command."""

from __future__ import annotations

__all__ = [
    "BudgetReachedError",
    "DataError",
    "ForeignFileError",
    "ForgottenError",
    "InterruptedRunError",
    "LeakageError",
    "ProviderRefusedError",
    "ReadOnlyStoreWarning",
    "StoreError",
    "StoreWarning",
    "UserError",
]


class UserError(Exception):
    """Something the user can mend: wrong argument, bad input, a store that lacks what is asked.

    The message names the value, the place and the next step; commands print it without a traceback
    and leave with :attr:`exit_code`.
    """

    exit_code = 2
    kind = "input"
    """What kind of error it is, for programs: commands write it with ``--json``."""


class DataError(UserError):
    """The input data cannot be used as it is; the message names file, row and column."""

    kind = "data"


class StoreError(UserError):
    """The store is missing, damaged, of another version, or lacks what is asked for."""

    kind = "store"


class ForeignFileError(StoreError):
    """A file is no store but another program's, and is left alone."""


class ForgottenError(StoreError):
    """Whoever a question was about was forgotten while the answer was on its way."""


class LeakageError(UserError):
    """Something that training or the LLM must not see has been seen."""

    kind = "leakage"


class InterruptedRunError(UserError):
    """The run was stopped by the user; what was finished is kept and the run can be resumed."""

    kind = "interrupted"
    exit_code = 3


class BudgetReachedError(UserError):
    """A cap on dollars, tokens or calls was reached; raise it to resume."""

    kind = "budget"
    exit_code = 4


class ProviderRefusedError(UserError):
    """The provider refuses all calls (key, quota, unknown model); retrying would not help."""

    kind = "provider"
    exit_code = 5


class StoreWarning(UserWarning):
    """Something about a store that whoever uses it should know; commands print it as a note."""


class ReadOnlyStoreWarning(StoreWarning):
    """A store cannot be written and is only read."""

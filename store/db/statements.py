"""SQL as the store writes it: text with named parameters, never built from values.

Almost every statement of the project is a constant made by :func:`statement` and run by
``connection.execute(STATEMENT, {"name": value})`` in a transaction of
:class:`store.db.transactions.Transactions`. What runs by the thousand or writes by the hundred
thousand goes to the driver itself (:mod:`store.db.driver` says where and what it saves).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, TextClause, bindparam, text

__all__ = ["statement"]


# An interest that is disputed for a person takes with it those that it stands for.
_UNDISPUTED = (
    "NOT EXISTS (SELECT 1 FROM disputes d WHERE d.user_ix = {user} "
    "AND d.interest_id IN (n.interest_id, n.canonical_id))"
)
_USERS = {
    "undisputed(m)": "m.user_ix",
    "undisputed(a)": "a.user_ix",
    "undisputed(:user_ix)": ":user_ix",
}


def statement(sql: str, *lists: str) -> TextClause:
    """Return a statement with named parameters.

    Parameters
    ----------
    sql
        The text, with ``:name`` for each parameter. ``undisputed(m)`` is the condition that the
        interest ``n`` is not disputed for the user of the membership ``m``, ``undisputed(a)`` of
        the assignment ``a``, ``undisputed(:user_ix)`` for that user.
    lists
        Names of the parameters that take a list: ``IN :name``.
    """
    for name, user in _USERS.items():
        sql = sql.replace(name, _UNDISPUTED.replace("{user}", user))
    expanding: list[BindParameter[Any]] = [bindparam(name, expanding=True) for name in lists]
    return text(sql).bindparams(*expanding)

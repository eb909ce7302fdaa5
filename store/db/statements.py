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


def statement(sql: str, *lists: str) -> TextClause:
    """Return a statement with named parameters.

    Parameters
    ----------
    sql
        The text, with ``:name`` for each parameter.
    lists
        Names of the parameters that take a list: ``IN :name``.
    """
    expanding: list[BindParameter[Any]] = [bindparam(name, expanding=True) for name in lists]
    return text(sql).bindparams(*expanding)

"""SQLite's own connection inside an open transaction, for what runs by the thousand.

Statements are :func:`store.db.statements.statement` everywhere else. Measured here: one SELECT by
key takes 83 µs through SQLAlchemy and 9 µs without, and storing an answer takes sixteen statements
(the ledger, leases, interests); an inserted row 16 µs and 5 µs (items, interactions, vectors,
memberships); a row read back 3.5 µs and 2.0 µs (all interactions). Transactions, their kind and
their end stay SQLAlchemy's.
"""

from __future__ import annotations

import sqlite3
from typing import cast

from sqlalchemy import Connection


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection, which is in the same transaction."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)

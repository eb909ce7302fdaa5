"""Leases: who is asking what right now, so that two processes never pay twice for one request.

A lease has an owner and an expiry. It may be taken over when it has expired, or at once when its
owner was a process of this machine that no longer runs: after ``kill -9`` nobody waits. Functions
take an open write transaction, so that a claim and what follows from it are one step.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from sqlalchemy import Connection

from store.db.driver import driver_connection


def owner_name() -> str:
    """Name of a new owner: machine, process, when the process started, and a random part."""
    pid = os.getpid()
    return f"{socket.gethostname()}|{pid}|{_started(pid)}|{secrets.token_hex(4)}"


def owner_is_gone(owner: str) -> bool:
    """Whether the owner surely no longer runs; False where that cannot be told from here."""
    parts = owner.split("|")
    if len(parts) != 4 or parts[0] != socket.gethostname() or not parts[1].isdigit():
        return False
    pid = int(parts[1])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it runs, but is not ours to signal
        return False
    return _started(pid) != parts[2]


def _started(pid: int) -> str:
    """Start time of a process in kernel ticks, so that a reused process id is not mistaken."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"


def claim(connection: Connection, digest: str, owner: str, now: float, expires_at: float) -> bool:
    """Take or keep the lease of ``digest``; False if somebody else holds it.

    Parameters
    ----------
    connection
        An open write transaction.
    digest, owner
        Of the request; of the claimant.
    now, expires_at
        Unix seconds.
    """
    driver = driver_connection(connection)
    held = driver.execute(
        "SELECT owner, expires_at FROM leases WHERE request_digest = ?", (digest,)
    ).fetchone()
    if held is not None:
        holder, until = held
        if holder != owner and until > now and not owner_is_gone(holder):
            return False
    driver.execute(
        "INSERT INTO leases (request_digest, owner, expires_at) VALUES (?, ?, ?) "
        "ON CONFLICT (request_digest) DO UPDATE "
        "SET owner = excluded.owner, expires_at = excluded.expires_at",
        (digest, owner, expires_at),
    )
    return True


def others(connection: Connection, owner: str, now: float) -> bool:
    """Whether an owner other than ``owner`` is asking something now.

    Parameters
    ----------
    owner
        From :func:`owner_name`.
    now
        Unix seconds.
    """
    rows = driver_connection(connection).execute(
        "SELECT DISTINCT owner FROM leases WHERE owner <> ? AND expires_at > ?", (owner, now)
    )
    return any(not owner_is_gone(holder) for (holder,) in rows.fetchall())


def renew(connection: Connection, owner: str, expires_at: float) -> None:
    """Put off the expiry of all leases of ``owner``.

    Parameters
    ----------
    owner
        From :func:`owner_name`.
    expires_at
        Unix seconds.
    """
    driver_connection(connection).execute(
        "UPDATE leases SET expires_at = ? WHERE owner = ?", (expires_at, owner)
    )


def release(connection: Connection, owner: str, digest: str | None = None) -> None:
    """Give back one lease of ``owner``, or all."""
    if digest is None:
        driver_connection(connection).execute("DELETE FROM leases WHERE owner = ?", (owner,))
    else:
        driver_connection(connection).execute(
            "DELETE FROM leases WHERE request_digest = ? AND owner = ?", (digest, owner)
        )

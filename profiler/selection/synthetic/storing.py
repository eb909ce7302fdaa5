"""Synthetic users written to the store once they are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiler.selection.synthetic.result import SyntheticUsers
from store.digests import PREFIX, json_digest
from store.tables.subjects import SubjectRow
from store.views.subjects.synthetic_users import META_KEY, ChoiceCoverage

if TYPE_CHECKING:
    from store.store import Store

__all__ = ["save_synthetic_users"]


def save_synthetic_users(
    store: Store,
    chosen: SyntheticUsers,
    user_ids: Sequence[str],
    run_id: int,
    rows: Sequence[SubjectRow] | None = None,
) -> None:
    """Make the chosen synthetic users the active ones, and record how well they cover the crowd.

    Parameters
    ----------
    store
        An open store.
    chosen
        From :func:`profiler.synthetic.choose.choose_synthetic_users`, its rows being user_ix.
    user_ids
        Name of each user by user_ix.
    run_id
        The run that chose them.
    rows
        Them as subjects, where some keep items shown before; otherwise from :func:`subject_rows`.
    """
    with store.write():
        rows = subject_rows(chosen, user_ids) if rows is None else rows
        store.subjects.choose("synthetic", rows, run_id)
        store.set_meta(**{META_KEY: coverage(chosen)})


def subject_rows(chosen: SyntheticUsers, user_ids: Sequence[str]) -> list[SubjectRow]:
    """Synthetic users as subjects; the name is the digest of the members' ids."""
    rows = []
    for rank, user in enumerate(chosen.users):
        names = sorted(user_ids[member] for member in user.members)
        rows.append(
            SubjectRow(
                kind="synthetic",
                name="synthetic:" + json_digest(names).removeprefix(PREFIX)[:12],
                user_ix=None,
                items=user.items.tolist(),
                owners=user.owners.tolist(),
                members=user.members.tolist(),
                similarities=user.similarities.tolist(),
                details={
                    "rank": rank,
                    "cohesion": user.cohesion,
                    "gain": user.gain,
                    "cost": user.cost,
                    "items_covered": int(chosen.items_covered[rank]),
                    "users_covered": int(chosen.users_covered[rank]),
                    "weight_covered": float(chosen.weight_covered[rank]),
                },
            )
        )
    return rows


def coverage(chosen: SyntheticUsers) -> ChoiceCoverage:
    """What holds for the choice as a whole, as JSON."""
    value = float(chosen.weight_covered[-1]) if chosen.users else 0.0
    return {
        "chosen": len(chosen.users),
        "candidates": chosen.candidates,
        "items": chosen.n_items,
        "users": chosen.n_users,
        "items_covered": int(chosen.items_covered[-1]) if chosen.users else 0,
        "users_covered": int(chosen.users_covered[-1]) if chosen.users else 0,
        "weight_covered": value,
        "upper_bound": chosen.upper_bound,
        "gap": chosen.gap,
        "notes": list(chosen.notes),
        "settings": chosen.settings,
    }

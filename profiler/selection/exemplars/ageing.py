"""New users: joining the nearest exemplar, when exemplars have aged, and adding only a few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.selection.affinity.cells import Tell
from profiler.selection.affinity.geometry import (
    FloatVector,
    IntVector,
    check_vectors,
    nearest,
)
from profiler.selection.affinity.solver import ChoiceSettings, How, Method
from profiler.selection.exemplars.choose import (
    Exemplars,
    assemble,
    choose_from,
    closeness,
    goal_of,
    join_nearest,
)
from profiler.selection.exemplars.users import gather, take_together
from store.errors import UserError

# A user is far from their exemplar when it is less similar than all but this share were when the
# exemplars were chosen.
FAR_QUANTILE = 0.05

# Exemplars have aged when the share of far users is this many times what it was then.
AGED_FACTOR = 2.0


@dataclass(frozen=True)
class Ageing:
    """How well exemplars chosen some time ago stand for the users of today.

    Attributes
    ----------
    users
        New users with text.
    far
        New users less similar to their exemplar than ``threshold``.
    threshold
        Similarity below which 5 % of the users lay when the exemplars were chosen.
    aged
        Whether more than twice as many are far as then: more than 10 %.
    needed
        New exemplars that would mend it: those that the far users would have got at the rate of
        the first choice; 0 where nothing has aged.
    """

    users: int
    far: int
    threshold: float
    aged: bool
    needed: int


def nearest_exemplar(
    vectors: NDArray[Any], exemplar_vectors: NDArray[Any]
) -> tuple[IntVector, FloatVector]:
    """The nearest exemplar of each new user, without any call.

    Parameters
    ----------
    vectors
        ``[n, d]``, made and centred like the exemplars' vectors; a zero row is a user without
        text.
    exemplar_vectors
        ``[K, d]``.

    Returns
    -------
    labels
        ``[n]`` rows of ``exemplar_vectors``, -1 for a user without text; of equals the first.
    similarity
        ``[n]`` one minus half the squared distance (the cosine of unit vectors), NaN where -1.

    Raises
    ------
    ValueError
        For NaN, an empty side, or sides of different width.
    """
    users, exemplars = check_vectors(vectors), check_vectors(exemplar_vectors)
    if users.shape[1] != exemplars.shape[1]:
        raise ValueError(
            f"users have {users.shape[1]} dimensions, exemplars {exemplars.shape[1]}; "
            "encode both with the same encoder"
        )
    labels = nearest(users, exemplars)
    similarity = closeness(users, exemplars, labels)
    silent = ~np.any(users != 0, axis=1)
    labels[silent] = -1
    similarity[silent] = np.nan
    return labels, similarity


def far_threshold(similarities_then: NDArray[Any]) -> float:
    """Similarity below which a user counts as far: the 5 % quantile of the first choice.

    Exemplars themselves (similarity 1) are left out; a crowd of exemplars only has none, and then
    whoever is not identical to an exemplar is far.
    """
    members = np.asarray(similarities_then, dtype=np.float64)
    members = members[np.isfinite(members) & (members < 1 - 1e-6)]
    return float(np.quantile(members, FAR_QUANTILE)) if len(members) else 1 - 1e-6


def aged(
    similarities_new: NDArray[Any], similarities_then: NDArray[Any], exemplars: int | None = None
) -> Ageing:
    """Whether exemplars still stand for new users, and how many new ones would mend it.

    Parameters
    ----------
    similarities_new
        ``[n]`` similarities of the users of today to their exemplars; NaN (no text) is left out.
    similarities_then
        Those of the users the exemplars were chosen from.
    exemplars
        Number of exemplars then; None counts the similarities of 1.
    """
    now = np.asarray(similarities_new, dtype=np.float64)
    now = now[np.isfinite(now)]
    then = np.asarray(similarities_then, dtype=np.float64)
    then = then[np.isfinite(then)]
    threshold = far_threshold(then)
    far = int((now < threshold).sum())
    old = bool(far > AGED_FACTOR * FAR_QUANTILE * len(now))
    count = int((then >= 1 - 1e-6).sum()) if exemplars is None else exemplars
    rate = count / max(len(then), 1)
    needed = max(1, math.ceil(rate * far)) if old else 0
    return Ageing(len(now), far, threshold, old, needed)


def choose_incremental(
    vectors: NDArray[Any],
    user_ids: Sequence[str],
    kept: Sequence[str],
    *,
    threshold: float,
    share: float | None = 0.03,
    count: int | None = None,
    preference: float | None = None,
    damping: float = 0.5,
    seed: int = 0,
    candidates: Sequence[str] | None = None,
    method: Method = "auto",
    center: bool = True,
    mean: NDArray[Any] | None = None,
    tell: Tell | None = None,
) -> Exemplars:
    """Keep the exemplars that were asked already; add new ones only among users far from them.

    Far users are clustered by themselves as :func:`choose_exemplars` would (``share`` and ``count``
    refer to them alone), then everyone joins the nearest of all exemplars.

    Parameters
    ----------
    kept
        Ids of the old exemplars, all among ``user_ids`` and with text.
    threshold
        Similarity below which a user is far; see :func:`far_threshold`.
    candidates
        Ids of the users who may be new exemplars; None allows all.
    tell
        Called with (step, done, total).

    Returns
    -------
    Exemplars whose settings name ``kept``, ``far`` and ``added``.

    Raises
    ------
    UserError
        As :func:`choose_exemplars`, and if an old exemplar is unknown or without text.
    """
    crowd = gather(vectors, user_ids, None, center=center, mean=mean)
    ids = np.asarray(list(user_ids), dtype=np.str_)[crowd.rows]
    allowed = np.ones(len(ids), dtype=bool)
    if candidates is not None:
        allowed = np.isin(ids, np.asarray(list(candidates), dtype=np.str_))
    old_ids = np.unique(np.asarray(list(kept), dtype=np.str_))
    missing = np.setdiff1d(old_ids, ids)
    if len(old_ids) == 0 or len(missing):
        name = f"exemplar {str(missing[0])!r} has no text here" if len(missing) else "none given"
        raise UserError(f"old exemplars cannot be kept: {name}; choose exemplars anew instead")
    old = np.flatnonzero(np.isin(ids, old_ids))
    labels = nearest(crowd.vectors, crowd.vectors[old])
    far = np.flatnonzero(closeness(crowd.vectors, crowd.vectors[old], labels) < threshold)
    far = np.setdiff1d(far, old)
    settings: ChoiceSettings = {"kept": len(old), "far": len(far), "threshold": threshold}
    converged, used, added = True, preference, np.empty(0, dtype=np.int64)
    if allowed[far].any():
        part = take_together(crowd.rows[far], crowd.vectors[far], allowed[far])
        goal = goal_of(part, share, count, preference)
        new = choose_from(part, len(user_ids), goal, How(damping, method, None, seed, tell))
        added, converged = np.flatnonzero(np.isin(crowd.rows, new.rows)), new.converged
        used = new.settings["preference"]
        settings |= {"new": new.settings}
    settings["added"] = len(added)
    positions = np.sort(np.concatenate([old, added]))
    labels, distance = join_nearest(crowd, positions)
    net = float(distance.sum(dtype=np.float64) + (used or 0.0) * len(positions))
    return assemble(
        crowd,
        len(user_ids),
        positions,
        labels,
        net=net,
        converged=converged,
        settings=settings | ChoiceSettings(preference=used),
    )

"""Choosing whom to ask: exemplars by share, number or preference, whatever the users are like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.selection.affinity.cells import Tell
from profiler.selection.affinity.geometry import (
    FloatMatrix,
    FloatVector,
    IntVector,
    nearest,
    similarity_to,
)
from profiler.selection.affinity.search import tolerance
from profiler.selection.affinity.solver import ChoiceSettings, Goal, How, Method, Solution, solve
from profiler.selection.exemplars.users import Crowd, gather
from store.errors import UserError


@dataclass(frozen=True)
class Exemplars:
    """Whom to ask, and whom each stands for.

    Attributes
    ----------
    rows
        ``[K]`` rows of the exemplars, in the order of their user ids.
    labels
        ``[n]`` position in :attr:`rows` of each user's exemplar; -1 for a user without text.
    similarity
        ``[n]`` one minus half the squared distance to the exemplar, which is the cosine of unit
        vectors: 1 for the exemplar itself. NaN for a user without text.
    sizes
        ``[K]`` users of each exemplar, itself included.
    net_similarity
        Sum of negative squared distances to the exemplars plus the preference for each.
    converged
        Whether the messages settled; the choice is usable either way.
    settings
        What was asked for and what was found: preference, runs of the search, damping, method,
        messages to the reader.
    """

    rows: IntVector
    labels: IntVector
    similarity: FloatVector
    sizes: IntVector
    net_similarity: float
    converged: bool
    settings: ChoiceSettings = field(default_factory=lambda: ChoiceSettings())


def choose_exemplars(
    vectors: NDArray[Any],
    user_ids: Sequence[str],
    *,
    share: float | None = 0.03,
    count: int | None = None,
    preference: float | None = None,
    damping: float = 0.5,
    seed: int = 0,
    candidates: Sequence[str] | None = None,
    method: Method = "auto",
    center: bool = True,
    mean: NDArray[Any] | None = None,
    neighbours: int | None = None,
    tell: Tell | None = None,
) -> Exemplars:
    """Choose exemplars among users by affinity propagation (EIMF, section 3.2).

    The order of the users does not matter: they are sorted by id first.

    Parameters
    ----------
    vectors
        ``[n, d]``, one vector for each user; a zero row is a user without text, who stays
        unassigned.
    user_ids
        ``[n]`` distinct ids.
    share
        Share of the users with text to be exemplars, above 0 and at most 1; met within 3 % (or
        one exemplar). Used where neither ``count`` nor ``preference`` is given.
    count
        Number of exemplars: a budget, never exceeded.
    preference
        Similarity of a user to itself: the lower, the fewer exemplars.
    damping
        Share of the old message that is kept, .5 <= damping < 1; raised where a run does not
        converge.
    seed
        Decides what is random: which rows an index beyond 50,000 users is trained on.
    candidates
        Ids of the users who may be exemplars, those already asked, say; None allows all.
    method
        ``dense`` (exact), ``sparse`` (on a nearest-neighbour graph), ``auto``: dense up to 3,000
        distinct users.
    center
        Subtract ``mean`` and normalise first. Give False for vectors that are centred already
        (``history_vectors(center=True)``).
    mean
        ``[d]`` mean vector of the catalogue; None takes the mean of the users.
    neighbours
        Neighbours of a user in the sparse graph; None takes four times the mean cluster wished
        for, at least 100 and at most 1,000.
    tell
        Called with (step, done, total).

    Raises
    ------
    UserError
        If there are no users or none with text, for a share or count out of range, or an unknown
        candidate.
    DataError
        If a user is listed twice or its vector holds NaN; the message names the user.
    ValueError
        If ids and vectors do not fit, or damping or method is out of range.
    """
    crowd = gather(vectors, user_ids, candidates, center=center, mean=mean)
    goal = goal_of(crowd, share, count, preference)
    how = How(damping, method, neighbours, seed, tell)
    chosen = choose_from(crowd, len(user_ids), goal, how)
    silent = len(user_ids) - len(crowd.rows)
    asked: ChoiceSettings = {
        "center": center,
        "candidates": None if candidates is None else int(crowd.allowed.sum()),
        "without_text": silent,
    }
    messages = list(chosen.settings["messages"])
    if copies := len(crowd.rows) - len(crowd.heads):
        messages.append(f"{copies} users are identical to another one and share their exemplar")
    if silent:
        messages.append(f"{silent} users have no item with text and are left unassigned")
    return replace(chosen, settings=asked | chosen.settings | {"messages": messages})


def choose_from(crowd: Crowd, users: int, goal: Goal, how: How) -> Exemplars:
    """Choose exemplars among users that are gathered already; ``users`` counts all rows.

    Parameters
    ----------
    crowd
        Users with text, gathered.
    users
        Number of all users.
    goal, how
        What is wanted, and by which method.
    """
    asked: ChoiceSettings = {
        "share": goal.share,
        "target": goal.target,
        "damping": how.damping,
        "seed": how.seed,
        "users": len(crowd.rows),
        "distinct": len(crowd.heads),
    }
    if goal.everyone:
        return everyone(crowd, users, goal, asked)
    solution = solve(
        np.ascontiguousarray(crowd.vectors[crowd.heads]), crowd.weights, crowd.allowed, goal, how
    )
    found = solution.result
    return assemble(
        crowd,
        users,
        crowd.heads[found.exemplars],
        found.labels[crowd.group],
        net=found.net_similarity,
        converged=found.converged,
        settings=asked | solution.settings | {"messages": messages_of(crowd, goal, solution)},
    )


def messages_of(crowd: Crowd, goal: Goal, solution: Solution) -> list[str]:
    """What a reader should know about a choice, in plain sentences."""
    found, users = len(solution.result.exemplars), len(crowd.rows)
    messages = [f"{found} of {users} users are exemplars ({found / users:.1%})"]
    missed = goal.target is not None and abs(found - goal.target) > tolerance(goal.target)
    if missed:
        messages.append(
            f"{goal.target} were asked for; no preference tried gave a number nearer to it"
        )
    if solution.settings.get("thinned"):
        messages.append(
            f"the {solution.settings['thinned']} least missed exemplars were left out to keep to it"
        )
    if not solution.result.converged:
        unsettled = solution.result.unsettled
        messages.append(
            f"affinity propagation did not settle, up to damping {solution.result.damping}: "
            f"{unsettled} of {users} users ({unsettled / users:.2%}) still came and went as "
            "exemplars; the best exemplars seen were taken"
        )
    return messages


def goal_of(crowd: Crowd, share: float | None, count: int | None, preference: float | None) -> Goal:
    """What is wanted, checked; number of exemplars among the users with text.

    Parameters
    ----------
    crowd
        Users with text, gathered.
    share, count, preference
        At most one of ``count`` and ``preference``; ``share`` counts where neither is given.

    Raises
    ------
    UserError
        If both a number and a preference are given, or what is given is out of range.
    """
    if count is not None and preference is not None:
        raise UserError("give a number of exemplars or a preference, not both")
    if preference is not None:
        if not np.isfinite(preference) or preference >= 0:
            raise UserError(
                f"preference {preference} must be below 0: similarities are negative squared "
                "distances, and at 0 every user is their own exemplar (share 1)"
            )
        return Goal(preference=float(preference))
    possible = int(crowd.allowed.sum())
    if count is not None:
        if count < 1:
            raise UserError(f"{count} exemplars cannot stand for anyone; ask for at least 1")
        return Goal(target=count, at_most=True, everyone=count >= possible)
    if share is None or not 0 < share <= 1:
        raise UserError(
            f"a share of {share} chooses nobody to ask: give a share above 0 and at most 1 "
            "(0.03 is 3 %), a number of exemplars or a preference"
        )
    target = max(1, round(share * len(crowd.rows)))
    return Goal(target=target, share=share, everyone=target >= possible)


def assemble(
    crowd: Crowd,
    users: int,
    positions: IntVector,
    labels: IntVector,
    *,
    net: float,
    converged: bool,
    settings: ChoiceSettings,
) -> Exemplars:
    """Exemplars over all users from positions and labels within the crowd.

    Parameters
    ----------
    crowd
        Users with text, gathered.
    users
        Number of all users, those without text included.
    positions
        Exemplars by their place in the crowd, in any order.
    labels
        ``[n]`` index into ``positions`` for each user of the crowd.
    net, converged, settings
        As :class:`Exemplars` holds them.
    """
    order = np.argsort(positions)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    labels = rank[labels]
    all_labels = np.full(users, -1, dtype=np.int64)
    all_labels[crowd.rows] = labels
    similarity = np.full(users, np.nan, dtype=np.float32)
    similarity[crowd.rows] = closeness(crowd.vectors, crowd.vectors[positions[order]], labels)
    return Exemplars(
        rows=crowd.rows[positions[order]],
        labels=all_labels,
        similarity=similarity,
        sizes=np.bincount(labels, minlength=len(order)),
        net_similarity=net,
        converged=converged,
        settings=settings,
    )


def join_nearest(crowd: Crowd, positions: IntVector) -> tuple[IntVector, FloatVector]:
    """Let every user join the nearest of the users at ``positions``, these themselves.

    Returns
    -------
    tuple
        ``[n]`` position among ``positions``, and ``[n]`` negative squared distance to it.
    """
    labels = nearest(crowd.vectors, crowd.vectors[positions])
    labels[positions] = np.arange(len(positions))
    return labels, similarity_to(crowd.vectors, crowd.vectors[positions], labels)


def everyone(crowd: Crowd, users: int, goal: Goal, settings: ChoiceSettings) -> Exemplars:
    """Every candidate with a vector of its own is an exemplar; nothing is clustered.

    Identical users share one, unless as many exemplars as users are asked for.
    """
    whole = (goal.target or 0) >= len(crowd.rows) and crowd.allowed.all()
    positions = np.arange(len(crowd.rows)) if whole else np.sort(crowd.heads[crowd.allowed])
    labels, distance = join_nearest(crowd, positions)
    return assemble(
        crowd,
        users,
        positions,
        labels,
        net=float(distance.sum(dtype=np.float64)),
        converged=True,
        settings=settings
        | {
            "method": "everyone",
            "preference": 0.0,
            "trials": [],
            "messages": [
                f"all who can be are exemplars: {len(positions)} of {len(crowd.rows)} users"
            ],
        },
    )


def closeness(vectors: FloatMatrix, targets: FloatMatrix, labels: IntVector) -> FloatVector:
    """One minus half the squared distance to the labelled target; the cosine of unit vectors."""
    return (1 + similarity_to(vectors, targets, labels) / 2).astype(np.float32)

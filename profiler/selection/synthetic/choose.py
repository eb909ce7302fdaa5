"""Synthetic users from start to end: neighbours, cliques, and the cover that picks among them.

The paper (LDMI, arXiv 2507.10917) merges user cliques into synthetic users by a max covering
problem that balances compactness and representativeness. More of it is not public; the reading
here is ours. Compact: members are all neighbours of each other, and the items fit one prompt.
Representative: together the chosen ones hold as much of the items' weight, and as many users, as
the budget allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from profiler.selection.synthetic.cliques import candidate_cliques
from profiler.selection.synthetic.cover import Cover, max_cover
from profiler.selection.synthetic.item_sets import Candidates, Crowd, candidates_of, crowd_of
from profiler.selection.synthetic.neighbours import NeighbourGraph, item_weights, neighbour_graph
from profiler.selection.synthetic.result import SyntheticSettings, SyntheticUser, SyntheticUsers
from store.errors import UserError

__all__ = ["choose_synthetic_users"]

Ints = NDArray[np.int64]


def choose_synthetic_users(
    indptr: ArrayLike,
    items: ArrayLike,
    n_items: int,
    user_ids: Sequence[str],
    *,
    count: int | None = None,
    token_budget: int | None = None,
    title_tokens: ArrayLike | None = None,
    settings: SyntheticSettings | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> SyntheticUsers:
    """Choose the cliques whose items and members cover the crowd best.

    Nothing is random, and the order of the users and of their items changes nothing.

    Parameters
    ----------
    indptr, items
        Histories that the LLM may see, as CSR.
    n_items
        Number of items.
    user_ids
        Name of each user, each once; decides ties.
    count
        How many synthetic users at most.
    token_budget
        How many prompt tokens at most, instead of `count`.
    title_tokens
        Tokens of each title, ``[n_items]``, for the costs under `token_budget`.
    settings
        Everything else.
    tell
        Called with (step, 0, 0) when a step begins.

    Raises
    ------
    UserError
        If not exactly one of `count` and `token_budget` is given, or a setting is out of range.
    DataError
        If no user has an item, or a user id appears twice.
    """
    using = settings or SyntheticSettings()
    _check(using, count, token_budget)
    say = tell or (lambda step, done, total: None)
    say("synthetic users: who is like whom", 0, 0)
    crowd = crowd_of(indptr, items, n_items, user_ids)
    weights = item_weights(crowd.all_items, n_items, crowd.n_users, using.pair_weight)
    graph = neighbour_graph(
        crowd.indptr,
        crowd.items,
        weights,
        k=using.neighbours,
        threshold=using.threshold,
        measure=using.measure,
    )
    say("synthetic users: growing cliques", 0, 0)
    cliques = candidate_cliques(
        graph,
        crowd.indptr,
        crowd.items,
        n_items,
        max_titles=using.max_titles,
        max_members=using.max_members,
        min_cohesion=using.min_cohesion,
        maximal_up_to=using.maximal_up_to,
    )
    candidates = candidates_of(
        cliques,
        crowd,
        weights,
        max_titles=using.max_titles,
        min_titles=min(using.min_titles, using.max_titles),
        min_members=using.min_members,
    )
    say("synthetic users: choosing among cliques", 0, 0)
    costs = None if token_budget is None else _costs(candidates, title_tokens, using)
    cover = _cover(candidates, crowd, using, costs, token_budget or count or 0)
    notes = _notes(crowd, graph, candidates, cover, costs, using, count, token_budget)
    return _result(crowd, graph, candidates, cover, costs, notes, using)


def _cover(
    candidates: Candidates,
    crowd: Crowd,
    using: SyntheticSettings,
    costs: Ints | None,
    budget: int,
) -> Cover:
    """Cover items and users at once: user ``u`` is element ``n_items + u``."""
    worth = item_weights(crowd.all_items, crowd.n_items, crowd.n_users, using.cover_weight)
    owned = np.zeros(crowd.n_items, dtype=np.bool_)
    owned[crowd.all_items] = True
    worth = np.where(owned, worth, 0.0)
    people = np.full(crowd.n_users, using.user_weight / crowd.n_users)
    total = 1.0 + using.user_weight
    elements = np.concatenate([worth / worth.sum(), people]) / total
    return max_cover(candidates.indptr, candidates.elements, elements, budget=budget, costs=costs)


def _costs(
    candidates: Candidates, title_tokens: ArrayLike | None, using: SyntheticSettings
) -> Ints:
    """Tokens of each candidate's prompt."""
    if title_tokens is None:
        tokens = candidates.n_titles * using.tokens_per_title
    else:
        length = np.asarray(title_tokens, dtype=np.int64)
        held = [candidates.items_of(row) for row in range(len(candidates))]
        tokens = np.array([length[titles].sum() for titles in held], dtype=np.int64)
    cost: Ints = tokens.astype(np.int64) + using.prompt_tokens
    return cost


def _notes(
    crowd: Crowd,
    graph: NeighbourGraph,
    candidates: Candidates,
    cover: Cover,
    costs: Ints | None,
    using: SyntheticSettings,
    count: int | None,
    token_budget: int | None,
) -> tuple[str, ...]:
    """Say why nothing, or less than asked for, was chosen."""
    if not len(candidates):
        if crowd.n_users < using.min_members:
            return (
                f"no synthetic users: they are made of {using.min_members} users or more, and "
                f"{crowd.n_users} here have items with texts",
            )
        if not graph.n_edges and crowd.n_sets == crowd.n_users:
            return (
                f"no synthetic users: no two users are at least {using.threshold:g} alike "
                f"({using.measure})",
            )
        return (
            f"no synthetic users: no group of like users has {using.min_members} members and "
            f"{using.min_titles} titles or more",
        )
    if costs is not None and token_budget is not None and costs.min() > token_budget:
        return (
            f"the cheapest synthetic user takes {costs.min()} tokens, "
            f"the budget is {token_budget}; raise it",
        )
    if count is not None and len(cover.chosen) < count:
        return (f"{len(cover.chosen)} synthetic users cover all that {count} could",)
    return ()


def _result(
    crowd: Crowd,
    graph: NeighbourGraph,
    candidates: Candidates,
    cover: Cover,
    costs: Ints | None,
    notes: tuple[str, ...],
    using: SyntheticSettings,
) -> SyntheticUsers:
    seen = np.zeros(crowd.n_items + crowd.n_users, dtype=np.bool_)
    users, items_covered, users_covered = [], [], []
    for row, gain in zip(cover.chosen, cover.gains, strict=True):
        seen[candidates.elements_of(row)] = True
        items_covered.append(int(seen[: crowd.n_items].sum()))
        users_covered.append(int(seen[crowd.n_items :].sum()))
        members, similarities = crowd.people(candidates.histories_of(row), graph)
        users.append(
            SyntheticUser(
                members=members,
                similarities=similarities,
                items=candidates.items_of(row),
                owners=candidates.owners_of(row),
                cohesion=float(candidates.cohesion[row]),
                gain=float(gain),
                cost=1 if costs is None else int(costs[row]),
            )
        )
    return SyntheticUsers(
        users=tuple(users),
        items_covered=np.array(items_covered, dtype=np.int64),
        users_covered=np.array(users_covered, dtype=np.int64),
        weight_covered=cover.curve,
        upper_bound=cover.upper_bound,
        gap=cover.gap,
        candidates=len(candidates),
        n_items=len(np.unique(crowd.all_items)),
        n_users=crowd.n_users,
        notes=notes,
        settings=asdict(using),
    )


def _check(using: SyntheticSettings, count: int | None, token_budget: int | None) -> None:
    if (count is None) == (token_budget is None):
        raise UserError("give either the number of synthetic users or a budget of tokens")
    for name, value in (("number of synthetic users", count), ("token budget", token_budget)):
        if value is not None and value < 1:
            raise UserError(f"the {name} must be at least 1, got {value}")
    for name in ("max_titles", "min_titles", "max_members", "min_members", "neighbours"):
        if getattr(using, name) < 1:
            raise UserError(f"{name} must be at least 1, got {getattr(using, name)}")
    if not 0 < using.threshold <= 1:
        raise UserError(f"threshold must be above 0 and at most 1, got {using.threshold}")
    if not 0 <= using.user_weight < np.inf:
        raise UserError(f"user_weight must be 0 or more, got {using.user_weight}")

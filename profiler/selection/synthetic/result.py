"""What synthetic users are made with, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.selection.synthetic.neighbours import ItemWeight, Measure

__all__ = ["SyntheticSettings", "SyntheticUser", "SyntheticUsers"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SyntheticSettings:
    """How synthetic users are made; the defaults suit histories of 5 to 200 items.

    Attributes
    ----------
    max_titles, min_titles
        Most and least titles a synthetic user may stand for (what a prompt can hold; what is
        worth a call, or `max_titles` where that is less).
    max_members, min_members
        Most users in a clique, twins (users with the very same items) counted as one; least
        users in it, twins counted.
    neighbours, threshold, measure, pair_weight
        Neighbour graph: see :func:`profiler.synthetic.neighbours.neighbour_graph`.
    min_cohesion
        Least mean weight over the pairs of a clique.
    maximal_up_to
        Most edges of a graph whose maximal cliques are listed as well.
    cover_weight, user_weight
        What is covered: the share of the items' weight, plus `user_weight` times the share of
        users.
    prompt_tokens, tokens_per_title
        Cost of one call where a budget of tokens is given: the prompt without titles, and each
        title whose length is not told.
    """

    max_titles: int = 60
    min_titles: int = 5
    max_members: int = 10
    min_members: int = 2
    neighbours: int = 20
    threshold: float = 0.1
    measure: Measure = "jaccard"
    pair_weight: ItemWeight = "idf"
    min_cohesion: float = 0.0
    maximal_up_to: int = 20_000
    cover_weight: ItemWeight = "one"
    user_weight: float = 0.25
    prompt_tokens: int = 400
    tokens_per_title: int = 15


@dataclass(frozen=True)
class SyntheticUser:
    """A clique and the items it stands for.

    Attributes
    ----------
    members : int64 ``[m]``
        Rows of the histories given, by user id.
    similarities : float64 ``[m]``
        Mean weight of each member to the other members; 1 among twins alone.
    items : int64 ``[titles]``
        Items, most owners first, then heavier, then lower number.
    owners : int64 ``[titles]``
        How many members own each.
    cohesion : float
        Mean weight over the pairs.
    gain : float
        What it added to the weight covered when it was chosen.
    cost : int
        Tokens of its prompt, or 1.
    """

    members: Ints
    similarities: Floats
    items: Ints
    owners: Ints
    cohesion: float
    gain: float
    cost: int


@dataclass(frozen=True)
class SyntheticUsers:
    """The synthetic users in the order chosen, and how well they cover the crowd.

    Attributes
    ----------
    users
        In the order chosen: each adds the most (per cost) to those before it.
    items_covered, users_covered : int64 ``[chosen]``
        How many after each pick: the coverage curve.
    weight_covered : float64 ``[chosen]``
        What is maximised, after each pick, as a share of what all items and users are worth.
    upper_bound : float
        No choice among the candidates covers more than this share.
    gap : float
        Share of the bound that may be missing.
    candidates, n_items, n_users : int
        Cliques to choose from; items and users there are.
    notes
        Plain messages: why nothing or little was chosen.
    settings
        All settings, for the record.
    """

    users: tuple[SyntheticUser, ...]
    items_covered: Ints
    users_covered: Ints
    weight_covered: Floats
    upper_bound: float
    gap: float
    candidates: int
    n_items: int
    n_users: int
    notes: tuple[str, ...]
    settings: dict[str, object]

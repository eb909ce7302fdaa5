"""What is written beside figures: how they were measured, and how interests differ."""

from __future__ import annotations

from typing import TypedDict


class EvaluationProtocol(TypedDict, total=False):
    """How figures were measured: all that is needed to repeat it, written beside the figures.

    Attributes
    ----------
    split, part
        The store's split, and the part that the targets are of.
    candidates, items
        What was ranked, and how many items that is.
    seen_items
        Whether items the user already has stayed among the candidates.
    users, targets
        Numbers of evaluated users and of their targets.
    targets_dropped_as_seen, users_without_history
        What was left out.
    changed_since_training
        What of the store is another than the model was trained on.
    """

    split: str
    part: str
    candidates: str
    items: int
    seen_items: str
    users: int
    targets: int
    targets_dropped_as_seen: int
    users_without_history: int
    changed_since_training: list[str]


class InterestDiagnostics(TypedDict, total=False):
    """Whether the K interests differ and are used; only ``interests`` where K is 1.

    Attributes
    ----------
    interests
        K.
    cosine
        Mean pairwise cosine of a user's interests.
    effective_rank
        Exponential of the entropy of the singular values' shares, 1 … K.
    usage, usage_entropy
        Share of held-out targets that each interest scores highest, and the entropy of these
        shares over log K.
    dead
        Interests used for less than 1 %.
    marginal_recall
        Recall@k lost without each interest.
    """

    interests: int
    cosine: float
    effective_rank: float
    usage: list[float]
    usage_entropy: float
    dead: int
    marginal_recall: list[float]

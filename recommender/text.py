"""Explanations and comparisons in words and tables for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from store.console import plain

if TYPE_CHECKING:
    from recommender.experiments.compare import Comparison
    from recommender.serving.results import Explanation, NamedInterest, NearInterest

HOW = {
    "attention": "exact",
    "shapley": "sampled Shapley values",
    "none": "this model does not look at the history",
}


def item_name(title: str | None, item_id: str) -> str:
    """Title and id of an item, safe on a terminal."""
    return f"{plain(title)} ({plain(item_id)})" if title else plain(item_id)


def reason_lines(explanation: Explanation) -> list[str]:
    """Say why in one sentence, then the words of the interest that it names."""
    found, interest = [plain(explanation.sentence)], explanation.reason.interest
    if explanation.like:
        names = " and ".join(plain(one.title or one.item_id) for one in explanation.like)
        found.append(f"It is new: no training saw it. It is like {names}.")
    if interest is not None and interest.description:
        found.append(f"{plain(interest.label)}: {plain(interest.description)}")
    return found


def detail_lines(explanation: Explanation, most: int | None) -> list[str]:
    """Return the figures behind a sentence.

    Parameters
    ----------
    explanation
        What is explained.
    most
        Items of the history and nearest interests shown; None for all.
    """
    found = []
    if (interest := explanation.reason.interest) is not None:
        near = "it proves this interest" if interest.proven else "by the words of both"
        found += [f"the interest named ({near}):", *_interest_lines(interest, _proofs(most))]
    if explanation.how == "none":
        return [*found, f"score {explanation.base:.3f}: {HOW['none']}"]
    number = f"behavioural interest {explanation.interest + 1} of {explanation.interests}"
    parts = explanation.parts if most is None else explanation.parts[:most]
    gave = f"what the history gave ({HOW[explanation.how]}), which sums to it:"
    if not explanation.parts:  # a heading over nothing
        gave = "no item of the history had a part in it"
    found.append(f"score {explanation.score:.3f}, by {number}; {gave}")
    found += [f"  {p.part:+.3f} {item_name(p.title, p.item_id)}" for p in parts]
    rest = explanation.parts[len(parts) :]
    if rest:
        found.append(f"  {sum(p.part for p in rest):+.3f} {len(rest)} other items")
    if not explanation.semantic:
        return found
    whose = "the user's" if explanation.chosen_from == "user" else "all stored"
    shown = explanation.semantic if most is None else explanation.semantic[:1]
    by = explanation.compared_in
    found.append(f"nearest of {whose} interests in the model's own space (by {by}; no reason):")
    return found + [line for one in shown for line in _interest_lines(one, _proofs(most))]


def _proofs(most: int | None) -> int:
    return 8 if most is None else 3


def _interest_lines(interest: NearInterest | NamedInterest, most: int) -> list[str]:
    description = f": {plain(interest.description)}" if interest.description else ""
    proofs = [item_name(e.title, e.item_id) for e in interest.evidence]
    more = f" and {len(proofs) - most} more" if len(proofs) > most else ""
    origin = f"from {plain(interest.subject)}, {plain(interest.source)}"
    if interest.response_id is not None:
        origin += f", answer {interest.response_id}"
    return [
        f"  {interest.similarity:.2f} {plain(interest.label)}{description}",
        f"       shown by {'; '.join(proofs[:most])}{more}",
        f"       {origin}",
    ]


def comparison_tables(comparison: Comparison) -> list[tuple[str, list[str], list[list[str]]]]:
    """A comparison as tables: means, means by part where asked for, differences."""
    every = list(next(iter(comparison.means.values())))
    parts = [metric for metric in every if ", " in metric]  # parts of targets and users
    metrics = [metric for metric in every if metric not in parts]
    means = [
        [name, *(f"{row[metric].mean:.4f} ± {row[metric].margin:.4f}" for metric in metrics)]
        for name, row in comparison.means.items()
    ]
    differences = [
        [
            d.model,
            d.metric,
            f"{d.difference:+.4f} ± {d.margin:.4f}",
            f"{d.relative:+.1%}" if math.isfinite(d.relative) else "–",
            f"{d.p_holm:.3g}",
            d.verdict,
        ]
        for d in comparison.differences
    ]
    base = comparison.differences[0].baseline
    headers = ["model", "metric", f"minus {base}", "relative", "p (Holm)", "verdict"]
    tables = [("means", ["model", *metrics], means)]
    if parts:
        rows = [
            [
                part,
                *(
                    f"{row[part].mean:.4f} ± {row[part].margin:.4f}"
                    for row in comparison.means.values()
                ),
            ]
            for part in parts
        ]
        tables.append(("means by part", ["part", *comparison.means], rows))
    return [*tables, ("differences", headers, differences)]

"""Who answered: each model with its answers, tokens and cost."""

from __future__ import annotations

from profiler.reporting.sections.section import Material, ReportSection, Rows
from store.views.runs import ModelAsked


class Models(ReportSection):
    """Models by number of answers."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Who answered"

    def rows(self, material: Material) -> Rows:
        """A row for each model."""
        return [(one.model, _said(one)) for one in material.done.models]


def _said(one: ModelAsked) -> str:
    cost = "price unknown" if one.cost_usd is None else f"${one.cost_usd:.4f}"
    if one.model == "offline":
        cost = "no cost"
    tokens = [f"{n:,}" if n is not None else "unknown" for n in (one.tokens_in, one.tokens_out)]
    answers = f"{one.answers:,} answers ({one.methods or 'text'})"
    return f"{answers}, {tokens[0]} tokens in, {tokens[1]} out, {cost}"


MODELS = Models()

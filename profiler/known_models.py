"""What is known of a model, for people: limits, parameters, price, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from profiler.llm.models import Tables
from profiler.llm.port import OFFLINE
from profiler.llm.prices import Prices

Learnt = Mapping[str, Mapping[str, Sequence[str]]]
"""What a store has learned, by ``provider:model`` and the address behind it, if there is one."""


@dataclass(frozen=True)
class KnownModel:
    """One model, or a pattern of names.

    Attributes
    ----------
    name
        ``provider:model``; a star stands for any end of a name.
    listed
        Whether the table of models or of prices has an entry for it; else only its service counts.
    context, longest
        Maximum number of tokens of prompt and answer, and of an answer; None where unknown.
    methods
        How JSON can be asked for, the best first.
    temperature
        Whether it takes one.
    limit
        Names under which the longest answer is sent.
    seed
        Name under which a seed is sent, None where there is none.
    key
        Environment variables that its key is read from.
    input_usd, output_usd
        Dollars for a million tokens; None where unknown.
    price_of, price_source
        Day of the price, and where it is from.
    learned
        What services refused, by their address (empty for the provider's own), from a store.
    """

    name: str
    listed: bool
    context: int | None
    longest: int | None
    methods: tuple[str, ...]
    temperature: bool
    limit: tuple[str, ...]
    seed: str | None
    key: tuple[str, ...]
    input_usd: float | None
    output_usd: float | None
    price_of: str | None
    price_source: str | None
    learned: dict[str, dict[str, list[str]]]

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON value."""
        return asdict(self)


def known_model(name: str, tables: Tables, prices: Prices, learned: Learnt) -> KnownModel:
    """What is known of one model.

    Parameters
    ----------
    name
        ``provider:model``, or a pattern of the table.
    tables, prices
        Facts and prices in force.
    learned
        From a store's ``learned_models``.
    """
    provider, _, model = name.partition(":")
    facts, service = tables.facts(provider, model), tables.service(provider)
    price, day = prices.of(name), prices.date_of(name)
    refused = {
        key.removeprefix(name).strip(): {kind: list(values) for kind, values in told.items()}
        for key, told in learned.items()
        if key == name or key.startswith(f"{name} ")
    }
    return KnownModel(
        name=name,
        listed=facts.listed or price is not None,
        context=facts.context,
        longest=facts.longest,
        methods=facts.methods,
        temperature=facts.temperature,
        limit=facts.limits,
        seed=facts.seed,
        key=service.key if service is not None else (),
        input_usd=None if price is None else price.input,
        output_usd=None if price is None else price.output,
        price_of=None if day is None else day.isoformat(),
        price_source=prices.source_of(name),
        learned=refused,
    )


def known_models(
    tables: Tables, prices: Prices, learned: Learnt, provider: str | None = None
) -> list[KnownModel]:
    """Every model or pattern that is in a table or that a store has learned about, by name.

    Parameters
    ----------
    provider
        Only those of one provider; None for all.
    """
    names = {name for table in tables.all for name in table.models} | set(prices.models)
    names |= {key.partition(" ")[0] for key in learned}
    # A pattern in the middle of a name, such as *codex*, adds to others and is no model.
    shown = {name for name in names if "*" not in name.rstrip("*") and "[" not in name}
    return [
        known_model(name, tables, prices, learned)
        for name in sorted(shown - {OFFLINE})
        if provider is None or fnmatchcase(name, f"{provider}:*")
    ]

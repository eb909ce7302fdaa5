"""What a call costs: a dated table, which the user's own table overrides.

A model that is in neither has an unknown cost. It is never taken for free: reports say that it is
unknown, and a cap in dollars is refused. A server on this machine or network costs nothing, unless
the user's table says otherwise; another service that goes by the name of a model of the built-in
table is priced like it, and whoever is told the price is told that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from profiler.llm.models import is_local
from prompts.plain_yaml import YamlError, read_yaml
from store.errors import DataError

BUILT_IN = Path(__file__).with_name("prices.yaml")
MAX_BYTES = 256 * 1024
HERE = "local:"
"""Models that run on this machine cost nothing."""
OLD_DAYS = 180
"""Prices older than this are pointed out. Our choice."""

_OWN_HOSTS = (".openai.com", ".anthropic.com", ".googleapis.com", ".azure.com")
_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


class Price(BaseModel):
    """Dollars per million tokens.

    Attributes
    ----------
    input, output
        Of prompts and answers.
    cached
        Of tokens of a prompt that the service had in its cache; None: as ``input``.
    batch
        What a batch service charges, as a share of these prices; None: all.
    as_of, source
        Of this price alone, where they are not the table's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(None, ge=0, allow_inf_nan=False)
    batch: float | None = Field(None, gt=0, le=1)
    as_of: date | None = None
    source: str | None = None

    def cost(
        self, tokens_in: float, tokens_out: float, cached: float = 0, *, batch: bool = False
    ) -> float:
        """Dollars of one call, of whose prompt ``cached`` tokens were in the service's cache."""
        share = self.batch if batch and self.batch is not None else 1.0
        cached = min(cached, tokens_in)
        each = self.input if self.cached is None else self.cached
        whole = (tokens_in - cached) * self.input + cached * each + tokens_out * self.output
        return whole * share / 1e6


FREE = Price(input=0, output=0)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: date
    source: str | None = None
    models: dict[str, Price]


@dataclass(frozen=True)
class Prices:
    """Prices by ``provider:model``.

    Attributes
    ----------
    models
        The user's entries over the built-in ones.
    dates
        For each model, the day its price was published.
    sources
        For each model, where its price is from.
    built_in
        Models whose price is the built-in table's.
    default
        Price of the models that are in no table; None: unknown.
    """

    models: dict[str, Price]
    dates: dict[str, date]
    sources: dict[str, str] = field(default_factory=dict)
    built_in: frozenset[str] = frozenset()
    default: Price | None = None

    def at(self, base_url: str | None) -> Prices:
        """The prices at an address: a server on this machine or network costs nothing.

        Prices that the user gave hold wherever the model runs.
        """
        if not is_local(base_url):
            return self
        given = {name: one for name, one in self.models.items() if name not in self.built_in}
        dates = {name: day for name, day in self.dates.items() if name in given}
        sources = {name: one for name, one in self.sources.items() if name in given}
        return replace(self, models=given, dates=dates, sources=sources, default=FREE)

    def elsewhere(self, model: str, base_url: str | None) -> str | None:
        """What to know of a price that is another service's list price; None where it is not."""
        host = urlsplit(base_url or "").hostname
        own = self._entry(model) not in self.built_in or is_local(base_url)
        if host is None or own or host.endswith(_OWN_HOSTS):
            return None
        return (
            f"{host} is taken to charge the list price of {model}; give what it charges with "
            "--prices FILE"
        )

    def of(self, model: str) -> Price | None:
        """Return the price of a model, or of the same model without a date in its name.

        None where unknown. Names are compared as written: ``provider:model``.
        """
        if model.startswith(HERE):
            return FREE
        return self.models.get(self._entry(model), self.default)

    def date_of(self, model: str) -> date | None:
        """Day of the price of a model, None where there is none."""
        return self.dates.get(self._entry(model))

    def dated(self, model: str, cost: float | None) -> dict[str, str]:
        """What a record of an answer says about its cost: the day of the price; nothing if free."""
        day = self.date_of(model)
        return {"prices_of": day.isoformat()} if cost and day else {}

    def source_of(self, model: str) -> str | None:
        """Where the price of a model is from, None where that is not told."""
        return self.sources.get(self._entry(model))

    def warning(self, model: str, today: date | None = None) -> str | None:
        """What to do about a price that is old; None where it is not."""
        day = self.date_of(model)
        days = 0 if day is None else ((today or date.today()) - day).days
        if days <= OLD_DAYS:
            return None
        return (
            f"the price of {model} is {days // 30} months old: compare it with the provider's "
            "price page, and give what has changed with --prices FILE"
        )

    def _entry(self, model: str) -> str:
        return model if model in self.models else _DATED.sub("", model)

    def cost(
        self,
        model: str,
        tokens_in: int | None,
        tokens_out: int | None,
        *,
        cached: int | None = None,
        batch: bool = False,
    ) -> float | None:
        """Dollars of one answered call, None where the price or the tokens are unknown."""
        price = self.of(model)
        if price is None or tokens_in is None or tokens_out is None:
            return None
        return price.cost(tokens_in, tokens_out, cached or 0, batch=batch)


def load_prices(path: Path | None = None) -> Prices:
    """Load the built-in price table, overridden by the user's table at ``path``.

    Raises
    ------
    DataError
        If the user's table cannot be read or does not have the form of the built-in one.
    """
    models: dict[str, Price] = {}
    dates: dict[str, date] = {}
    sources: dict[str, str] = {}
    given: set[str] = set()
    for source in (BUILT_IN, path):
        if source is not None:
            table = _read(source)
            models |= table.models
            for name, price in table.models.items():
                dates[name] = price.as_of or table.as_of
                sources[name] = price.source or table.source or source.name
            given |= set() if source == BUILT_IN else set(table.models)
    return Prices(models, dates, sources, frozenset(models) - given)


def _read(path: Path) -> _Table:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path}: a price table has at most {MAX_BYTES // 1024} KiB")
        content, _ = read_yaml(path.read_text(encoding="utf-8"))
        return _Table.model_validate(content)
    except OSError as error:
        raise DataError(f"cannot read the price table {path}: {error.strerror}") from error
    except (YamlError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a price table: {error}\n"
            "write it as:\n  as_of: 2026-03-21\n  models:\n"
            "    openai:gpt-4o-mini: {input: 0.15, output: 0.60}   # dollars per million tokens"
        ) from error

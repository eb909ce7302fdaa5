"""What a call costs: a dated table, which the user's own table overrides.

A model that is in neither has an unknown cost. It is never taken for free: reports say that it is
unknown, and a cap in dollars is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prompts.plain_yaml import YamlError, read_yaml
from store.errors import DataError

BUILT_IN = Path(__file__).with_name("prices.yaml")
MAX_BYTES = 256 * 1024
HERE = "local:"
"""Models that run on this machine cost nothing."""
OLD_DAYS = 180
"""Prices older than this are pointed out. Our choice."""

_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


class Price(BaseModel):
    """Dollars per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Dollars of one call."""
        return (tokens_in * self.input + tokens_out * self.output) / 1e6


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
    """

    models: dict[str, Price]
    dates: dict[str, date]
    sources: dict[str, str] = field(default_factory=dict)

    def of(self, model: str) -> Price | None:
        """Return the price of a model, or of the same model without a date in its name.

        None where unknown. Names are compared as written: ``provider:model``.
        """
        if model.startswith(HERE):
            return Price(input=0.0, output=0.0)
        return self.models.get(self._entry(model))

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

    def cost(self, model: str, tokens_in: int | None, tokens_out: int | None) -> float | None:
        """Dollars of one answered call, None where the price or the tokens are unknown."""
        price = self.of(model)
        if price is None or tokens_in is None or tokens_out is None:
            return None
        return price.cost(tokens_in, tokens_out)


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
    for source in (BUILT_IN, path):
        if source is not None:
            table = _read(source)
            models |= table.models
            dates |= dict.fromkeys(table.models, table.as_of)
            sources |= dict.fromkeys(table.models, table.source or source.name)
    return Prices(models, dates, sources)


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

"""``BuildConfig``: every choice of a build, checked, recorded with the run and hashed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from profiler.choices import HistoryVector, How, ItemText
from store.choices import InteractionsIn
from store.data.filters import parse_filter
from store.data.splits import Split, parse_split
from store.errors import UserError
from store.suggestions import check_in_words
from store.tables.subjects import Kind

OFFLINE = "offline"
NAMING = "name_group"
"""Template by which groups are named."""
SMALL = ("local",)
"""Providers whose models are asked to name groups, where nothing else is said."""


class BuildConfig(BaseModel):
    """How to build. Defaults are the paper's where it has one, else our measured choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: str = Field("none", description="none, once:N (the ComiRec way) or core:N")
    split: str = Field("leave-one-out", description="who may see which interaction")
    split_seed: int = 1230
    drop_repeats: bool = Field(False, description="leave out exact repeats")
    max_history: int | None = Field(None, ge=1, description="latest interactions of a user to keep")
    interactions_in: InteractionsIn | None = Field(None, description="None: as they are")
    encoder: str | None = Field(None, description="name or folder of a sentence encoder")
    item_text: ItemText = "title+categories"
    history: HistoryVector = Field("mean", description="how a history becomes a vector")
    share: float | None = Field(0.03, gt=0, le=1, description="share of users to be exemplars")
    exemplars: int | None = Field(None, ge=1, description="number of exemplars, instead of a share")
    exemplars_usd: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="dollars for exemplars, instead of a share"
    )
    exemplar_sample: int | None = Field(
        None, ge=1, description="users that exemplars are chosen among; None: all"
    )
    preference: float | None = Field(
        None, lt=0, allow_inf_nan=False, description="preference p, instead of a share"
    )
    damping: float = Field(0.5, ge=0.5, lt=1)
    synthetic_users: int | None = Field(None, ge=0, description="at most so many; None: automatic")
    max_titles: int = Field(60, ge=2, description="items a synthetic user may hold")
    exemplar_prompt: str = Field("exemplar_interests", description="template for exemplars")
    synthetic_prompt: str = Field("allocate_items", description="template for synthetic users")
    how: How | None = Field(None, description="whole questions, or names for groups")
    prompts: Path | None = Field(None, description="folder whose templates go before ours")
    max_interests: int = Field(20, ge=1, le=20, description="most interests of one subject")
    assign: bool = Field(True, description="give each user the interests that cover their history")
    seed: int = 0

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> BuildConfig:
        ways = {
            "--exemplars": self.exemplars,
            "--exemplars-usd": self.exemplars_usd,
            "--preference": self.preference,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"give {' or '.join(given)}, not both")
        return self

    def choice(self) -> dict[str, object]:
        """Return the settings that decide whom to ask."""
        names = {"item_text", "history", "share", "exemplars", "preference", "damping"}
        names |= {"synthetic_users", "max_titles", "seed"}
        if self.exemplar_sample is not None:
            names.add("exemplar_sample")
        if self.exemplars_usd is not None:  # left out else: earlier choices keep their digest
            names.add("exemplars_usd")
        return self.model_dump(include=names)

    def questions(self, model: str = OFFLINE) -> dict[Kind, str]:
        """Return the prompt template that each kind of subject is asked with.

        Parameters
        ----------
        model
            ``provider:model``; a small local model names groups where :attr:`how` is open.

        Raises
        ------
        UserError
            Groups are to be named and no model is asked.
        """
        asked: dict[Kind, str] = {
            "exemplar": self.exemplar_prompt,
            "synthetic": self.synthetic_prompt,
        }
        if self.how == "name" and model == OFFLINE:
            raise UserError(
                "--how name needs --llm PROVIDER:MODEL: the extractor names its groups itself"
            )
        how = self.how or ("name" if model.partition(":")[0] in SMALL else "whole")
        if how == "whole":
            return asked
        usual = {type(self).model_fields[f"{kind}_prompt"].default for kind in asked}
        return {kind: NAMING if name in usual else name for kind, name in asked.items()}

    def parsed_split(self) -> Split:
        """Return the split as the store understands it."""
        return parse_split(self.split, seed=self.split_seed)

    @field_validator("filter")
    @classmethod
    def _known_filter(cls, value: str) -> str:
        parse_filter(value)
        return value

    @classmethod
    def checked(cls, **values: Any) -> BuildConfig:
        """Build a config; a wrong value is a :class:`UserError` that names it."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            message = check_in_words(first["msg"].removeprefix("Value error, "))
            if not first["loc"]:  # about several values at once, which the message names
                raise UserError(message) from error
            place = ".".join(str(part) for part in first["loc"])
            raise UserError(
                f"{place}={first['input']}: {message[0].lower()}{message[1:]}"
            ) from error

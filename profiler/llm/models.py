"""What is known of services and models, from the dated table models.yaml, and what was learned.

Facts decide how a request is worded, never under which address its answer is stored: so a table
that grows never makes anybody pay twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from profiler.llm.port import Method
from store.errors import DataError

BUILT_IN = Path(__file__).with_name("models.yaml")

Api = Literal["chat", "responses"]


class Service(BaseModel):
    """One service; see the table for what the fields say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: tuple[str, ...] = ()
    address: str | None = None
    limit: str = "max_tokens"
    methods: tuple[Method, ...] = ("json_schema", "json_mode", "text")
    seed: str | None = "seed"
    body: dict[str, Any] = {}
    addressed_as: Method | None = None
    schema_without: tuple[str, ...] = ()
    bounds: bool = False


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    methods: tuple[Method, ...] | None = None
    temperature: bool | None = None
    context: int | None = None
    longest: int | None = None
    api: Api | None = None
    tools_api: Api | None = None
    limit: str | None = None


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: date
    source: str | None = None
    services: dict[str, Service] = {}
    models: dict[str, _Model] = {}


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model at a service.

    Attributes
    ----------
    methods
        How JSON can be asked for, the best first.
    temperature
        Whether it takes one.
    limits
        Names under which the longest answer is sent.
    seed
        Name under which a seed is sent, None where there is none.
    context, longest
        Maximum number of tokens of prompt and answer, and of an answer; None where unknown.
    api, tools_api
        Which API it is called by, and with tools.
    body
        What every call carries beside.
    addressed_as
        The way to ask for JSON that stands in the address of an answer, where that is another than
        the best: answers that were paid for before the service had a better one are found by it.
    schema_without
        Keywords of JSON Schema that the service refuses in the schema of an answer.
    bounds
        Whether the schema is sent with bounds: a server on this machine or network holds the model
        to them by a grammar, and others may refuse them.
    listed
        Whether the table has an entry for the model.
    """

    methods: tuple[Method, ...]
    temperature: bool = True
    limits: tuple[str, ...] = ("max_tokens",)
    seed: str | None = "seed"
    context: int | None = None
    longest: int | None = None
    api: Api = "chat"
    tools_api: Api = "chat"
    body: Mapping[str, Any] = field(default_factory=dict)
    addressed_as: Method | None = None
    schema_without: tuple[str, ...] = ()
    bounds: bool = False
    listed: bool = False

    @property
    def addressed_method(self) -> Method:
        """The way to ask for JSON that stands in the address of an answer."""
        return self.addressed_as or self.methods[0]


@dataclass(frozen=True)
class Tables:
    """Tables in force, the one that goes first at the end."""

    all: tuple[_Table, ...]

    @property
    def as_of(self) -> date:
        """Day of the newest table."""
        return max(table.as_of for table in self.all)

    @property
    def providers(self) -> tuple[str, ...]:
        """Names of the services that are known."""
        return tuple(dict.fromkeys(name for table in self.all for name in table.services))

    def service(self, provider: str) -> Service | None:
        """The service of a provider's name, None where there is none."""
        found = [table.services[provider] for table in self.all if provider in table.services]
        return found[-1] if found else None

    def facts(self, provider: str, model: str, base_url: str | None = None) -> ModelFacts:
        """What is known of a model at an address."""
        service = self.service(provider) or Service(methods=("text",))
        entries = [
            entry
            for table in self.all
            for pattern, entry in table.models.items()
            if fnmatchcase(f"{provider}:{model}", pattern)
        ]
        told: dict[str, Any] = {}
        for entry in entries:
            told |= entry.model_dump(exclude_none=True)
        limit = told.pop("limit", None)
        limits = (limit,) if limit else _limits(provider, service, base_url, listed=bool(entries))
        told.setdefault("methods", service.methods)
        told.setdefault("tools_api", told.get("api", "chat"))
        return ModelFacts(
            limits=limits,
            seed=service.seed,
            body=service.body,
            addressed_as=service.addressed_as,
            schema_without=service.schema_without,
            bounds=service.bounds or is_local(base_url),
            listed=bool(entries),
            **told,
        )


def _limits(
    provider: str, service: Service, base_url: str | None, *, listed: bool
) -> tuple[str, ...]:
    """Names of the limit: other servers of OpenAI's protocol know the old name, and some only it.

    A server on this machine or network may go by the name of a model of OpenAI's; it is told both.
    """
    if provider != "openai" or base_url is None or _is_openai(base_url):
        return (service.limit,)
    if not listed:
        return ("max_tokens",)
    return (service.limit, "max_tokens") if is_local(base_url) else (service.limit,)


def _is_openai(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host.endswith((".openai.com", ".azure.com"))


def is_local(base_url: str | None) -> bool:
    """Whether an address is on this machine or network: a server that needs no key."""
    host = (urlsplit(base_url).hostname or "") if base_url else ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".localhost", ".internal"))


@dataclass
class Learned:
    """What a service refused: not sent again, in this run and, recorded, in later ones.

    Attributes
    ----------
    refused
        Names of parameters.
    methods
        Ways to ask for JSON.
    """

    refused: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)

    def update(self, facts: Mapping[str, Iterable[str]]) -> None:
        """Add what was recorded by :meth:`as_json`."""
        self.refused |= set(facts.get("refused", ()))
        self.methods |= set(facts.get("methods", ()))

    def as_json(self) -> dict[str, list[str]]:
        """What was learned, for the store."""
        return {"refused": sorted(self.refused), "methods": sorted(self.methods)}


@cache
def load_models(path: Path | None = None) -> Tables:
    """Load the built-in table, and the user's at ``path`` over it.

    Raises
    ------
    DataError
        If the user's table cannot be read or does not have the form of the built-in one.
    """
    return Tables(tuple(_read(one) for one in (BUILT_IN, path) if one is not None))


def _read(path: Path) -> _Table:
    try:
        return _Table.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(f"cannot read the table of models {path}: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a table of models: {error}") from error

"""The door for LLM adapters: who opens a model, by the provider before the colon.

An adapter of your own is an instance of a subclass of :class:`Adapter`, in a module of its own,
named by an entry point of the group ``interest_profiler.llm`` (``docs/how-to-add.md``). Providers
that no adapter is named for are opened by LangChain.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from profiler.choices import JsonMethod
from profiler.llm.models import ModelFacts, Tables, is_local, load_models
from profiler.llm.port import ChatPort, Method
from profiler.llm.secrets import (
    key_from,
    redact,
    remember_environment,
    without_credentials,
)
from store.errors import UserError
from store.registry import Registry

__all__ = ["Adapter", "Opening", "open_chat"]

METHODS: tuple[JsonMethod, ...] = get_args(JsonMethod)
NO_KEY = "none"
"""Sent to a server on this machine or network that was given no key."""


@dataclass(frozen=True)
class Opening:
    """A model as somebody wants it opened.

    Attributes
    ----------
    provider, model
        The two parts of ``provider:model``.
    base_url
        Address that was given, with credentials where it has any; None for the provider's own.
    address
        Address to call, None where the provider's package knows it.
    method
        How to ask for JSON; None leaves it to what is known of the model.
    timeout
        Seconds for one call; None lets it grow with the longest answer asked for.
    facts
        What is known of the model at this address.
    key
        The key, None where there is none.
    key_name
        Where the key is read from, for messages.
    options
        Further options of the model, nested as the service takes them.
    """

    provider: str
    model: str
    base_url: str | None
    address: str | None
    method: Method | None
    timeout: float | None
    facts: ModelFacts
    key: str | None
    key_name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``provider:model``."""
        return f"{self.provider}:{self.model}"

    @property
    def known_url(self) -> str | None:
        """The given address as it may be stored and printed: without credentials."""
        return None if self.base_url is None else without_credentials(self.base_url)

    @property
    def planned_method(self) -> Method:
        """How JSON is asked for as long as the service refuses nothing."""
        return self.method or self.facts.methods[0]

    @property
    def addressed_method(self) -> Method:
        """How the address of an answer says that JSON was asked for."""
        return self.method or self.facts.addressed_method


class Adapter(ABC):
    """Opens the models of a provider, or of several."""

    @abstractmethod
    def open(self, opening: Opening) -> ChatPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The model cannot be opened: no such model, a package or a setting that is missing.
        """


ADAPTERS: Registry[Adapter] = Registry(
    "LLM adapter",
    "interest_profiler.llm",
    Adapter,
    {
        **dict.fromkeys(
            ("openai", "azure_openai", "deepseek", "groq", "mistralai", "openrouter", "xai"),
            "profiler.llm.adapters.openai:OPENAI",
        ),
        "anthropic": "profiler.llm.adapters.anthropic:ANTHROPIC",
        "google_genai": "profiler.llm.adapters.google_genai:GOOGLE",
        "ollama": "profiler.llm.adapters.ollama:OLLAMA",
        "bedrock_converse": "profiler.llm.adapters.bedrock_converse:BEDROCK",
        "local": "profiler.llm.adapters.local:LOCAL",
        "langchain": "profiler.llm.adapters.langchain:LANGCHAIN",
    },
)


def open_chat(
    spec: str,
    *,
    base_url: str | None = None,
    method: str | None = None,
    timeout: float | None = None,
    options: Mapping[str, Any] | None = None,
    adapter: str | None = None,
    models: Path | None = None,
    to_call: bool = True,
) -> ChatPort:
    """Open a chat model by ``provider:model``, such as ``openai:gpt-4o-mini``.

    The key comes from the provider's own environment variable; it is never stored or printed.

    Parameters
    ----------
    spec
        ``provider:model``.
    base_url
        Address of the service where it is not the provider's own.
    method
        How to ask for JSON: ``json_schema``, ``json_mode`` or ``text``; by default what is known to
        suit the model, and the next one where the service refuses it.
    timeout
        Seconds for one call, from sending to the last byte; by default it grows with the longest
        answer asked for.
    options
        Further options of the model, such as ``{"reasoning_effort": "low"}``; those that change
        the answer are part of its address.
    adapter
        Name of the adapter, where it is not the provider's: ``langchain`` sends through LangChain
        what another adapter would send itself.
    models
        Table of models that goes before the built-in one.
    to_call
        Whether calls will be made; else no key is needed.

    Raises
    ------
    UserError
        If the provider is not known or not installed, its key is not set, or the method does not
        exist.
    """
    remember_environment()
    opening = _opening(spec, base_url, method, timeout, load_models(models), to_call=to_call)
    opening = replace(opening, options=dict(options or {}))
    named = adapter or (opening.provider if opening.provider in ADAPTERS else "langchain")
    try:
        return ADAPTERS.get_known(named).open(opening)
    except UserError as error:
        raise type(error)(redact(str(error))) from None


def opening_of(spec: str, *, base_url: str | None = None, models: Path | None = None) -> Opening:
    """What is known of a model and how it is reached, for whoever opens it otherwise.

    Parameters
    ----------
    spec, base_url, models
        As for :func:`open_chat`.

    Raises
    ------
    UserError
        The provider is not written as it should be, or its key cannot be used.
    """
    remember_environment()
    return _opening(spec, base_url, None, None, load_models(models), to_call=True)


def method_for(spec: str, base_url: str | None = None, models: Path | None = None) -> Method:
    """The method that a run would choose for a model; no key is needed and nothing is sent."""
    provider, _, model = spec.partition(":")
    return load_models(models).facts(provider, model, base_url).addressed_method


def _opening(
    spec: str,
    base_url: str | None,
    method: str | None,
    timeout: float | None,
    tables: Tables,
    *,
    to_call: bool,
) -> Opening:
    provider, _, model = spec.partition(":")
    if not provider or not model:
        raise UserError(
            f"--llm {spec!r}: write provider:model, such as openai:gpt-4o-mini, or offline"
        )
    scheme = urlsplit(base_url or "").scheme
    if base_url is not None and scheme not in ("http", "https"):
        raise UserError(
            f"base_url={redact(base_url)!r}: write the address of a service with its http:// or "
            "https://, such as http://localhost:8000/v1"
        )
    wanted = next((one for one in METHODS if one == method), None)
    if method is not None and wanted is None:
        raise UserError(f"--method {method!r}: one of {', '.join(METHODS)}")
    service = tables.service(provider)
    variables = service.key if service is not None else ()
    named = " or ".join(variables) or "the provider's environment variable"
    key = _key(variables, base_url) if to_call else NO_KEY
    return Opening(
        provider,
        model,
        base_url,
        base_url or (service.address if service is not None else None),
        wanted,
        timeout,
        tables.facts(provider, model, base_url),
        key,
        named,
    )


def _key(variables: tuple[str, ...], base_url: str | None) -> str | None:
    key = key_from(variables)
    if key is None and variables and is_local(base_url):
        return NO_KEY
    return key

"""Further options of a model, as users name them: ``reasoning_effort=low``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from profiler.llm.secrets import holds_secret, names_secret
from store.errors import UserError

_OURS = {
    **dict.fromkeys(("model", "modelId"), "--llm"),
    **dict.fromkeys(
        ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict", "maxTokens"),
        "--max-tokens",
    ),
    "temperature": "--temperature",
    "timeout": "--timeout",
    **dict.fromkeys(
        ("response_format", "format", "response_mime_type", "response_json_schema",
         "response_schema", "text.format", "output_config.format"),
        "--method",
    ),
    "base_url": "--base-url",
    "max_retries": None,
    **dict.fromkeys(("messages", "input", "contents", "system", "system_instruction", "prompt")),
    **dict.fromkeys(("tools", "tool_choice", "stream", "n", "store")),
}  # fmt: skip
"""Names that are no free option, each with the option that decides it; None: nothing does."""

UNCHANGING = frozenset(
    {"user", "metadata", "requestMetadata", "safety_identifier", "prompt_cache_key", "labels",
     "prompt_cache_retention", "service_tier", "serviceTier", "keep_alive", "num_thread", "num_gpu",
     "performanceConfig", "provider.sort", "transforms"}
)  # fmt: skip
"""Options that change how an answer is made, billed or filed, and not what it says."""


def read_options(given: Iterable[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs; a point in a name goes one level down.

    Parameters
    ----------
    given
        The pairs. A value is JSON where it can be read as such, else a text.

    Returns
    -------
    dict
        Nested as the service takes it.

    Raises
    ------
    UserError
        A pair has no name or no value, the name belongs to an option of its own or to a key, or a
        value holds a key.
    """
    found: dict[str, Any] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or not all(name.split(".")):
            # Not quoted: it may be a key that lost its name.
            raise UserError("model_option: write NAME=VALUE, such as reasoning_effort=low")
        _check_name(name)
        value = _value(text)
        if holds_secret(text):
            raise UserError(
                f"model_option={name}: the value holds a key or password; keys are read from the "
                "environment alone"
            )
        _put(found, name, value)
    return found


def changing_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that change what a model answers: they are part of a question's address."""
    kept: dict[str, Any] = {}
    for name, value in _flat(options).items():
        parts = name.split(".")
        if not any(".".join(parts[:size]) in UNCHANGING for size in range(1, len(parts) + 1)):
            kept[name] = value
    return kept


def merged(body: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the options, objects merged with those that are there."""
    found = dict(body)
    for name, value in options.items():
        there = found.get(name)
        both = isinstance(there, Mapping) and isinstance(value, Mapping)
        found[name] = merged(there, value) if both and isinstance(there, Mapping) else value
    return found


def _check_name(name: str) -> None:
    if name in _OURS:
        other = _OURS[name]
        raise UserError(
            f"model_option={name}: " + (f"use {other}" if other else "this program decides that")
        )
    if any(names_secret(part) for part in name.split(".")):
        raise UserError(
            f"model_option={name}: this names a key or password, which is read from the "
            "environment alone"
        )


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        found = found.setdefault(part, {})
        if not isinstance(found, dict):
            raise UserError(f"model_option={name}: {part} has a value of its own already")
    found[last] = value


def _flat(options: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested options by their whole names."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        whole = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{whole}.")
        else:
            found[whole] = value
    return found

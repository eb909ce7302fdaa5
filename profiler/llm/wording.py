"""How a request to one model is worded: by what is known of it, and what its service refused.

A service that refuses a parameter, or a way to ask for JSON, is asked without it from then on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiler.llm.models import Learned, ModelFacts
from profiler.llm.port import CallError, Method, Request

LIMITS = ("max_completion_tokens", "max_tokens")
"""Names of the longest answer in OpenAI's protocol: one of them is always sent."""

_FORMAT_MARKS = (
    *("response_format", "json_schema", "structured output", "json_object", "json mode"),
    *("output_config", "output_format", "output format", "outputconfig", "textformat"),
    *("response_mime_type", "response_json_schema", "responsejsonschema", "responseschema"),
    *("response schema", "response mime type", "format must be"),
)
_REFUSED = re.compile(
    r"unsupported|not support|n't support|unrecognized|unknown|unexpected|not permitted|forbidden|"
    r"not allowed|deprecated|not available|invalid (?:field|parameter|argument)|extra inputs|"
    r"unavailable|only the default|at the same time"
)
# A value out of range, or a schema that is wrong: leaving the parameter out would hide it.
_TOO_MUCH = re.compile(
    r"too (?:large|long|big|high|small|low)|at most|maximum|exceed|less than|greater than|"
    r"invalid schema|context length"
)


@dataclass
class Wording:
    """How requests to one model are worded.

    Attributes
    ----------
    model
        Its name without the provider.
    facts
        What is known of it.
    planned
        How JSON is asked for as long as the service refuses nothing.
    fixed
        Whether the user chose that, so that nothing else is tried.
    options
        Further options of the model, as the user wants them.
    learned
        What the service refused.
    """

    model: str
    facts: ModelFacts
    planned: Method
    fixed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    learned: Learned = field(default_factory=Learned)

    def method(self, request: Request) -> Method:
        """How this request asks for its answer."""
        if request.tools:
            return "tool"
        if self.fixed or self.planned not in self.learned.methods:
            return self.planned
        left = [one for one in self.facts.methods if one not in self.learned.methods]
        return left[0] if left else "text"

    def takes(self, parameter: str) -> bool:
        """Whether a parameter is sent."""
        known = parameter != "temperature" or self.facts.temperature
        return known and parameter not in self.learned.refused

    def limits(self) -> tuple[str, ...]:
        """Names under which the longest answer is sent; at least one."""
        wanted = tuple(name for name in self.facts.limits if self.takes(name))
        return wanted or tuple(name for name in LIMITS if self.takes(name))[:1] or LIMITS[1:]

    def sampling(self, request: Request) -> dict[str, Any]:
        """Temperature and seed, under the names the service takes, where it takes them."""
        sent: dict[str, Any] = {}
        if request.temperature is not None and self.takes("temperature"):
            sent["temperature"] = request.temperature
        name = self.facts.seed
        if request.seed is not None and name is not None and self.takes(name):
            sent[name] = request.seed
        return sent

    def schema(self, request: Request) -> dict[str, Any]:
        """The schema of an answer without what the service refuses to read in one.

        What is left out is checked when the answer is read.
        """
        bounded = request.expected.schema if self.facts.bounds else None
        schema: dict[str, Any] = _without(bounded or request.schema, self.facts.schema_without)
        return schema

    def learn(
        self, problem: CallError, said: str, sent: Mapping[str, Any], method: Method
    ) -> CallError:
        """What a refused call means: the same call worded otherwise, or the problem as it is.

        Parameters
        ----------
        problem
            The failure of the call.
        said
            All that the service said, in lower case.
        sent
            What was sent, by parameter.
        method
            How JSON was asked for.
        """
        if problem.status_code not in (400, 422) or _TOO_MUCH.search(said):
            return problem
        if method in ("json_schema", "json_mode") and any(mark in said for mark in _FORMAT_MARKS):
            return self._without_method(problem, method)
        refused = self._named(said, sent)
        if refused is None or not _REFUSED.search(said):
            return problem
        if refused in self.options:
            return CallError(
                "provider_refused",
                f"{self.model}: the service does not take model_option={refused}: {problem}",
                status_code=problem.status_code,
            )
        if refused in LIMITS and not set(LIMITS) - self.learned.refused - {refused}:
            return problem
        self.learned.refused.add(refused)
        return _once_more(f"the service does not take {refused}", problem)

    def _without_method(self, problem: CallError, method: Method) -> CallError:
        if self.fixed:
            return CallError(
                "provider_refused",
                f"{self.model}: the model does not take this response format: try --method "
                f"json_mode or text ({problem})",
                status_code=problem.status_code,
            )
        self.learned.methods.add(method)
        return _once_more(f"the service does not take {method}", problem)

    def _named(self, said: str, sent: Mapping[str, Any]) -> str | None:
        """The parameter that a refusal is about: of those sent, the first that it names."""
        optional = {"temperature", self.facts.seed, *LIMITS, *self.options}
        places = {
            name: found.start()
            for name in optional & set(sent)
            if name is not None and (found := re.search(rf"\b{re.escape(name.lower())}\b", said))
        }
        return min(places, key=places.__getitem__) if places else None


def _once_more(why: str, problem: CallError) -> CallError:
    return CallError("unsupported", f"{why}: {problem}", status_code=problem.status_code)


def _without(schema: Any, keywords: Collection[str]) -> Any:
    """A schema without some of its keywords; properties may have the names of these."""
    if not keywords or not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("properties", "$defs") and isinstance(value, Mapping):
            found[name] = {key: _without(one, keywords) for key, one in value.items()}
        elif isinstance(value, list):
            found[name] = [_without(one, keywords) for one in value]
        else:
            found[name] = _without(value, keywords)
    return {name: value for name, value in found.items() if name not in keywords}

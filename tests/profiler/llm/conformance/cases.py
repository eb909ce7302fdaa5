"""What may become of a call: each case as a script for one subject, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.llm_server import interests_answer
from tests.profiler.llm.conformance.protocols import THINKING, Answer, sent, sent_error
from tests.profiler.llm.conformance.services import Service
from tests.profiler.llm.conformance.wire_server import Asked, Sent

Script = Callable[[Service, Asked], Sent]
PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes
    ----------
    name
        Which.
    title
        For the table.
    script
        What the server does when it is asked about the case's subject.
    state
        Of the subject in the end: ``ok``, ``quarantined``, or ``pending`` where the run stops.
    outcomes
        What stands in the ledger, call by call.
    hinted
        Whether the service says how long to wait.
    """

    name: str
    title: str
    script: Script
    state: str
    outcomes: tuple[str, ...]
    hinted: bool = False


def good(asked: Asked) -> str:
    """A usable answer about the items shown."""
    answer = interests_answer(asked.items)
    for interest in answer["interests"]:
        interest["evidence"] = [asked.numbers.get(one, one) for one in interest["evidence"]]
    return json.dumps(answer)


def answering(ending: str = "whole", *, thinking: str | None = None) -> Script:
    """An answer that ends in a way; one that is cut off is half of one."""

    def script(service: Service, asked: Asked) -> Sent:
        text = good(asked)
        if ending in ("truncated", "context"):
            text = text[: len(text) // 2]
        return sent(asked, service.protocol, Answer(text, ending, thinking))

    return script


def once(first: Script) -> Script:
    """``first``, then a usable answer."""

    def script(service: Service, asked: Asked) -> Sent:
        return (answering() if asked.nth else first)(service, asked)

    return script


def failing(name: str) -> Script:
    """An error in the service's own words."""

    def script(service: Service, asked: Asked) -> Sent:
        return sent_error(service.protocol, *service.words(name))

    return script


def _parameter(service: Service, asked: Asked) -> Sent:
    """Refuses a temperature for as long as it is sent one."""
    if '"temperature"' not in json.dumps(asked.body):
        return answering()(service, asked)
    assert service.refusing is not None
    return sent_error(service.protocol, *service.refusing)


def _schema(service: Service, asked: Asked) -> Sent:
    """Refuses the first way to ask for JSON."""
    marks = ("response_format", "output_config", "responseJsonSchema", "outputConfig", '"format"')
    if asked.nth == 0 and any(mark in json.dumps(asked.body) for mark in marks):
        return failing("schema")(service, asked)
    return answering()(service, asked)


def _hinted(service: Service, asked: Asked) -> Sent:
    status, code, message = service.words("limited")
    headers, said = service.protocol.hint
    message = said if said != "slow down" else message
    return sent_error(service.protocol, status, code, message, headers)


def _inside(service: Service, asked: Asked) -> Sent:
    """An error in an answer with 200, as OpenRouter and gateways send it."""
    error = {"code": 502, "message": "Provider returned error"}
    return Sent(200, {"error": error, "user_id": "u"})


def _page(status: int) -> Script:
    return lambda service, asked: Sent(status, PAGE)


def _instead(what: str) -> Script:
    return lambda service, asked: Sent(instead=what)


CASES = (
    Case("slow", "no answer in time, once", once(_instead("hang")), "ok", ("timeout", "ok")),
    Case("answer", "an answer", answering(), "ok", ("ok",)),
    Case("reasoning", "reasoning beside it", answering(thinking=THINKING), "ok", ("ok",)),
    Case("truncated", "cut off, once", once(answering("truncated")), "ok", ("truncated", "ok")),
    Case("refused", "refused", answering("refused"), "quarantined", ("refused",) * 3),
    Case("filtered", "filtered", answering("filtered"), "quarantined", ("refused",) * 3),
    Case("broken_off", "broken off, once", once(answering("broken")), "ok", ("server_error", "ok")),
    Case("bad_request", "400: another", failing("bad_request"), "quarantined", ("bad_request",)),
    Case("wrong_key", "wrong key", failing("wrong_key"), "pending", ("provider_refused",)),
    Case("no_permission", "403", failing("no_permission"), "pending", ("provider_refused",)),
    Case("no_credit", "402 or no quota", failing("no_credit"), "pending", ("provider_refused",)),
    Case("unknown_model", "404", failing("unknown_model"), "pending", ("provider_refused",)),
    Case("timed_out", "408, once", once(failing("timed_out")), "ok", ("timeout", "ok")),
    Case("hinted", "429 that says when, once", once(_hinted), "ok", ("rate_limited", "ok"), True),
    Case("limited", "429, once", once(failing("limited")), "ok", ("rate_limited", "ok")),
    Case("broken", "500, once", once(failing("broken")), "ok", ("server_error", "ok")),
    Case("full", "overloaded, once", once(failing("full")), "ok", ("server_error", "ok")),
    Case("page", "HTML with 200, once", once(_page(200)), "ok", ("server_error", "ok")),
    Case("gateway", "HTML with 502, once", once(_page(502)), "ok", ("server_error", "ok")),
    Case("inside", "an error with 200, once", once(_inside), "ok", ("server_error", "ok")),
    Case("reset", "connection reset, once", once(_instead("reset")), "ok", ("connection", "ok")),
    Case("parameter", "400: a parameter not taken", _parameter, "ok", ("unsupported", "ok")),
    Case("schema", "400: the schema not taken", _schema, "ok", ("unsupported", "ok")),
)
BY_NAME = {case.name: case for case in CASES}


def runs(service: Service) -> list[list[Case]]:
    """The cases of a service as the runs that they need: some end the run.

    What a service refuses comes last: it is learned, and later cases would be worded otherwise.
    """
    possible = [case for case in CASES if case.name not in service.lacks]
    together = [case for case in possible if case.state != "pending"]
    return [together, *([case] for case in possible if case.state == "pending")]

"""What is sent decides the address: a thousand mutations, each judged by the bytes on the wire."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

from profiler.llm.port import ChatPort, Message, Request
from profiler.llm.port import address as request_digest
from profiler.llm.registry import open_chat
from profiler.shown import ShownItem, ShownSubject
from tests.asking_store import chat
from tests.llm_server import LlmServer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"interests": {"type": "array", "items": {"type": "string"}}},
    "required": ["interests"],
    "additionalProperties": False,
}


def base() -> Request:
    items = tuple(ShownItem(ix, f"s1-i{ix}", f"Title {ix}", ("a", "b")) for ix in range(4))
    return Request(
        ShownSubject(1, "exemplar", "exemplar:u1", items),
        (Message("system", "You study tastes."), Message("user", "Items: s1-i0 s1-i1 s1-i2")),
        SCHEMA,
        "interests",
        "interests",
        "exemplar_interests",
        "s256:abc",
        500,
        0.2,
        11,
    )


def mutated_text(draw: random.Random, text: str) -> str:
    place = draw.randrange(len(text))
    char = draw.choice('abcXYZ 0189äß漢\n{}"')
    return draw.choice(
        [
            text[:place] + char + text[place:],
            text[:place] + text[place + 1 :],
            text[:place] + char + text[place + 1 :],
        ]
    )


def mutate(draw: random.Random, request: Request) -> Request:
    """One random change, of what is sent or of what is not."""
    kind = draw.randrange(11)
    if kind <= 2:
        turn = draw.randrange(2)
        messages = list(request.messages)
        messages[turn] = replace(messages[turn], content=mutated_text(draw, messages[turn].content))
        return replace(request, messages=tuple(messages))
    schema = json.loads(json.dumps(request.schema))
    schema["properties"][f"p{draw.randrange(9)}"] = {"type": draw.choice(["string", "number"])}
    reordered = dict(reversed(list(request.schema.items())))
    subject = request.subject
    changes: list[dict[str, Any]] = [
        {"schema": schema},
        {"schema_name": f"interests{draw.randrange(9)}"},
        {"max_tokens": request.max_tokens + draw.randrange(3)},
        {"temperature": draw.choice([0.2, 0.3, 0.0, 1.0])},
        {"seed": draw.choice([11, 12, None, 0])},
        {"subject": replace(subject, subject_id=draw.randrange(99), name="user:x", kind="user")},
        {"subject": replace(subject, items=subject.items[: draw.randrange(1, 4)])},
        {"template": "another", "template_digest": f"s256:{draw.random()}", "schema": reordered},
    ]
    return replace(request, **changes[kind - 3])


def wire(server: LlmServer, port: ChatPort, requests: list[Request]) -> list[str]:
    """What the server really received for each request, in canonical form."""

    async def send() -> None:
        for request in requests:
            await port.ask(request)

    server.reset()
    asyncio.run(send())
    return [json.dumps(call.body, sort_keys=True) for call in server.record.calls]


def test_a_thousand_mutations() -> None:
    """The address changes exactly when the bytes on the wire do."""
    draw = random.Random(5)
    requests = [mutate(draw, base()) for _ in range(1_000)]
    with LlmServer() as server:
        port = chat(server.base_url)
        sent = wire(server, port, [base(), *requests])
        original, address = sent[0], request_digest(port, base())
        hits = misses = 0
        for request, body in zip(requests, sent[1:], strict=True):
            if body == original:
                hits += 1
                assert request_digest(port, request) == address
            else:
                misses += 1
                assert request_digest(port, request) != address
        by_body = {
            body: request_digest(port, request)
            for request, body in zip(requests, sent[1:], strict=True)
        }
        assert len(set(by_body.values())) == len(by_body)
    assert hits > 200
    assert misses > 500


def test_model_address_and_method_are_part_of_the_key() -> None:
    ports = [
        chat("http://127.0.0.1:1/v1"),
        chat("http://127.0.0.1:2/v1"),
        chat("http://127.0.0.1:1/v1", method="json_mode"),
        chat("http://127.0.0.1:1/v1", method="text"),
    ]
    assert len({request_digest(port, base()) for port in ports}) == 4
    renamed = open_chat("openai:other", base_url=ports[0].base_url, method="json_schema")
    assert request_digest(renamed, base()) != request_digest(ports[0], base())


def test_what_only_the_caller_sees_is_not() -> None:
    slow = chat("http://127.0.0.1:1/v1", timeout=1)
    quick = chat("http://127.0.0.1:1/v1", timeout=99)
    assert request_digest(slow, base()) == request_digest(quick, base())

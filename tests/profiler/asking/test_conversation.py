"""The conversation without any input or output: what it asks next, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from profiler.asking.conversation import (
    Accepted,
    Quarantined,
    ReaskPolicy,
    converse,
    cut_reason,
    replay,
)
from profiler.asking.questions import make_request
from profiler.asking.tasks.interests import Interests
from profiler.llm.port import Request
from profiler.shown import ShownItem, ShownSubject
from prompts import Template
from store.tables.ledger import StoredResponse

ITEMS = tuple(ShownItem(n, f"i{n}", f"Item {n}") for n in range(4))
GOOD = json.dumps({"interests": [{"label": "A", "description": "Likes A.", "evidence": [1, 2]}]})


@pytest.fixture
def first(template: Template) -> Request:
    return make_request(
        ShownSubject(1, "exemplar", "exemplar:u", ITEMS),
        template,
        token_budget=1_000,
        cut="recent",
        boundary_key=b"k" * 16,
        max_tokens=100,
    )


def once(request: Request) -> Generator[Request, Any, None]:
    yield request


def said(text: str, finish: str = "stop", number: int = 1) -> StoredResponse:
    return StoredResponse(
        number, "s256:x", 1, "openai:m", "text", text, None, finish, 1, 1, 0.0, "unread"
    )


def test_a_good_answer_ends_it(first: Request) -> None:
    conversation = converse(once(first), Interests(), ReaskPolicy())
    step = next(conversation)
    assert (step.request, step.purpose, step.rejected) == (first, "ask", None)
    with pytest.raises(StopIteration) as stop:
        conversation.send(said(GOOD))
    ending = stop.value.value
    assert isinstance(ending, Accepted)
    assert ending.reading.value[0].evidence == ["i0", "i1"]


def test_each_step_carries_the_answer_before_it(first: Request) -> None:
    conversation = converse(once(first), Interests(), ReaskPolicy(times=1))
    next(conversation)
    longer = conversation.send(said(GOOD[:20], "length"))
    assert (longer.purpose, longer.request.max_tokens) == ("longer", 200)
    assert longer.rejected is not None
    assert longer.rejected.outcome == "truncated"
    again = conversation.send(said("prose"))
    assert (again.purpose, again.request.max_tokens) == ("reask", 200)
    assert "not one JSON" in again.request.messages[-1].content
    with pytest.raises(StopIteration) as stop:
        conversation.send(said(""))
    ending = stop.value.value
    assert isinstance(ending, Quarantined)
    assert ending.reason.startswith("empty:")


def test_a_replay_stops_at_what_is_not_stored(first: Request) -> None:
    stored = {first.messages: said("prose", number=5)}
    policy = ReaskPolicy()
    played = replay(converse(once(first), Interests(), policy), lambda r: stored.get(r.messages))
    assert played.next is not None
    assert played.ending is None
    assert [one.response_id for one in played.responses] == [5]
    assert [one.response.response_id for one in played.rejected] == [5]
    stored[played.next.request.messages] = said(GOOD, number=6)
    whole = replay(converse(once(first), Interests(), policy), lambda r: stored.get(r.messages))
    assert whole.next is None
    assert isinstance(whole.ending, Accepted)
    assert whole.ending.response.response_id == 6


def test_a_replay_counts_the_answer_it_ends_with(first: Request) -> None:
    wrong = replace(said("prose"), response_id=7)
    played = replay(converse(once(first), Interests(), ReaskPolicy(times=0)), lambda _: wrong)
    assert isinstance(played.ending, Quarantined)
    assert [one.response.response_id for one in played.rejected] == [7]


def test_questions_about_one_subject_follow_each_other(first: Request) -> None:
    """A second question was asked while the first one had no usable answer."""

    def two() -> Generator[Request, Any, None]:
        reading = yield first
        assert reading.value[0].label == "A"
        yield replace(first, max_tokens=55)

    conversation = converse(two(), Interests(), ReaskPolicy(times=1))
    next(conversation)
    assert conversation.send(said("prose", number=1)).purpose == "reask"
    second = conversation.send(said(GOOD, number=2))
    assert (second.purpose, second.request.max_tokens) == ("ask", 55)
    assert second.rejected is None
    assert second.accepted is not None
    assert second.accepted.response.response_id == 2
    assert conversation.send(said("prose", number=3)).purpose == "reask"
    with pytest.raises(StopIteration) as stop:
        conversation.send(said(GOOD, number=4))
    ending = stop.value.value
    assert [one.response.response_id for one in ending.answers] == [2, 4]


def test_the_last_question_without_an_answer_fails_them_all(first: Request) -> None:
    def two() -> Generator[Request, Any, None]:
        yield first
        yield replace(first, max_tokens=55)

    answers = iter([said(GOOD, number=1), said("prose", number=2)])
    played = replay(converse(two(), Interests(), ReaskPolicy(times=0)), lambda _: next(answers))
    assert isinstance(played.ending, Quarantined)
    assert [one.response.response_id for one in played.accepted] == [1]


def test_two_corrections_and_one_longer_answer_are_asked_for_and_no_more(first: Request) -> None:
    """Mutants: another number of corrections; a truncated answer asked for longer without end."""
    conversation = converse(once(first), Interests(), ReaskPolicy())
    next(conversation)
    steps = [conversation.send(said(text)).purpose for text in ("prose", "prose")]
    assert steps == ["reask", "reask"]
    with pytest.raises(StopIteration):
        conversation.send(said("prose"))
    conversation = converse(once(first), Interests(), ReaskPolicy())
    next(conversation)
    assert conversation.send(said(GOOD[:20], "length")).purpose == "longer"
    with pytest.raises(StopIteration) as stop:
        conversation.send(said(GOOD[:20], "length"))
    assert stop.value.value.last.outcome == "truncated"


def test_what_comes_next_follows_the_last_answer(first: Request) -> None:
    """Mutants: the first answer of a series taken for the last one."""

    def three() -> Generator[Request, Any, None]:
        for _ in range(3):
            yield first

    conversation = converse(three(), Interests(), ReaskPolicy())
    next(conversation)
    labels = ["A", "B", "C"]
    texts = [GOOD.replace('"A"', f'"{label}"') for label in labels]
    for number in (1, 2):
        step = conversation.send(said(texts[number - 1], number=number))
        assert step.accepted is not None
        assert step.accepted.response.response_id == number
    with pytest.raises(StopIteration) as stop:
        conversation.send(said(texts[2], number=3))
    ending = stop.value.value
    assert ending.response.response_id == 3
    assert ending.reading.value[0].label == "C"


def test_what_ends_early_is_closed(first: Request) -> None:
    """A series may hold something open until it ends."""
    closed: list[str] = []

    def noted() -> Generator[Request, Any, None]:
        try:
            yield first
        finally:
            closed.append("closed")

    series = noted()
    played = replay(converse(series, Interests(), ReaskPolicy(times=0)), lambda _: said("prose"))
    assert isinstance(played.ending, Quarantined)
    assert closed == ["closed"]
    conversation = converse(once(first), Interests(), ReaskPolicy())
    assert replay(conversation, lambda _: None).next is not None
    assert conversation.gi_frame is None, "closed"


def test_a_reason_has_at_most_500_characters() -> None:
    assert cut_reason("x" * 500) == "x" * 500
    assert cut_reason("x" * 501) == "x" * 499 + "…"


def test_a_loop_is_corrected_not_asked_for_at_twice_the_length(first: Request) -> None:
    """Fault: a small model repeated ids up to the limit, and was then allowed twice as many."""
    loop = '{"interests": [{"label": "A", "evidence": [' + "1, 2, " * 50
    conversation = converse(once(first), Interests(), ReaskPolicy())
    next(conversation)
    step = conversation.send(said(loop, "length"))
    assert (step.purpose, step.request.max_tokens) == ("reask", 100)
    assert "repeated itself" in step.request.messages[-1].content
    assert step.rejected is not None
    assert step.rejected.outcome == "truncated"


def test_corrections_get_warmer_and_list_the_valid_ids(first: Request) -> None:
    wrong = GOOD.replace("[1, 2]", "[1, 36270]")
    conversation = converse(once(first), Interests(), ReaskPolicy())
    next(conversation)
    second = conversation.send(said(wrong)).request
    third = conversation.send(said("prose")).request
    assert (first.temperature, second.temperature, third.temperature) == (0.0, 0.3, 0.6)
    text = second.messages[-1].content
    assert "names ids that were not shown: '36270'" in text
    assert "The only ids that may be named are the numbers from 1 to 4." in text
    assert "only ids" not in third.messages[-1].content
    none_sent = replace(first, temperature=None)
    conversation = converse(once(none_sent), Interests(), ReaskPolicy())
    next(conversation)
    assert conversation.send(said(wrong)).request.temperature is None


def test_the_examples_words_are_refused_but_not_where_they_were_accepted(first: Request) -> None:
    """Fault: a small model copied the prompt's example, over the ids of the items shown."""
    copied = GOOD.replace('"A"', '"vegetable growing  from seed"')
    conversation = converse(once(first), Interests(), ReaskPolicy(times=0))
    next(conversation)
    with pytest.raises(StopIteration) as stop:
        conversation.send(said(copied))
    assert "repeats the example" in stop.value.value.reason
    before = replace(said(copied), outcome="ok")
    played = replay(converse(once(first), Interests(), ReaskPolicy()), lambda _: before)
    assert isinstance(played.ending, Accepted)

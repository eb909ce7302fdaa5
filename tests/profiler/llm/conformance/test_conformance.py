"""Every service, called by its real client: what is stored, what it cost, what people read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.profiler.llm.conformance import protocols
from tests.profiler.llm.conformance.cases import BY_NAME, runs
from tests.profiler.llm.conformance.protocols import CACHED, IN, OUT, THINKING
from tests.profiler.llm.conformance.running import Ran, run_cases
from tests.profiler.llm.conformance.services import SERVICES, Service
from tests.profiler.llm.conformance.table import PAGE, as_json, kept, written

ONE_ANSWER = (IN * 1.0 + OUT * 2.0) / 1e6


@pytest.fixture(scope="module", params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    if found.missing is not None:
        pytest.skip(f"{found.name}: {found.missing}")
    return found


@pytest.fixture(scope="module")
def ran(service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Every case of the service, each with the run that it was part of."""
    folder = tmp_path_factory.mktemp("conformance")
    found: dict[str, Ran] = {}
    for number, cases in enumerate(runs(service)):
        one = run_cases(service, cases, folder / str(number))
        found |= {case.name: one for case in cases}
    return found


def test_each_case_ends_as_it_must(service: Service, ran: dict[str, Ran]) -> None:
    """Faults: calls that failed on the first one, cut answers stored as ok, errors as tracebacks,
    refused parameters paid for again and again."""
    cells = {name: one.cells[name] for name, one in ran.items()}
    came = {name: (cell.state, cell.outcomes) for name, cell in cells.items()}
    assert came == {name: (BY_NAME[name].state, BY_NAME[name].outcomes) for name in cells}


def test_the_ledger_has_every_call(service: Service, ran: dict[str, Ran]) -> None:
    """Fault: clients that call again by themselves, which nobody counted."""
    for one in {id(one): one for one in ran.values()}.values():
        booked = sum(len(cell.outcomes) for cell in one.cells.values())
        assert len(one.asked) == booked


def test_only_answers_cost(service: Service, ran: dict[str, Ran]) -> None:
    """OpenRouter's own word counts: a cent more than the price table makes it."""
    each = ONE_ANSWER + 0.01 * (service.protocol is protocols.OPENROUTER)
    for name, one in ran.items():
        cell = one.cells[name]
        answers = sum(outcome in ("ok", "truncated", "refused") for outcome in cell.outcomes)
        free = service.name == "Gemini" and name == "filtered"  # a blocked prompt has no answer
        expected = IN / 1e6 * answers if free else each * answers
        assert cell.usd == pytest.approx(expected), name


def test_what_an_answer_says_of_itself_is_stored(service: Service, ran: dict[str, Ran]) -> None:
    """Faults: reasoning among the text, cached tokens left out, tokens of thoughts not billed."""
    rows = ran["answer"].rows
    number = [case.name for case in runs(service)[0]].index("reasoning")
    row = next(row for row in rows if row["name"] == f"exemplar:u{number}")
    assert (row["tokens_in"], row["tokens_out"]) == (IN, OUT)
    assert THINKING not in row["raw_text"]
    assert ran["answer"].thoughts == {row["response_id"]: THINKING}
    assert json.loads(row["raw_text"])["interests"]
    params = json.loads(row["params"])
    if service.name != "Bedrock":  # it does not say which model answered
        assert params["answered_by"] == "the-model-that-answered"
    if service.name != "Ollama":
        assert params["tokens_cached"] == CACHED
    assert row["base_url"] is not None


def test_hints_are_heeded(service: Service, ran: dict[str, Ran]) -> None:
    """Fault: Gemini's retryDelay and Groq's words were not read."""
    # All other waits are of a millisecond.
    assert sum(wait >= 0.05 for wait in ran["hinted"].waits) == 1


def test_a_refused_key_is_named_as_the_services_own(service: Service, ran: dict[str, Ran]) -> None:
    """Fault: every wrong key was said to be OpenAI's."""
    said = ran["wrong_key"].cells["wrong_key"].said
    assert f"set {service.key_name}" in said or f"or {service.key_name}" in said


def test_the_cells_are_those_of_the_page(service: Service, ran: dict[str, Ran]) -> None:
    cells = {name: as_json(service, one.cells[name]) for name, one in ran.items()}
    assert cells == kept()[service.name]


def test_the_page_shows_the_cells() -> None:
    """``python -m tests.profiler.llm.conformance.table`` writes it again."""
    page = Path(PAGE).read_text("utf-8")
    assert written(page, kept()) == page
    assert set(kept()) == {service.name for service in SERVICES}

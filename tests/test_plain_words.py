"""What the newcomer's and the attacker's walks over later commands met, each in plain words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from profiler.asking.forecast import Forecast, Range, total_in_words
from profiler.llm.local_model.process import _cause
from profiler.llm.registry import open_chat
from recommender.base.config_checks import checked
from recommender.serving.results import Explanation, Reasoning
from recommender.text import detail_lines
from recommender.training.settings import Settings
from store.errors import UserError
from store.views.interests.search import match_expression
from tests.reading_store import fill, runner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "s.db")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("dispute", "customer-ada", "x"), "write a whole number"),
        (("dispute", "customer-ada", 10**30), "at most 9223372036854775807"),
        (
            ("dispute", "customer-ada", "-5"),
            "-5 is no option, and numbers given here are 0 or more",
        ),
        (("requests", "--llm", "openai:m", "--out", "q", "--seed", "x"), "write a whole number"),
        (("describe", "--items", "0"), "at least 1"),
        (("models", ":"), "write PROVIDER:MODEL"),
        (("models", "openai:"), "write PROVIDER:MODEL"),
    ],
)
def test_wrong_values_are_answered_in_plain_words(
    path: Path, capsys: pytest.CaptureFixture[str], argv: tuple[object, ...], said: str
) -> None:
    """Faults: pydantic's words, "no option -5", facts of a model without a name."""
    code, _, told = runner(capsys)(*argv, "--store", path)
    assert code == 2
    assert said in told
    assert "Input should" not in told


@pytest.mark.parametrize("command", ["serve", "mcp"])
@pytest.mark.parametrize("port", ["-1", "65536", str(10**30)])
def test_a_port_that_is_none_is_refused_before_anything_starts(
    path: Path, capsys: pytest.CaptureFixture[str], command: str, port: str
) -> None:
    """Fault: an internal error of the server after the address was printed."""
    more = ["--http"] if command == "mcp" else []
    code = cli.run(cli.profiler_app, "profiler", [command, str(path), f"--port={port}", *more])
    out, told = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "at least 0" in told or "at most 65535" in told


def test_an_address_that_no_service_can_have_is_refused() -> None:
    """Fault: ``file:///etc/passwd`` was taken until the first call."""
    for address in ("file:///etc/passwd", "localhost:8000", "http"):
        with pytest.raises(UserError, match="http://"):
            open_chat("openai:x", base_url=address, to_call=False)


def test_cards_with_a_field_twice_or_of_no_object_are_named(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: the last of two fields was taken silently; Python's own words in a message."""
    good = {"item_id": "pen", "card": "For daily notes.", "next": ["ink"]}
    file = tmp_path / "cards.jsonl"
    twice = '{"item_id": "pen", "item_id": "note", "card": "c", "next": []}'
    file.write_text("\n".join((json.dumps(good), twice, "null", "[1]", "[" * 100_000)))
    code, out, told = runner(capsys)("import-cards", file, "--store", path, "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["cards stored"] == 1
    assert "the field 'item_id' stands there twice" in out + told
    assert "NoneType" not in out + told


def test_a_file_that_llama_cpp_refuses_is_told_without_a_trace() -> None:
    said = ["Traceback (most recent call last):", 'File "x.py", line 3', "^^^^", "run(x)"]
    assert _cause([*said, "RuntimeError: Failed to init server"]) == "Failed to init server"
    assert _cause(["one", "two"]) == "one two"
    assert _cause([]) == ""


def test_the_nearest_settings_are_named_and_not_all() -> None:
    """Fault: every setting was listed, whatever was wrong."""
    with pytest.raises(UserError, match="did you mean 'steps'") as caught:
        checked(Settings, {"stpes": 3}, "training")
    assert len(str(caught.value)) < 120
    with pytest.raises(UserError, match=r"it takes .* and \d+ more"):
        checked(Settings, {"qqqqq": 3}, "training")
    with pytest.raises(UserError) as wrong:
        checked(Settings, {"steps": "many"}, "training")
    assert str(wrong.value) == "training, steps = 'many': write a whole number"


def test_function_words_of_a_query_are_left_out() -> None:
    """Fault: "with" matched every description."""
    assert match_expression("pens with ink") == '"pens" OR "ink"'
    assert match_expression("with the") == '"with" OR "the"'
    assert match_expression("gel AND pen*") == "gel AND pen*"


def test_a_dry_run_of_two_models_has_a_total() -> None:
    """Fault: only each part was told."""

    def part(model: str, usd: Range | None) -> Forecast:
        calls = Range(1, 2, 3)
        return Forecast(model, 1, 0, 0, calls, calls, calls, usd, None, None, None, False)

    small, large = part("openai:a", Range(0.1, 0.2, 0.3)), part("openai:b", Range(1, 2, 3))
    assert (
        total_in_words([small, large])
        == "total: 4 calls expected, 6 at most; $2.2000 expected, $3.3000 at most"
    )
    assert total_in_words([small, part("x:y", None)]).endswith("dollars unknown: no price of x:y")
    assert total_in_words([small, part("offline", None)]).endswith("$0.3000 at most")


def test_a_score_without_parts_has_no_heading_over_nothing() -> None:
    """Fault: --detail printed "which sums to it:" and then no line."""
    reason = Reasoning("None of it.", "none", [], None)
    explanation = Explanation("i1", "Pen", 0.5, 0, 2, "attention", 0.0, [], reason)
    (line,) = detail_lines(explanation, None)
    assert line.endswith("no item of the history had a part in it")

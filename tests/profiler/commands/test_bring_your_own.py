"""``profiler prompts``, ``requests``, ``import-responses`` and ``import-interests`` as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

import cli
from profiler.commands.building import prompts as prompts_command
from profiler.commands.exchange.import_interests import import_interests
from profiler.commands.exchange.import_responses import import_responses
from profiler.commands.exchange.requests import requests
from prompts import list_templates
from store.data.prepare import prepare
from store.data.readers import read
from store.errors import StoreError, UserError
from store.store import open_store
from store.tables.subjects import SubjectRow

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    for command in (requests, import_responses, import_interests):
        app.command(command.__name__.replace("_", "-"))(command)
    app.add_typer(prompts_command.app, name="prompts")

    def call(*args: Any) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)

    return call


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three users, u0 chosen as exemplar; the last two items of each are held out."""
    rows = [(f"u{user}", f"i{item}", item) for user in range(3) for item in range(6)]
    interactions = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    items = pl.DataFrame({"item_id": [f"i{n}" for n in range(6)]}).with_columns(
        title=pl.concat_str(pl.lit("Film "), pl.col("item_id"))
    )
    path = tmp_path / "s.db"
    with open_store(path, create=True) as opened:
        opened.datasets.save(prepare(read((interactions, items))), "frames")
        dataset = opened.datasets.load()
        row = SubjectRow("exemplar", "exemplar:u0", 0, dataset.history(0).tolist(), members=[0, 1])
        opened.subjects.choose("exemplar", [row], opened.runs.start("test", {}))
    return path


def test_list_and_show(run: Run) -> None:
    lines = run("prompts", "list").stdout.splitlines()
    assert lines[0].split("\t") == ["name", "task", "digest", "purpose"]
    assert [line.split("\t")[0] for line in lines[1:]] == [one.name for one in list_templates()]
    document = json.loads(run("prompts", "list", "--json").stdout)
    assert document[0]["digest"] == list_templates()[0].digest
    shown = run("prompts", "show", "reask").stdout
    assert "Your answer to this question was not accepted" in shown
    assert json.loads(run("prompts", "show", "reask", "--json").stdout)["task"] == "reask"
    with pytest.raises(UserError, match="no prompt template 'none'"):
        run("prompts", "show", "none")


def test_render_shows_a_user_without_its_held_out_items(run: Run, store: Path) -> None:
    args = ("prompts", "render", "exemplar_interests", "--store", store)
    text = run(*args, "--user", "u2").stdout
    assert text.startswith("--- system\n")
    assert "[4] Film i3" in text.splitlines()
    assert "Film i4" not in text
    assert run(*args, "--user", "u2").stdout == text, "the boundary is the store's"
    document = json.loads(run(*args, "--subject", "exemplar:u0", "--json").stdout)
    assert document["shown"] == ["i0", "i1", "i2", "i3"]
    cut = json.loads(run(*args, "--user", "u2", "--token-budget", 11, "--json").stdout)
    assert cut["shown"] == ["i2", "i3"]
    with pytest.raises(StoreError, match="no user 'nobody'"):
        run(*args, "--user", "nobody")
    with pytest.raises(StoreError, match="no subject 'exemplar:u2'"):
        run(*args, "--subject", "exemplar:u2")
    with pytest.raises(UserError, match="--user ID, or --subject NAME"):
        run(*args)
    assert run(*args, "--user", "u2", "--cut", "middle").exit_code == 2
    with pytest.raises(UserError, match="render the question instead"):
        run("prompts", "render", "reask", "--store", store, "--user", "u2")


def test_diff(run: Run) -> None:
    assert run("prompts", "diff", "reask", "reask").stdout == "no difference in what is sent\n"
    document = json.loads(
        run("prompts", "diff", "exemplar_interests", "allocate_items", "--json").stdout
    )
    assert document["same"] is False
    assert "+task: allocation" in document["lines"]


def test_questions_out_and_answers_in(run: Run, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "requests.jsonl"
    ask = ("requests", "--store", store, "--out", out, "--llm", "openai:gpt-4o-mini")
    assert run(*ask).stdout.startswith(f"1 requests written to {out}\n")
    custom_id = json.loads(out.read_text(encoding="utf-8"))["custom_id"]
    answers = tmp_path / "answers.jsonl"
    good = json.dumps({"interests": [{"label": "A", "description": "B", "evidence": [1]}]})
    lines = [{"custom_id": custom_id, "text": "no"}, {"custom_id": "x", "text": good}]
    answers.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    result = run("import-responses", answers, "--store", store)
    assert result.exit_code == 0
    assert (
        "1 answers stored, 0 known already, 0 different from the stored one, 1 unk" in result.stdout
    )
    assert "subjects: 0 ok, 0 quarantined, 1 pending" in result.stdout
    assert "line 2: no question was written under 'x'" in result.stderr
    with pytest.raises(UserError, match="exists already"):  # answers may still be on their way
        run(*ask)
    ask = (*ask, "--overwrite")
    run(*ask)
    again = json.loads(out.read_text(encoding="utf-8"))["custom_id"]
    assert again != custom_id
    answers.write_text(json.dumps({"custom_id": again, "text": good}), encoding="utf-8")
    report = json.loads(run("import-responses", answers, "--store", store, "--json").stdout)
    assert (report["new"], report["ok"], report["pending"]) == (1, 1, 0)
    assert run(*ask).stdout.startswith("no subject is waiting")
    assert json.loads(run(*ask, "--json", "--all").stdout)["requests"] == 0


def test_a_quarantined_subject_is_exit_code_1(run: Run, store: Path, tmp_path: Path) -> None:
    out, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    codes = []
    for _ in range(3):
        run("requests", "--store", store, "--out", out, "--llm", "openai:m", "--overwrite")
        custom_id = json.loads(out.read_text(encoding="utf-8"))["custom_id"]
        answers.write_text(json.dumps({"custom_id": custom_id, "text": "no"}), encoding="utf-8")
        codes.append(run("import-responses", answers, "--store", store).exit_code)
    assert codes == [0, 0, 1]


@pytest.mark.parametrize(
    ("option", "value"), [("--llm", "gpt"), ("--llm", ":x"), ("--method", "x"), ("--cut", "x")]
)
def test_wrong_options_are_named(store: Path, option: str, value: str, capsys) -> None:
    args = ["requests", "--store", str(store), "--out", "x", "--llm", "openai:m", option, value]
    assert cli.run(cli.profiler_app, "profiler", args) == 2
    assert option in capsys.readouterr().err


def test_import_interests_prints_its_statistics(run: Run, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    given = {"label": "A", "description": "B", "evidence": ["i0", "film i1", "nothing"]}
    rows = [{"user_id": "u1", "interests": [given]}, {"user_id": "x", "interests": [given]}]
    file.write_text("\n".join(json.dumps(line) for line in rows), encoding="utf-8")
    result = run("import-interests", file, "--store", store)
    assert result.exit_code == 0
    table = dict(line.split("\t") for line in result.stdout.splitlines())
    assert table["share kept"] == "0.6667"
    assert table["found by: id"] == table["found by: normalised"] == "1"
    assert table["evidence dropped: unknown"] == "1"
    assert table["rows dropped: unknown user"] == "1"
    assert "line 2: the store has no user 'x'" in result.stderr
    document = json.loads(run("import-interests", file, "--store", store, "--json").stdout)
    assert document["changed"] == 0


def test_an_encoder_that_is_gone_is_told_before_anything_is_stored(
    run: Run, store: Path, tmp_path: Path
) -> None:
    out, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    run("requests", "--store", store, "--out", out, "--llm", "openai:m")
    interest = {"label": "A", "description": "B"}
    custom_id = json.loads(out.read_text(encoding="utf-8"))["custom_id"]
    answer = json.dumps({"interests": [interest | {"evidence": [1]}]})
    line = {"custom_id": custom_id, "text": answer}
    answers.write_text(json.dumps(line), encoding="utf-8")
    file = tmp_path / "mine.jsonl"
    given = [interest | {"evidence": ["i0"]}]
    file.write_text(json.dumps({"user_id": "u1", "interests": given}), encoding="utf-8")
    with open_store(store) as opened:
        opened.set_meta(encoder="gone@0123")
    for words in (("import-responses", answers), ("import-interests", file)):
        with pytest.raises(UserError, match=r"gone@0123.*with `encoder`"):
            run(*words, "--store", store)
    with open_store(store) as opened:
        assert opened.responses.digests() == set()
        assert opened.interests.catalogue().texts == []


def test_a_template_that_is_not_asked_with_is_refused(
    run: Run, store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "exemplar_interest.yaml").write_text("name: exemplar_interest", encoding="utf-8")
    with pytest.raises(UserError, match=r"exemplar_interest\.yaml: no question is asked with"):
        run("requests", "--store", store, "--out", "x", "--llm", "openai:m", "--prompts", folder)


def test_the_commands_import_nothing_heavy_for_their_help() -> None:
    code = (
        "import sys; import profiler.commands.building.prompts; "
        "import profiler.commands.exchange.requests, "
        "profiler.commands.exchange.import_responses, profiler.commands.exchange.import_interests; "
        "print([m for m in ('jinja2', 'pydantic', 'yaml', 'numpy', 'sqlalchemy', 'torch') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_answers_to_nobodys_questions_are_an_error(run: Run, store: Path, tmp_path: Path) -> None:
    """A file of which nothing was taken left with 0, so that a script saw success."""
    run("requests", "--store", store, "--out", tmp_path / "r.jsonl", "--llm", "openai:gpt-4o-mini")
    answers = tmp_path / "others.jsonl"
    answers.write_text(json.dumps({"custom_id": "x", "text": "{}"}), encoding="utf-8")
    with pytest.raises(UserError, match="none of the answers"):
        run("import-responses", answers, "--store", store)

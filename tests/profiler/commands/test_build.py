"""``profiler build`` as typed: what a dry run says it did is what it did."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from huggingface_hub.errors import LocalEntryNotFoundError
from typer.testing import CliRunner

import cli
import prompts
from profiler.commands.building.build import build
from profiler.vectors.encoder_source import require_encoder
from store.data.sample import write_sample
from store.errors import UserError
from store.store import open_store


def test_a_dry_run_says_that_it_stores_its_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)  # a dry run needs no key
    shop, path = tmp_path / "shop", tmp_path / "s.db"
    write_sample(shop, users=60)
    app = typer.Typer()
    app.command()(build)
    llm = ["--llm", "openai:gpt-4o-mini"]
    told = CliRunner().invoke(app, [str(shop), "--store", str(path), *llm, "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "the data and the choice of subjects are stored; nothing was sent" in told.stdout
    with open_store(path) as store:
        assert {one.state for one in store.subjects.load()} == {"pending"}
        assert store.responses.spent().calls == 0


def test_answers_imported_under_a_template_are_not_bought_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """Once ``build`` could not be told the template that ``requests`` had asked with."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.chdir(tmp_path)
    write_sample(Path("shop"), users=60)
    Path("my").mkdir()
    ours = Path(prompts.__file__).parent / "templates" / "exemplar_interests.yaml"
    short = ours.read_text("utf-8").replace("name: exemplar_interests", "name: short")
    Path("my/short.yaml").write_text(
        short.replace("system: |", "system: |\n  Be brief.\n"), "utf-8"
    )
    model = ["--llm", "openai:gpt-4o-mini", "--base-url", "http://127.0.0.1:9/v1"]
    template = ["--prompts", "my", "--exemplar-prompt", "short"]
    made = ["build", "shop", "--store", "s.db", "--synthetic-users", "0", *model, *template]

    assert cli.run(cli.profiler_app, "profiler", [*made, "--dry-run"]) == 0
    asked = ["requests", "--store", "s.db", "--out", "q.jsonl", *model, *template]
    assert cli.run(cli.profiler_app, "profiler", asked) == 0
    with Path("a.jsonl").open("w", encoding="utf-8") as answers:
        for line in Path("q.jsonl").read_text("utf-8").splitlines():
            asked_of = json.loads(line)
            interest = {"label": "A", "description": "B", "evidence": [1]}
            answer = json.dumps({"interests": [interest]})
            print(json.dumps({"custom_id": asked_of["custom_id"], "text": answer}), file=answers)
    took = ["import-responses", "a.jsonl", "--store", "s.db"]
    assert cli.run(cli.profiler_app, "profiler", took) == 0, capsys.readouterr()

    assert cli.run(cli.profiler_app, "profiler", [*made, "--budget-calls", "0"]) == 0
    assert " 0 calls (0 without an answer)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--share", "2"], "--share 2.0"),
        (["--exemplars", "0"], "--exemplars 0"),
        (["--preference", "nan"], "--preference nan"),
        (["--damping", "1"], "--damping 1.0"),
        (["--split", "time:nodate"], "time:nodate is not a date"),
        (["--split", "half"], "unknown split 'half'"),
        (["--filter", "core:x"], "unknown filter 'core:x'"),
        (["--keep", "event"], "names no column and value"),
        (["--encoding", "latin-99"], "no such encoding"),
    ],
)
def test_arguments_are_looked_at_before_data_are_read(
    options: list[str], told: str, tmp_path: Path, capsys
) -> None:
    """Once a share of 2 and a date that is none were refused after the whole log had been read."""
    absent = ["build", str(tmp_path / "absent"), "--store", str(tmp_path / "s.db")]
    assert cli.run(cli.profiler_app, "profiler", [*absent, *options]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "s.db").exists()


def test_a_split_file_is_looked_at_before_data_are_read(tmp_path: Path, capsys) -> None:
    wrong = tmp_path / "split.csv"
    wrong.write_text("user_id,split\nu,sometimes\n")
    asked = ["build", str(tmp_path / "absent"), "--store", "s.db", "--split", str(wrong)]
    assert cli.run(cli.profiler_app, "profiler", asked) == 2
    assert "'sometimes' is not train, valid or test" in capsys.readouterr().err


ENCODER = """
import sys, cli
code = cli.run(cli.profiler_app, "profiler", sys.argv[1:])
print(code, "torch" in sys.modules)
"""


def test_an_encoder_that_is_not_there_is_told_before_torch_is_loaded(tmp_path: Path) -> None:
    asked = ["build", str(tmp_path), "--store", str(tmp_path / "s.db"), "--encoder", "./nosuch"]
    done = subprocess.run(
        [sys.executable, "-c", ENCODER, *asked], capture_output=True, text=True, check=False
    )
    assert done.stdout == "2 False\n"
    assert "no encoder at ./nosuch" in done.stderr


def test_a_model_of_the_hub_is_looked_for_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    class Hub:
        def repo_exists(self, name: str) -> bool:
            asked.append(name)
            return name == "sentence-transformers/there"

    def nothing_kept(name: str, **_: object) -> str:
        raise LocalEntryNotFoundError(name)

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr("huggingface_hub.snapshot_download", nothing_kept)
    require_encoder("there")
    assert asked == ["there", "sentence-transformers/there"]
    with pytest.raises(UserError, match="no model of this name on the hub"):
        require_encoder("somebody/nosuch")
    with pytest.raises(UserError, match="cannot load the encoder 'no such'"):
        require_encoder("no such")

"""Exit codes and plain messages of the two programs."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

import cli
import store.db.engine
import store.version
from profiler.answering.agent import AnsweringOptions
from profiler.asking.options import AskingOptions
from profiler.config import BuildConfig
from profiler.vectors.encoder_source import DEFAULT_MODEL
from recommender.recipes.recipe import Recipe
from recommender.training.settings import Settings
from store.console.help import split_examples
from store.errors import BudgetReachedError, ProviderRefusedError, StoreError
from tests.docs_examples import unknown_options

ROOT = Path(__file__).resolve().parent.parent


def program(error: BaseException | None, result: int | None = None):
    def make() -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def work() -> int | None:
            if error is not None:
                raise error
            return result

        return app

    return make


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("no store at x.db"), 2),
        (KeyboardInterrupt(), 3),
        (BudgetReachedError("cap of 3 calls"), 4),
        (ProviderRefusedError("key refused"), 5),
    ],
)
def test_exit_codes(error: BaseException, code: int, capsys) -> None:
    assert cli.run(program(error), "profiler", []) == code
    said = capsys.readouterr().err
    assert said.startswith("profiler: ")
    assert "Traceback" not in said


def test_the_code_of_a_command_is_passed_on() -> None:
    assert cli.run(program(None), "profiler", []) == 0
    assert cli.run(program(None, 1), "profiler", []) == 1


@pytest.mark.parametrize("name", cli.PROFILER)
def test_help_of_every_profiler_command(name: str, capsys) -> None:
    assert cli.run(cli.profiler_app, "profiler", [name, "--help"]) == 0
    assert "Usage: profiler" in capsys.readouterr().out


@pytest.mark.parametrize("name", cli.RECOMMENDER)
def test_help_of_every_recommender_command(name: str, capsys) -> None:
    assert cli.run(cli.recommender_app, "recommender", [name, "--help"]) == 0
    assert "Usage: recommender" in capsys.readouterr().out


FAMILIES = {"profiler": cli.PROFILER_FAMILIES, "recommender": cli.RECOMMENDER_FAMILIES}
PROGRAMS = [("profiler", name) for name in cli.PROFILER]
PROGRAMS += [("recommender", name) for name in cli.RECOMMENDER]


def loaded(program: str, name: str) -> Any:
    """A command, or of a group the first of its commands."""
    command = cli.load_command(FAMILIES[program], name)
    return next(iter(getattr(command, "commands", {"": command}).values()))


@pytest.mark.parametrize(("program", "name"), PROGRAMS)
def test_every_command_has_an_example_whose_options_exist(program: str, name: str) -> None:
    _, examples = split_examples(loaded(program, name).help)
    assert examples
    for example in examples:
        words = shlex.split(example.removeprefix("$ "))
        assert words[:2] == [program, name]
        assert not unknown_options(words), example


def shown_defaults(program: str, name: str) -> dict[str, str]:
    """Defaults that the help of a command shows but does not decide, by parameter."""
    found = {}
    for parameter in loaded(program, name).params:
        told = re.search(r"\[default: (.*)\]$", getattr(parameter, "help", None) or "")
        if told:
            assert parameter.default is None, parameter.name
            found[parameter.name] = told[1]
    return found


def as_shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_defaults_in_the_help_are_those_of_the_configuration() -> None:
    """A default that only the help knew would be a second copy, and the two would part."""
    config, asking, ask = BuildConfig(), AskingOptions(), AnsweringOptions()
    shown = shown_defaults("profiler", "build")
    elsewhere = {"encoder", "synthetic_users", "assign"}
    for name in (set(shown) & set(BuildConfig.model_fields)) - elsewhere:
        value = getattr(config, name)
        flag = isinstance(value, bool)  # shown by the name of the option that it is
        assert value is None or flag or shown[name] == as_shown(value), name
    assert shown["encoder"] == DEFAULT_MODEL
    assert shown["assign"] == "assign"
    assert config.assign
    for command in ("build", "retry", "requests"):
        shown = shown_defaults("profiler", command)
        for name in set(shown) & {entry.name for entry in fields(AskingOptions)} - {
            "seed",
            "concurrency",
        }:
            value = getattr(asking, name)  # None: decided later, which the help says in words
            assert value is None or shown[name] == as_shown(value), (command, name)
    for name in ("max_tokens", "temperature"):
        assert shown_defaults("profiler", "ask")[name] == as_shown(getattr(ask, name))
    recipe, loop = Recipe(), Settings()
    shown = shown_defaults("recommender", "train")
    assert shown["align"] == ",".join(recipe.align)
    for name in ("backbone", "interests"):
        assert shown[name] == getattr(recipe, name)
    for name in ("batch_size", "learning_rate", "seed"):
        assert shown[name] == as_shown(getattr(loop, name))


def test_the_version_is_that_of_the_distribution(capsys) -> None:
    for app, name in ((cli.profiler_app, "profiler"), (cli.recommender_app, "recommender")):
        assert cli.run(app, name, ["--version"]) == 0
        assert capsys.readouterr().out == f"interest-profiler {store.version.__version__}\n"


def test_h_is_help(capsys) -> None:
    for args in (["-h"], ["show", "-h"], ["prompts", "-h"], ["prompts", "list", "-h"]):
        assert cli.run(cli.profiler_app, "profiler", args) == 0
        assert capsys.readouterr().out.startswith("Usage: profiler ")


def test_the_help_of_a_program_shows_whole_lines(capsys) -> None:
    cli.run(cli.profiler_app, "profiler", ["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for family in cli.PROFILER_FAMILIES:
        for name, text in family.commands.items():
            assert f" {name} {text}" in shown


def test_help_loads_nothing_heavy() -> None:
    """The help takes a tenth of a second; any of these packages would multiply it."""
    heavy = {"torch", "sqlalchemy", "yaml", "rich", "numpy", "polars", "numba"}
    for args in (["--help"], ["build", "--help"], ["ask", "-h"]):
        code = f"import sys, cli; cli.run(cli.profiler_app, 'p', {args}); print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert not heavy & set(done.stdout.splitlines()[-1].split()), args


def test_a_wrong_command_or_option_is_named_with_what_was_meant(capsys) -> None:
    assert cli.run(cli.profiler_app, "profiler", ["buidl"]) == 2
    assert capsys.readouterr().err == (
        "profiler: no command 'buidl'; did you mean 'build'?\nSee: profiler -h\n"
    )
    assert cli.run(cli.profiler_app, "profiler", ["show", "U1", "--stroe", "x"]) == 2
    assert "profiler show: no option --stroe; did you mean '--store'?" in capsys.readouterr().err


def test_a_store_that_another_program_writes_to_is_one_plain_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    path = tmp_path / "s.db"
    with store.open_store(path, create=True):
        pass
    monkeypatch.setattr("store.db.engine.BUSY_TIMEOUT_MS", 20)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert cli.run(cli.profiler_app, "profiler", ["undo", "--store", str(path)]) == 0
        capsys.readouterr()  # reading does not wait
        assert cli.run(cli.profiler_app, "profiler", ["undo", "1", "--store", str(path)]) == 2
    said = capsys.readouterr().err
    assert said == ("profiler: another program writes to the store; try again later\n")


def test_a_sign_that_the_locale_lacks_is_replaced() -> None:
    code = "import cli, typer; a = typer.Typer(); a.command()(lambda: print('1 ± 2')); "
    done = subprocess.run(
        [sys.executable, "-c", code + "cli.run(lambda: a, 'p', [])"],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 ? 2\n"

"""Groups of options are one parameter of a command and separate options on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import typer
from typer.testing import CliRunner

from store.console.help import SETTINGS, Command
from store.console.options import Json, given, grouped, in_options, option, option_names
from store.errors import UserError


@dataclass(frozen=True)
class Paint:
    """How to paint."""

    HEADING: ClassVar[str] = "Painting"

    colour: Annotated[Literal["red", "blue"] | None, option("Which colour.", default="red")] = None
    coats: Annotated[int | None, option("How many coats.", "-c", min=1, default="2")] = None


def app() -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command(cls=Command, context_settings=SETTINGS)
    @grouped
    def paint(wall: str, paint: Paint, json: Json = False) -> None:
        """Paint a wall.

        $ paint north --colour blue
        """
        typer.echo(f"{wall} {sorted(given(paint, json=json).items())}")

    return app


def run(*args: str) -> str:
    result = CliRunner().invoke(app(), list(args))
    return result.output


def test_only_what_was_given_is_passed_on() -> None:
    assert run("north") == "north [('json', False)]\n"
    assert run("north", "--colour", "blue", "-c", "3") == (
        "north [('coats', 3), ('colour', 'blue'), ('json', False)]\n"
    )


def test_a_choice_that_does_not_exist_is_refused() -> None:
    assert "'green' is not one of 'red', 'blue'" in run("north", "--colour", "green")


def test_the_help_has_headings_defaults_and_the_example() -> None:
    shown = run("-h")
    assert "\n  Paint a wall.\n" in shown
    own, painting = shown.split("Painting:\n")
    assert "--json" in own
    assert "--colour <red|blue>  Which colour. [default: red]\n" in painting
    assert "-c <int>             How many coats. [default: 2; x>=1]\n" in painting
    assert shown.endswith("Example:\n  $ paint north --colour blue\n")


def test_no_word_of_the_help_is_cut() -> None:
    long = typer.Typer(add_completion=False, rich_markup_mode=None)

    @long.command(cls=Command, context_settings=SETTINGS)
    def work(
        name: Annotated[str, option("word " * 11 + "all-MiniLM-L6-v2 and so on")] = "",
    ) -> None:
        """Work."""

    assert "all-MiniLM-L6-v2" in CliRunner().invoke(long, ["-h"]).output


def test_errors_that_speak_of_parameters_name_options() -> None:
    # Two translators with a rule each: what one turned, the other left.
    names = option_names(typer.main.get_command(app()).callback)
    told = in_options("`colour` does nothing without `coats`, coats=2 or `brush`", names)
    assert told == "--colour does nothing without -c, -c 2 or `brush`"
    assert in_options("colour by 'coats' and paint_colour", names) == (
        "colour by 'coats' and paint_colour"
    )


def test_the_long_name_of_an_option_is_told() -> None:
    def sand(
        fine_grain: Annotated[int, option("Grain.", "-f", "--fine")] = 1,
        dry_run: Annotated[bool, option("Do not sand.")] = False,
    ) -> None: ...

    assert option_names(sand) == {"fine_grain": "--fine", "dry_run": "--dry-run"}
    assert in_options("dry_run needs fine_grain=3", option_names(sand)) == (
        "--dry-run needs --fine 3"
    )


def test_a_command_tells_its_errors_in_options() -> None:
    failing = typer.Typer(add_completion=False, rich_markup_mode=None)

    @failing.command(cls=Command, context_settings=SETTINGS)
    @grouped
    def paint(paint: Paint) -> None:
        """Paint."""
        raise UserError("`coats` must be at least 1")

    assert str(CliRunner().invoke(failing, []).exception) == "-c must be at least 1"

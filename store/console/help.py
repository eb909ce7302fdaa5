"""Help of the programs: headings, whole lines, an example for each command.

The pages are plain text with bold headings where the terminal has them. Typer's own pages draw
boxes, for which they load a package that takes longer than all the rest of ``--help``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from store.console.options import in_options, option_names
from store.errors import UserError

WIDEST = 100
FIRST_COLUMN = 34
"""A longer option stands on a line of its own, and its text below it."""

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST}
Row = tuple[str, str]


class Command(TyperCommand):
    """A command whose options stand under headings; lines ``$ …`` of its text are its examples."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that speaks of a `parameter` names the option instead."""
        refuse_undecodable(self.params, ctx.params)
        try:
            return super().invoke(ctx)
        except UserError as error:
            names = option_names(self.callback)
            error.args = tuple(
                in_options(part, names) if isinstance(part, str) else part for part in error.args
            )
            raise

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the command does, without the examples."""
        write_help(formatter, self.help)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, the command's own options, then each group under its heading."""
        for heading, rows in _by_heading(self.get_params(ctx), ctx).items():
            write_rows(formatter, heading, rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        write_examples(formatter, self.help)


class Group(TyperGroup):
    """A command that has commands of its own, shown as those of a program are."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with the first line of their help, then the options."""
        rows = []
        for name in self.list_commands(ctx):
            text, _ = split_examples(getattr(self.get_command(ctx, name), "help", None) or "")
            rows.append((name, text.split("\n\n")[0]))
        write_rows(formatter, "Commands", rows)
        for heading, options in _by_heading(self.get_params(ctx), ctx).items():
            write_rows(formatter, heading, options)


class Program(TyperGroup):
    """A program whose commands stand under headings and are imported when they are needed."""

    listing: Mapping[str, Mapping[str, str]] = {}
    """Heading → command → what it does, in a line."""

    def load(self, name: str) -> Any:
        """Import a command that is listed."""
        raise NotImplementedError

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, in the order of the help."""
        return [name for commands in self.listing.values() for name in commands]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name; ``None`` where there is none of this name."""
        return self.load(cmd_name) if cmd_name in self.list_commands(ctx) else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was typed, or say which one may have been meant."""
        from store.suggestions import did_you_mean

        name = args[0]
        if name not in self.list_commands(ctx) and not name.startswith("-"):
            near = did_you_mean(name, self.list_commands(ctx))
            ctx.fail(f"no command {name!r}{near or f'; see them with: {ctx.command_path} -h'}")
        return super().resolve_command(ctx, args)

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the program does, without the examples."""
        write_help(formatter, self.help)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        write_examples(formatter, self.help)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings, then the program's own options."""
        for heading, commands in self.listing.items():
            write_rows(formatter, heading, list(commands.items()))
        for heading, rows in _by_heading(self.get_params(ctx), ctx).items():
            write_rows(formatter, heading, rows)


def split_examples(text: str) -> tuple[str, list[str]]:
    """Split a docstring into its text and its lines that begin with ``$``."""
    lines = text.splitlines()
    examples = [line for line in lines if line.startswith("$ ")]
    return "\n".join(line for line in lines if not line.startswith("$ ")).strip(), examples


def refuse_undecodable(parameters: Iterable[Any], values: Mapping[str, Any]) -> None:
    """Refuse values that are no text; files and folders may have any name.

    Bytes that are no text arrive as lone halves of signs, which nothing here could store.

    Parameters
    ----------
    parameters
        Parameters of a command.
    values
        What was given for each, by name.

    Raises
    ------
    UserError
        That names the first one.
    """
    for one in parameters:
        value = values.get(one.name)
        for text in value if isinstance(value, list | tuple) else [value]:
            try:
                text = text.encode() if isinstance(text, str) else text
            except UnicodeEncodeError as error:
                name = one.opts[0] if one.param_type_name == "option" else one.name
                raise UserError(
                    f"{name} {text!r} is not UTF-8 text; give it another name or value"
                ) from error


def write_help(formatter: Any, help: str | None) -> None:
    """Write what a command does: paragraphs, filled to the width and indented by two."""
    text, _ = split_examples(help or "")
    for paragraph in text.split("\n\n"):
        formatter.write_paragraph()
        formatter.write("".join(f"  {line}\n" for line in _filled(paragraph, formatter.width - 2)))


def write_examples(formatter: Any, help: str | None) -> None:
    """Write the examples of a command, each on a line that can be copied."""
    _, examples = split_examples(help or "")
    if examples:
        formatter.write_paragraph()
        formatter.write(heading_line("Example" if len(examples) == 1 else "Examples"))
        formatter.write("".join(f"  {line}\n" for line in examples))


def write_rows(formatter: Any, heading: str, rows: Sequence[Row]) -> None:
    """Write two columns under a heading; words are never cut."""
    if not rows:
        return
    formatter.write_paragraph()
    formatter.write(heading_line(heading))
    first = min(max(len(name) for name, _ in rows), FIRST_COLUMN) + 4
    for name, text in rows:
        lines = _filled(text, formatter.width - first)
        if len(name) + 4 > first:
            formatter.write(f"  {name}\n")
        else:
            formatter.write(f"  {name:<{first - 2}}{lines.pop(0) if lines else ''}".rstrip() + "\n")
        formatter.write("".join(f"{' ' * first}{line}\n" for line in lines))


def heading_line(text: str) -> str:
    """A heading, bold where the terminal can show it."""
    from store.console.output import colours

    return (typer.style(text, bold=True) if colours() else text) + ":\n"


def _filled(text: str, width: int) -> list[str]:
    joined = " ".join(text.split())
    return textwrap.wrap(joined, width, break_on_hyphens=False, break_long_words=False)


def _by_heading(parameters: Iterable[Any], ctx: Any) -> dict[str, list[Row]]:
    """Rows of the parameters by heading: arguments, options without one, then the others."""
    found: dict[str, list[Row]] = {"Arguments": [], "Options": []}
    for parameter in parameters:
        row = parameter.get_help_record(ctx)
        if row is None:
            continue
        own = "Arguments" if parameter.param_type_name == "argument" else "Options"
        heading = getattr(parameter, "rich_help_panel", None) or own
        text = " ".join(row[1].split()).replace("] [", "; ")  # default and range in one bracket
        name = re.sub(r"<list\[(.*)\]>", r"<\1>", row[0].replace(" range>", ">"))
        found.setdefault(heading, []).append((name, text))
    return {heading: rows for heading, rows in found.items() if rows}

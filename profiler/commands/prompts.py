"""``profiler prompts``: the templates, and what they render to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="List, show, render and compare prompt templates.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path | None, typer.Option("--prompts", help="Folder of templates that override by name.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("list")
def list_(prompts: Folder = None, json: Json = False) -> None:
    """All templates with their purpose and digest."""
    from prompts import list_templates
    from store.console import print_json, print_table

    rows = [
        {
            "name": template.name,
            "task": template.task,
            "digest": template.digest,
            "purpose": template.purpose,
            "file": str(template.path),
        }
        for template in list_templates(prompts)
    ]
    if json:
        print_json(rows)
        return
    print_table(
        "",
        ["name", "task", "digest", "purpose"],
        [[row["name"], row["task"], row["digest"][:17], row["purpose"]] for row in rows],
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the template.")],
    prompts: Folder = None,
    json: Json = False,
) -> None:
    """One template as it stands in its file."""
    from prompts import load_template
    from store.console import print_json, say

    template = load_template(name, prompts)
    if json:
        print_json({**template.model_dump(mode="json"), "digest": template.digest})
        return
    say(f"# {template.path}  {template.digest}")
    if template.path is not None:
        say(template.path.read_text(encoding="utf-8").rstrip())


@app.command()
def render(
    name: Annotated[str, typer.Argument(help="Name of the template.")],
    store: Annotated[Path, typer.Option(help="The store file.")],
    user: Annotated[str | None, typer.Option(help="User id as in the data.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Or a subject's name, such as synthetic:1a2b3c.")
    ] = None,
    prompts: Folder = None,
    token_budget: Annotated[int, typer.Option(help="Most tokens of the item list.", min=1)] = 6_000,
    cut: Annotated[str, typer.Option(help="recent or spread: which items of a long list.")] = (
        "recent"
    ),
    json: Json = False,
) -> None:
    """The messages a user or subject would be asked with; nothing is sent."""
    from typing import cast

    from profiler.asking.questions import Cut, preview
    from prompts import load_template
    from store.console import print_json, say
    from store.errors import UserError
    from store.store import open_store

    if cut not in ("recent", "spread"):
        raise UserError(f"--cut {cut!r}: one of recent, spread")
    if (user is None) == (subject is None):
        raise UserError("say whom to ask about: --user ID, or --subject NAME")
    template = load_template(name, prompts)
    with open_store(store) as opened:
        request = preview(
            opened,
            template,
            user=user,
            subject=subject,
            token_budget=token_budget,
            cut=cast("Cut", cut),
        )
    if json:
        print_json(
            {
                "template": request.template,
                "template_digest": request.template_digest,
                "messages": [
                    {"role": turn.role, "content": turn.content} for turn in request.messages
                ],
                "schema": request.schema,
                "shown": [item.item_id for item in request.subject.items],
            }
        )
        return
    for turn in request.messages:
        say(f"--- {turn.role}")
        say(turn.content)


@app.command()
def diff(
    one: Annotated[str, typer.Argument(help="A template's name, or a template file.")],
    two: Annotated[str, typer.Argument(help="Another, or the same name with --prompts.")],
    prompts: Folder = None,
    json: Json = False,
) -> None:
    """What differs between two templates. With --prompts the second name is looked up there."""
    from prompts.diff import compare
    from store.console import print_json, say

    lines = compare(one, two, prompts)
    if json:
        print_json({"same": not lines, "lines": lines})
        return
    for line in lines or ["no difference in what is sent"]:
        say(line)

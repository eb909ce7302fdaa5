"""``profiler prompts``: the templates, and what they render to."""

from __future__ import annotations

from typing import Annotated

import typer

from profiler.commands.options import CutOption, TemplateFolder, TokenBudget
from store.console.help import SETTINGS, Command, Group
from store.console.options import Json, StoreFile, given, option

app = typer.Typer(
    cls=Group,
    help="List, show, render and compare prompt templates.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


@app.command("list", cls=Command, context_settings=SETTINGS)
def list_(prompts: TemplateFolder = None, json: Json = False) -> None:
    """All templates with their purpose and digest.

    $ profiler prompts list
    """
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


@app.command(cls=Command, context_settings=SETTINGS)
def show(
    name: Annotated[str, typer.Argument(help="Name of the template.")],
    prompts: TemplateFolder = None,
    json: Json = False,
) -> None:
    """One template as it stands in its file.

    $ profiler prompts show exemplar_interests
    """
    from prompts import load_template
    from store.console import print_json, say

    template = load_template(name, prompts)
    if json:
        print_json({**template.model_dump(mode="json"), "digest": template.digest})
        return
    say(f"# {template.path}  {template.digest}")
    if template.path is not None:
        say(template.path.read_text(encoding="utf-8").rstrip())


@app.command(cls=Command, context_settings=SETTINGS)
def render(
    name: Annotated[str, typer.Argument(help="Name of the template.")],
    store: StoreFile,
    user: Annotated[str | None, option("User id as in the data.")] = None,
    subject: Annotated[str | None, option("Or a subject's name, such as synthetic:1a2b3c.")] = None,
    prompts: TemplateFolder = None,
    token_budget: TokenBudget = None,
    cut: CutOption = None,
    json: Json = False,
) -> None:
    """The messages a user or subject would be asked with; nothing is sent.

    $ profiler prompts render exemplar_interests --store shop.db --user U042
    """
    from profiler.asking.options import AskingOptions
    from profiler.asking.questions import preview
    from prompts import load_template
    from store.console import print_json, say
    from store.errors import UserError
    from store.store import open_store

    if (user is None) == (subject is None):
        raise UserError("say whom to ask about: --user ID, or --subject NAME")
    template = load_template(name, prompts)
    options = AskingOptions(**given(token_budget=token_budget, cut=cut))
    with open_store(store) as opened:
        request = preview(
            opened,
            template,
            user=user,
            subject=subject,
            token_budget=options.token_budget,
            cut=options.cut,
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


@app.command(cls=Command, context_settings=SETTINGS)
def diff(
    one: Annotated[str, typer.Argument(help="A template's name, or a template file.")],
    two: Annotated[str, typer.Argument(help="Another, or the same name with --prompts.")],
    prompts: TemplateFolder = None,
    json: Json = False,
) -> None:
    """What differs between two templates. With --prompts the second name is looked up there.

    $ profiler prompts diff exemplar_interests allocate_items
    """
    from prompts.diff import compare
    from store.console import print_json, say

    lines = compare(one, two, prompts)
    if json:
        print_json({"same": not lines, "lines": lines})
        return
    for line in lines or ["no difference in what is sent"]:
        say(line)

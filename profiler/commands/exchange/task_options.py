"""Options that ask another task in place of interests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from store.console.options import given, option

if TYPE_CHECKING:
    from profiler.commands.options import PromptOptions


@dataclass(frozen=True)
class TaskOptions:
    """Another task in place of interests."""

    HEADING: ClassVar[str] = "Another task"

    task: Annotated[
        str | None, option("Ask another task: cards or layers.", default="interests")
    ] = None
    task_prompt: Annotated[
        str | None, option("Template of the task's question.", default="the task's own")
    ] = None
    task_option: Annotated[
        list[str] | None,
        option(
            "An option of the task, NAME=VALUE: items for cards; layers, who, neighbours and seed "
            "for layers. Repeatable.",
            "--task-option",
        ),
    ] = None

    def settings(self, prompts: PromptOptions, llm: str) -> dict[str, Any]:
        """What a batch asks: templates, task and its choices, limits where the task has its own.

        Raises
        ------
        UserError
            There is no such task or template, or a choice is not NAME=VALUE.
        """
        from store.errors import UserError

        if self.task is None:
            if given(self):
                raise UserError("task_prompt and task_option need `task`")
            return {"templates": prompts.templates(llm)}
        if given(prompts).keys() - {"prompts"}:
            raise UserError(
                "`how`, exemplar_prompt and synthetic_prompt are for interests; "
                f"the question of {self.task} is task_prompt"
            )
        from profiler.asking.task import TASKS

        task = TASKS.get_known(self.task)
        template = task.load_template(self.task_prompt, prompts.prompts)
        return {
            "templates": {task.name: template},
            "task": task.name,
            "choices": dict(_choice(one) for one in self.task_option or ()),
            "max_tokens": task.max_tokens,
            "token_budget": task.token_budget,
        }


def _choice(text: str) -> tuple[str, Any]:
    """``NAME=VALUE`` with a value as JSON has it, or a word."""
    from store.errors import UserError

    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UserError(f"task_option {text!r}: write NAME=VALUE, such as layers=2")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value

"""A prompt template and what it renders to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import jinja2
from jinja2 import TemplateError, nodes
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from prompts.answer import AnswerDocument, Interest
from prompts.sandbox import fill, make_environment
from store.digests import json_digest
from store.errors import UserError

_ENVIRONMENT = make_environment()
_FAULTS = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""What a text can do wrong while it is rendered."""


_INTERESTS = ("interests", "allocation")
"""Tasks whose answers are interests."""
_OTHERS = (
    "cards",
    "layers",
    "naming",
    "recommendation",
    "reflection",
    "rank",
    "teacher_lists",
)
"""Tasks of the profiler that read something else."""


@dataclass(frozen=True)
class Rendered:
    """A rendered template.

    Attributes
    ----------
    messages
        ``(role, content)`` pairs in order.
    template_digest
        Address of the template.
    digest
        Address of what is sent: messages and output schema.
    """

    messages: tuple[tuple[str, str], ...]
    template_digest: str
    digest: str


class Template(BaseModel):
    """One template file. Unknown fields are refused: a misspelt one would silently do nothing.

    Attributes
    ----------
    name
        Same as the file's name without ``.yaml``.
    purpose
        One line for people; not sent.
    task
        How the answer is read: ``interests``, ``allocation``, ``cards``, the name of a task of
        another package, or ``reask`` for the correction that is appended to the question of another
        template.
    system, user
        Jinja2 texts.
    variables
        Every variable the texts use, and what it stands for.
    output_schema
        JSON schema of the answer, sent to models that take one.
    examples
        Answers in the output schema; the texts may show them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    purpose: Annotated[str, Field(min_length=1)]
    task: str
    system: str = ""
    user: Annotated[str, Field(min_length=1)]
    variables: dict[str, str] = {}
    output_schema: dict[str, Any] = {}
    examples: list[dict[str, Any]] = []

    _path: Path | None = PrivateAttr(default=None)
    _lines: dict[str, int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _schema_fits_task(self) -> Template:
        """A question asks for what the reader takes, no more, no less; a correction has no schema.

        A further property would make every answer that conforms unusable, and each is paid for.
        """
        if self.task not in _INTERESTS and self.task != "reask":
            return self  # the task itself knows what it reads
        if self.task == "reask":
            if self.output_schema:
                raise ValueError("a template with task 'reask' keeps the schema of its question")
        else:
            _require_taken("output_schema", self.output_schema, AnswerDocument)
            interests = self.output_schema["properties"]["interests"]
            one = interests.get("items") if isinstance(interests, dict) else None
            _require_taken("output_schema.properties.interests.items", one, Interest)
        return self

    @field_validator("task")
    @classmethod
    def _task_is_known(cls, task: str) -> str:
        """A misspelt task would leave every answer unread, and each is paid for."""
        ours = (*_INTERESTS, *_OTHERS, "reask")
        if task in ours:
            return task
        added = {point.name for point in entry_points(group="interest_profiler.tasks")}
        known = [*ours, *sorted(added - set(ours))]
        if task not in known:
            raise ValueError(f"unknown task {task!r}: use one of {', '.join(known)}")
        return task

    @field_validator("examples")
    @classmethod
    def _examples_are_answers(
        cls, examples: list[dict[str, Any]], info: ValidationInfo
    ) -> list[dict[str, Any]]:
        """A model copies what it is shown, so an example must be an answer that is accepted."""
        if info.data.get("task") not in _INTERESTS:
            return examples
        for number, example in enumerate(examples):
            try:
                AnswerDocument.model_validate(example)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(str(part) for part in (number, *first["loc"]))
                raise ValueError(f"examples.{place}: {first['msg']}") from error
        return examples

    @cached_property
    def digest(self) -> str:
        """Address of the template's content; comments and layout of the file do not count."""
        return json_digest(self.model_dump(mode="json"))

    def placed(self, path: Path, lines: Mapping[str, int]) -> Template:
        """Remember where the texts stand, so that errors can name file and line."""
        self._path = path
        self._lines = dict(lines)
        return self

    @property
    def path(self) -> Path | None:
        """The file it was read from."""
        return self._path

    @cached_property
    def used_variables(self) -> dict[str, str]:
        """Each variable the texts use and the place of its first use.

        Raises
        ------
        UserError
            A text is not valid Jinja2; the message names the place.
        """
        used: dict[str, str] = {}
        for part in ("system", "user"):
            try:
                names = _free_names(_ENVIRONMENT.parse(getattr(self, part)))
            except TemplateError as error:
                line = getattr(error, "lineno", 1)
                raise UserError(
                    f"{self._place(part, line)}: not a valid template text: {error}"
                ) from error
            for name in names:
                used.setdefault(name.name, self._place(part, name.lineno))
        return used

    def check(self) -> Template:
        """Every variable used is declared, and the other way round.

        Raises
        ------
        UserError
            One is not; the message names the variable and the place.
        """
        used = self.used_variables
        for name, place in used.items():
            if name not in self.variables and name != "examples":
                raise UserError(
                    f"{place}: the variable {name!r} is used but not declared; "
                    f"add it under 'variables' in template {self.name!r}"
                )
        unused = sorted(set(self.variables) - set(used))
        if unused:
            raise UserError(
                f"template {self.name!r}: the variable {unused[0]!r} is declared but never used"
            )
        return self

    def render(self, variables: Mapping[str, Any]) -> Rendered:
        """Fill the texts.

        Parameters
        ----------
        variables
            A value for each declared variable; further ones are not seen by the texts.

        Raises
        ------
        UserError
            A variable is missing or a text fails; the message names template and line.
        """
        for name, place in self.used_variables.items():
            if name not in variables and name != "examples":
                raise UserError(f"{place}: the variable {name!r} has no value")
        values = {name: variables[name] for name in self.variables}
        messages = []
        for role in ("system", "user"):
            text = self._fill(role, values).strip()
            if text:
                messages.append((role, text))
        content = {"messages": messages, "schema": self.output_schema}
        return Rendered(tuple(messages), self.digest, json_digest(content))

    @cached_property
    def _compiled(self) -> dict[str, jinja2.Template]:
        return {part: _ENVIRONMENT.from_string(getattr(self, part)) for part in ("system", "user")}

    def _fill(self, part: str, values: Mapping[str, Any]) -> str:
        try:
            return fill(self._compiled[part], values, examples=self.examples)
        except _FAULTS as error:
            place = self._place(part, _failing_line(error))
            said = str(error) or type(error).__name__
            raise UserError(f"{place}: the text cannot be rendered: {said}") from error

    def _place(self, part: str, line: int) -> str:
        """Template, file and line, counted in the file where that is known."""
        where = f"template {self.name!r}, {part} text, line {line}"
        if self._path is None:
            return where
        return f"{where} ({self._path.name}:{self._lines.get(part, 0) + line})"


def _require_taken(place: str, schema: Any, taken: type[BaseModel]) -> None:
    """A schema's properties are exactly those that the reader takes."""
    told = schema.get("properties") if isinstance(schema, dict) else None
    names = set(told) if isinstance(told, dict) else set()
    takes = ", ".join(taken.model_fields)
    for name in sorted(names - set(taken.model_fields), key=str):
        raise ValueError(
            f"{place} has the property {name!r}, which the reader of answers does not take; "
            f"it takes: {takes}"
        )
    for name in taken.model_fields:
        if name not in names:
            raise ValueError(
                f"{place} must describe an object with the property {name!r} under 'properties'; "
                f"the reader of answers needs: {takes}"
            )


def _free_names(tree: nodes.Template) -> list[nodes.Name]:
    """Names that a text takes from outside, in order; loop variables and globals are its own."""
    from jinja2.meta import find_undeclared_variables

    outside = find_undeclared_variables(tree) - set(_ENVIRONMENT.globals)
    names = [name for name in tree.find_all(nodes.Name) if name.ctx == "load"]
    return sorted((name for name in names if name.name in outside), key=lambda name: name.lineno)


def _failing_line(error: BaseException) -> int:
    """Line of the text in which rendering failed: Jinja2 puts it into the traceback."""
    line = 1
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

"""Layers 1 … L of GaCLLM: descriptions of users and items, written from those of their neighbours.

Simultaneous update (arXiv 2402.08859): the description of a user at layer l comes from their own
text and their items' texts at layer l - 1, that of an item from its own text and its users' texts
there. A description is due once the texts it needs are there, and due anew where one of them has
changed. Sampled neighbours, their number and the form of the texts are our choice.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from profiler.asking.answers.answer_schema import AnswerError, one_line
from profiler.asking.answers.grounding import copied_error, normal_label
from profiler.asking.answers.read import plain_errors
from profiler.asking.answers.sensitive import about_choosers, private_attribute
from profiler.asking.subjects import shown_items
from profiler.asking.task import Approach, Make, Reading, Task
from profiler.asking.tasks.layer_choice import (
    MAX_TOKENS,
    TOKEN_BUDGET,
    Due,
    LayerChoice,
    LayerChoices,
)
from profiler.asking.tasks.neighbourhoods import MAX_TEXT, Neighbourhoods, Quoted
from profiler.llm.port import OFFLINE, ChatPort, Request
from profiler.shown import ShownItem, ShownSubject
from store.tables.tasks.descriptions import Description, Node
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse

ANSWER_TOKENS = 90.0


class DescriptionText(BaseModel):
    """What an answer says of a user or an item."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    description: Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(one_line)]


@dataclass(frozen=True)
class _Known:
    """What a run reads before it asks: texts, neighbours, and how asking ended before."""

    graph: Neighbourhoods
    states: Mapping[str, str]


class Layers(Task[str]):
    """What users look for and what items are, by their neighbours.

    Parameters
    ----------
    choice
        Of the descriptions.
    known
        What a store holds; :meth:`prepared` reads it.
    """

    name = "layers"
    purpose = "what users look for and items are about, from their neighbours' descriptions"
    template = "describe_layer"
    schema_name = "description"
    max_tokens = MAX_TOKENS
    token_budget = TOKEN_BUDGET

    def __init__(self, choice: LayerChoice | None = None, known: _Known | None = None) -> None:
        self.choice, self._read = choice or LayerChoice(), known

    def prepared(self, store: Store) -> Layers:
        """The task with the graph, the texts and the states of a store as they are now."""
        choice = self.choice
        graph = Neighbourhoods(store, choice.who, choice.neighbours, choice.seed)
        states = {one.name: one.state for one in store.tasks.load(self.name)}
        return Layers(choice, _Known(graph, states))

    def stages(self, approach: Approach) -> Sequence[Layers]:
        """One for each layer."""
        choices = approach.checked(LayerChoices, self.name)
        return [
            Layers(
                LayerChoice(
                    layer=layer,
                    who=choices.who,
                    neighbours=choices.neighbours,
                    seed=choices.seed,
                    token_budget=approach.token_budget,
                    model=approach.model,
                    template_digest=approach.template_digest,
                    only_pending=approach.only_pending,
                )
            )
            for layer in range(1, choices.layers + 1)
        ]

    @property
    def neighbours(self) -> Mapping[Node, tuple[Node, ...]]:
        """Who is read for whom, of every user and item that has neighbours."""
        return self._graph.of

    def due(self, before: Collection[Node] = ()) -> Due:
        """Whom to ask about at this layer.

        Parameters
        ----------
        before
            Users and items whose texts of the layer below are still to be written; those of layer
            0 are items whose cards are due.
        """
        return self._at(self.choice.layer, frozenset(before))

    def _at(self, layer: int, before: frozenset[Node]) -> Due:
        if layer > 1:
            before = self._at(layer - 1, before).all
        ready: list[Node] = []
        waiting: list[Node] = []
        for node, neighbours in self._graph.of.items():
            unknown = not before.isdisjoint((node, *neighbours))
            if self._wanted(node, layer, unknown=unknown):
                (waiting if unknown else ready).append(node)
        return Due(tuple(ready), tuple(waiting))

    def _wanted(self, node: Node, layer: int, *, unknown: bool) -> bool:
        """Whether a description is to be asked for, now or once its texts are known."""
        choice = self.choice
        quarantined = self._known.states.get(self.named(node, layer)) == "quarantined"
        if choice.retry or quarantined:
            return choice.retry and quarantined
        found = self._graph.descriptions.get((node, layer))
        if found is None:
            return True
        if choice.only_pending or (choice.model == OFFLINE != found.source):
            return False
        if unknown or found.parents_digest != self._graph.quoted(node, layer).digest:
            return True
        asked = (found.source, found.template_digest)
        return choice.model != OFFLINE and asked != (choice.model, choice.template_digest)

    def named(self, node: Node, layer: int) -> str:
        """Name of the subject that a user or an item is at a layer."""
        return f"layer{layer}:{self._graph.name(node)}"

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """Whom to ask about now: those whose neighbours' texts are final."""
        return self.shown(store, self.due().ready)

    def shown(self, store: Store, nodes: Iterable[Node]) -> list[ShownSubject]:
        """Users and items with the texts that their questions quote."""
        layer = self.choice.layer
        each = [self._graph.quoted(node, layer) for node in nodes]
        wanted = {ix for one in each for kind, ix in (one.node, *one.neighbours) if kind == "item"}
        items = {
            ix: ShownItem(one.item_ix, one.item_id, None)
            for ix, one in shown_items(store, wanted).items()
        }
        return [self._shown(one, items) for one in each]

    def _shown(self, quoted: Quoted, items: Mapping[int, ShownItem]) -> ShownSubject:
        kind, number = quoted.node
        shown = [ix for _, ix in quoted.neighbours] if kind == "user" else [number]
        name = self.named(quoted.node, quoted.layer)
        self._quoted[name] = quoted
        return ShownSubject(None, kind, name, tuple(items[ix] for ix in shown), None, quoted.texts)

    def entered(self, store: Store, subjects: Sequence[ShownSubject]) -> Sequence[ShownSubject]:
        """Give each a row of the store, and record whose texts its questions quote."""
        rows = []
        for one in subjects:
            kind, number = self._quoted[one.name].node
            item, user = (None, number) if kind == "user" else (number, None)
            rows.append(TaskSubject(self.name, kind, one.name, item_ix=item, user_ix=user))
        with store.write():
            numbers = store.tasks.add(rows)
            quoted = (self._quoted[one.name].parents for one in subjects)
            store.descriptions.quote(dict(zip(numbers, quoted, strict=True)))
        return [
            replace(one, task_subject_id=number)
            for one, number in zip(subjects, numbers, strict=True)
        ]

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """How many neighbours a question shows."""
        return {"count": len(subject.texts) - 1}

    def questions(
        self, subject: ShownSubject, make: Make
    ) -> Generator[Request, Reading[str], None]:
        """A question for every chunk of neighbours; each goes on from the description before."""
        own, *texts = subject.texts
        for start in range(0, len(texts), self.choice.chunk):
            part = slice(start, start + self.choice.chunk)
            items = subject.items[part] if subject.kind == "user" else subject.items
            shown = replace(subject, items=items, texts=(own, *texts[part]))
            reading = yield make(shown, self.variables(shown))
            own = reading.value

    def count_questions(self, subject: ShownSubject) -> int:
        """One for every chunk of neighbours."""
        return -(-(len(subject.texts) - 1) // self.choice.chunk)

    def parents(self, store: Store, subject: ShownSubject) -> Sequence[int]:
        """The answers behind the texts that are quoted."""
        return self._quoted[subject.name].answers

    def answer_tokens(self, request: Request) -> float:
        """Some fifty words."""
        return ANSWER_TOKENS

    def read(self, document: Any, request: Request) -> tuple[str, tuple[str, ...]]:
        """A description that says more than was known, and nothing about a person."""
        try:
            text = DescriptionText.model_validate(document).description
        except ValidationError as error:
            raise AnswerError("schema", plain_errors(error)) from error
        user = request.subject.kind == "user"
        found = private_attribute(text) if user else about_choosers(text)
        if found:
            raise AnswerError(
                "grounding",
                (f"it speaks of the person's {found.kind} ({found.words!r}); write of tastes",),
            )
        if normal_label(text) in request.expected.examples:
            raise AnswerError("grounding", (copied_error(text),))
        if any(normal_label(text) == normal_label(one) for one in request.subject.texts[1:]):
            raise AnswerError("grounding", ("it repeats one of the lines; write of all of them",))
        return text, ()

    def write(
        self, store: Store, subject: ShownSubject, value: str, response: StoredResponse
    ) -> None:
        """Keep the description."""
        quoted, number = self._quoted[subject.name], _number(subject)
        one = Description(
            task_subject_id=number,
            node=quoted.node,
            layer=quoted.layer,
            text=value,
            source=response.model,
            template_digest=self.choice.template_digest,
            parents_digest=quoted.digest,
            response_id=response.response_id,
        )
        store.descriptions.save([one])
        store.tasks.set_states([number], "ok")

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record why there is no description; one that was written from other texts goes."""
        store.descriptions.remove(_number(subject))
        store.tasks.set_states([_number(subject)], "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether there is a description already."""
        quoted = self._quoted[subject.name]
        return (quoted.node, quoted.layer) in store.descriptions.load()

    def stand_in(self, store: Store) -> ChatPort:
        """Descriptions put together from words of the neighbours' texts; the control."""
        from profiler.offline.layers import OfflineLayers

        return OfflineLayers()

    @cached_property
    def _quoted(self) -> dict[str, Quoted]:
        """What the questions about shown subjects quote, by name."""
        return {}

    @property
    def _known(self) -> _Known:
        if self._read is None:
            raise ValueError("the texts of a store are needed: Layers(choice).prepared(store)")
        return self._read

    @property
    def _graph(self) -> Neighbourhoods:
        return self._known.graph


LAYERS = Layers()


def _number(subject: ShownSubject) -> int:
    if subject.task_subject_id is None:
        raise ValueError(f"{subject.name} was not entered in the store")
    return subject.task_subject_id

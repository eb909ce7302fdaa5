"""Item cards: what titles do not say and what is wanted next, several items a call.

It is layer 0 of GaCLLM (arXiv 2402.08859). The form of the card and of "what is wanted next" is our
choice, and so is that a question is about twenty items at once: the calls are a twentieth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from profiler.asking.answers.answer_schema import AnswerError, one_line
from profiler.asking.answers.read import MAX_ERRORS
from profiler.asking.answers.sensitive import about_choosers
from profiler.asking.subjects import shown_items
from profiler.asking.task import Approach, Task
from profiler.llm.port import OFFLINE, ChatPort, Request
from profiler.shown import ShownItem, ShownSubject
from prompts.answer import ItemId
from prompts.items import shown_ids
from store.data.dataset import item_text
from store.digests import json_digest, text_digest
from store.tables.tasks.cards import Card
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse
    from store.tables.subjects import State

MAX_CARD, MAX_NEXT, MAX_PHRASE = 600, 5, 80
ITEMS = 20
"""Items of one question."""
LEFT_OUT = 0.1
"""An answer may leave out this share of its items, which are quarantined; more is asked again."""
TOKENS_PER_CARD = 95
MAX_TOKENS = 4_000
"""Of an answer: twenty cards take some 1,900."""


class CardText(BaseModel):
    """What an answer, or a file, says of one item."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: ItemId
    card: Annotated[str, Field(max_length=MAX_CARD), AfterValidator(one_line)]
    next: list[Annotated[str, Field(max_length=MAX_PHRASE), AfterValidator(one_line)]] = Field(
        max_length=MAX_NEXT
    )


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    cards: list[CardText] = Field(min_length=1)


@dataclass(frozen=True)
class Choice:
    """Which items are asked about.

    Attributes
    ----------
    model
        Who is asked; what stands in for a model replaces only its own cards.
    template_digest
        The question; a card that answers another one is asked for anew.
    items
        Of one question.
    only_pending
        Leave items that have any card.
    retry
        Ask about the quarantined items, each by itself, and about no others.
    """

    model: str = OFFLINE
    template_digest: str | None = None
    items: int = ITEMS
    only_pending: bool = False
    retry: bool = False


class CardChoices(BaseModel):
    """What files and batches of questions leave open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items: int = Field(ITEMS, ge=1)


class Cards(Task[tuple[CardText, ...]]):
    """What the titles of items do not say."""

    name = "cards"
    purpose = "what the titles of items do not say, and what is wanted next"
    template = "item_cards"
    schema_name = "cards"
    max_tokens = MAX_TOKENS

    def __init__(self, choice: Choice | None = None) -> None:
        self.choice = choice or Choice()

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """The items that are due, in groups; an item is shown with its categories."""
        due = _due(store, self.choice)
        shown = shown_items(store, due)
        each = [replace(one, title=text_of(one)) for one in (shown[item] for item in due)]
        size = 1 if self.choice.retry else self.choice.items
        return _grouped(tuple(each[start : start + size]) for start in range(0, len(each), size))

    def stages(self, approach: Approach) -> Sequence[Cards]:
        """One: cards follow from no other answers."""
        choices = approach.checked(CardChoices, self.name)
        choice = Choice(
            model=approach.model,
            template_digest=approach.template_digest,
            items=choices.items,
            only_pending=approach.only_pending,
        )
        return [Cards(choice)]

    def asked_before(self, store: Store, shown: Sequence[Sequence[int]]) -> Sequence[ShownSubject]:
        """The groups as they were asked about, whatever has got a card since."""
        groups = dict.fromkeys(tuple(group) for group in shown)
        items = shown_items(store, (item for group in groups for item in group))
        return _grouped(
            tuple(replace(items[ix], title=text_of(items[ix])) for ix in group) for group in groups
        )

    def answer_tokens(self, request: Request) -> float:
        """A card takes some 50 words, and three phrases."""
        return float(TOKENS_PER_CARD * len(request.subject.items))

    def read(self, document: Any, request: Request) -> tuple[tuple[CardText, ...], tuple[str, ...]]:
        """Cards of items that were shown, each once, none about a person."""
        try:
            cards = _Document.model_validate(document).cards
        except ValidationError as error:
            raise AnswerError("schema", _in_words(error)) from error
        items = request.subject.items
        ids = dict(zip(shown_ids([item.item_id for item in items]), items, strict=True))
        errors = [*_id_errors(cards, ids), *_content_errors(cards, ids)]
        missing = [one for one in ids if one not in {card.id for card in cards}]
        if len(missing) > LEFT_OUT * len(ids):
            errors.append(f"no card was given for: {', '.join(missing)}")
        if errors:
            raise AnswerError("grounding", tuple(errors[:MAX_ERRORS]))
        repairs = (f"no card for: {', '.join(missing)}",) if missing else ()
        named = (card.model_copy(update={"id": ids[card.id].item_id}) for card in cards)
        return tuple(named), repairs

    def write(
        self,
        store: Store,
        subject: ShownSubject,
        value: tuple[CardText, ...],
        response: StoredResponse,
    ) -> None:
        """Keep the cards; an item that the answer left out is quarantined."""
        given = {card.id: card for card in value}
        brought = {ix for ix, one in store.cards.load().items() if one.brought}
        asked = [item for item in subject.items if item.item_ix not in brought]
        kept = [item for item in asked if item.item_id in given]
        store.cards.save(
            Card(
                item_ix=item.item_ix,
                card=given[item.item_id].card,
                next=tuple(given[item.item_id].next),
                source=response.model,
                text_digest=text_digest(item.title or ""),
                template_digest=self.choice.template_digest,
                response_id=response.response_id,
            )
            for item in kept
        )
        _set_states(store, kept, "ok")
        left = [item for item in asked if item.item_id not in given]
        _quarantine(store, left, "the answer left it out")

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Quarantine the items of the question; cards that answer another one go."""
        _quarantine(store, subject.items, reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether all items of the question have cards."""
        cards = store.cards.load()
        return all(item.item_ix in cards for item in subject.items)

    def stand_in(self, store: Store) -> ChatPort:
        """Cards from categories and from what is chosen together; the control of real ones."""
        from profiler.offline.cards import OfflineCards

        return OfflineCards(store.datasets.load())


CARDS = Cards()


def text_of(item: ShownItem) -> str:
    """Title and categories of an item, the text that its card adds to."""
    return item_text(item.title, item.categories)


def card_error(card: CardText, text: str) -> str | None:
    """What is wrong with the content of a card for an item of this text, None where nothing is."""
    if card.card.casefold() == text.casefold():
        return "it only repeats the name"
    for said in (card.card, *card.next):
        found = about_choosers(said)
        if found:
            return f"it speaks of the {found.kind} of persons ({found.words!r}); write of the item"
    return None


def _due(store: Store, choice: Choice) -> list[int]:
    """``item_ix`` of the items to ask about, ascending."""
    states = {one.item_ix: one.state for one in store.tasks.load(Cards.name)}
    items = store.datasets.item_texts()
    texts = {one.item_ix: item_text(one.title, one.categories) for one in items}
    if choice.retry:
        return [ix for ix, text in texts.items() if text and states.get(ix) == "quarantined"]
    cards = store.cards.load()
    return [
        ix
        for ix, text in texts.items()
        if text
        and states.get(ix) != "quarantined"
        and (ix not in cards or _replaces(choice, cards[ix], text_digest(text)))
    ]


def _replaces(choice: Choice, card: Card, text: str) -> bool:
    """Whether a card is asked for anew: it answers another question, or is of another text."""
    if card.brought or choice.only_pending:
        return False
    if card.text_digest != text:
        return True
    if choice.model == OFFLINE:
        return False
    return card.source != choice.model or card.template_digest != choice.template_digest


def _grouped(groups: Iterable[tuple[ShownItem, ...]]) -> list[ShownSubject]:
    return [ShownSubject(None, "items", _name(group), group) for group in groups]


def _name(group: Sequence[ShownItem]) -> str:
    return f"items:{json_digest([item.item_id for item in group])[-12:]}"


def _in_words(error: ValidationError) -> tuple[str, ...]:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    places = (".".join(str(part) for part in one["loc"])[:80] for one in problems)
    return tuple(
        f"{place or 'the document'}: {one['msg']}"
        for place, one in zip(places, problems[:MAX_ERRORS], strict=False)
    )


def _id_errors(cards: Sequence[CardText], ids: dict[str, ShownItem]) -> list[str]:
    given = [card.id for card in cards]
    errors = [f"the id {one[:40]!r} was not shown" for one in given if one not in ids]
    twice = sorted({one for one in given if given.count(one) > 1})
    return errors + [f"the id {one[:40]!r} has several cards" for one in twice]


def _content_errors(cards: Sequence[CardText], ids: dict[str, ShownItem]) -> list[str]:
    known = [card for card in cards if card.id in ids]
    found = ((card, card_error(card, ids[card.id].title or "")) for card in known)
    return [f"the card of {card.id}: {wrong}" for card, wrong in found if wrong]


def _set_states(
    store: Store, items: Sequence[ShownItem], state: State, reason: str | None = None
) -> None:
    subjects = [
        TaskSubject(Cards.name, "item", f"item:{one.item_id}", item_ix=one.item_ix) for one in items
    ]
    store.tasks.set_states(store.tasks.add(subjects), state, reason)


def _quarantine(store: Store, items: Sequence[ShownItem], reason: str) -> None:
    store.cards.remove([item.item_ix for item in items])
    _set_states(store, items, "quarantined", reason)

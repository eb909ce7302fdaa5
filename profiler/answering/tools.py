"""The tools: look-ups of the store, cut to what fits a conversation. None of them writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeAlias

from pydantic import Field, ValidationError

from profiler.answering.citations import Seen
from profiler.llm.adapters.langchain import untraced
from prompts.items import clean_text
from store.errors import StoreError, UserError
from store.views.interests.citations import cited
from store.views.interests.explanation import ExplainingInterest, explain_item
from store.views.interests.provenance import InterestInUse, show_interest
from store.views.interests.search import Hit, search
from store.views.items import find_items
from store.views.status import summarise
from store.views.subjects.exemplar_comparison import compare_user
from store.views.subjects.users import Interest, OwnInterest, show_user

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from store.recommending import ReasonedItem, Recommending
    from store.store import Store

MOST_HITS, MOST_EVIDENCE, MOST_INTERESTS = 10, 6, 12
MOST_ITEMS = 20
LOOKUPS_OF_0_1 = frozenset(
    ["search_interests", "show_interest", "show_user", "find_items", "explain", "counts"]
)
"""What ``profiler ask`` of release 0.1 offered: conversations that were paid for go on with it."""

Document: TypeAlias = dict[str, Any]
"""What a look-up shows to a model, a JSON object; or a JSON schema."""

Words = Annotated[str, Field(description="A few words, such as: refillable pens", max_length=300)]
UserId = Annotated[str, Field(description="User id as in the store", max_length=200)]
ItemId = Annotated[str, Field(description="Item id as in the store", max_length=200)]
InterestId = Annotated[
    int, Field(description="Number of an interest: 12 for [i12]", ge=1, le=2**63 - 1)
]

ListLength = Annotated[int, Field(description="How many items", ge=1, le=MOST_ITEMS)]

AnyInterest = Hit | InterestInUse | Interest | OwnInterest | ExplainingInterest


class ItemLike(Protocol):
    """An item with its id and title."""

    @property
    def item_id(self) -> str:
        """Id of the item in the data."""

    @property
    def title(self) -> str | None:
        """Its title; None where the data names none."""


class Toolbox:
    """Tools over one store; ``seen`` grows by what they return.

    Parameters
    ----------
    store
        An open store.
    model
        A trained model, for :meth:`recommend`; without one there is no such look-up.
    only
        Names of the look-ups that there are; None is all.
    """

    def __init__(
        self,
        store: Store,
        model: Recommending | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        self._store = store
        self._model = model
        self._only = only
        self.seen = Seen()

    def offered(self) -> tuple[Document, ...]:
        """Return the tools in OpenAI's format."""
        from langchain_core.utils.function_calling import convert_to_openai_tool

        return tuple(convert_to_openai_tool(tool) for tool in self._tools.values())

    def schemas(self) -> Document:
        """Return the JSON schema of each tool's arguments."""
        return {name: tool.get_input_jsonschema() for name, tool in self._tools.items()}

    @cached_property
    def _tools(self) -> dict[str, BaseTool]:
        from langchain_core.tools import StructuredTool

        tools = map(StructuredTool.from_function, self.lookups())
        return {tool.name: tool for tool in tools}

    def lookups(self) -> tuple[Callable[..., Any], ...]:
        """Return the look-ups; ``recommend`` is one of them where a model is at hand."""
        every: tuple[Callable[..., Any], ...] = (
            self.search_interests,
            self.show_interest,
            self.show_user,
            self.find_items,
            self.explain,
            self.counts,
            self.compare,
            *([self.recommend] if self._model is not None else []),
        )
        return tuple(one for one in every if self._only is None or one.__name__ in self._only)

    def run(self, name: str, arguments: Document | None) -> str:
        """Run one call and return its result as JSON; what is wrong with it is a result too."""
        if name not in self._tools:
            return _error(f"there is no tool {name!r}; there are {', '.join(self._tools)}")
        if arguments is None:
            return _error("the arguments are not a JSON object")
        try:
            with untraced():
                return json.dumps(self._tools[name].invoke(arguments), ensure_ascii=False)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            return _error(f"{place or name}: {problem['msg']}")
        except UserError as error:
            return _error(str(error).replace(str(self._store.path), "this store"))

    def search_interests(self, query: Words) -> list[Document]:
        """Find interests by words and meaning, with how many users each reaches and its proof."""
        return [
            {
                **self._interest(hit, hit.subject),
                "users": hit.users,
                "some_users": hit.some_users[:3],
                "evidence": self._items(hit.evidence),
            }
            for hit in search(self._store, query, limit=MOST_HITS)
        ]

    def show_interest(self, interest_id: InterestId) -> Document:
        """Show one interest: whose it is, whom it reaches, and the items that prove it."""
        interest = show_interest(self._store, interest_id)
        if interest is None:
            raise StoreError(f"no interest {interest_id} in this store")
        return {
            **self._interest(interest, interest.subject),
            "users": interest.users,
            "some_users": interest.some_users,
            "evidence": self._items(interest.evidence, 2 * MOST_EVIDENCE),
            "evidence_items": len(interest.evidence),
        }

    def show_user(self, user: UserId) -> Document:
        """Show a user: latest items, its exemplar and that one's interests, and its own."""
        profile = show_user(self._store, user)
        group = profile.exemplar
        return {
            "user": profile.user.to_json(),
            "latest_items": self._items(profile.history),
            "exemplar": group
            and {"name": group.name, "similarity": group.similarity, "members": group.members},
            "interests_of_the_exemplar": [
                {**self._interest(one), "evidence": self._items(one.evidence, 3)}
                for one in (group.interests if group else [])[:MOST_INTERESTS]
            ],
            "interests_that_cover_its_history": [
                {**self._interest(one, one.of_subject), "evidence": self._items(one.items, 3)}
                for one in profile.own[:MOST_INTERESTS]
            ],
        }

    def find_items(self, words: Words) -> list[Document]:
        """Find items by a part of their title, with how many users have each."""
        rows = find_items(self._store, words, MOST_HITS)
        items = self._items(rows, MOST_HITS)
        return [{**item, "users": row.users} for item, row in zip(items, rows, strict=True)]

    def explain(self, user: UserId, item: ItemId) -> Document:
        """Explain why an item fits a user by stored interests, or say that nothing does."""
        explanation = explain_item(self._store, user, item)
        return {
            "item": self._items([explanation.item])[0],
            "why": explanation.why,
            "interests": [
                {
                    **self._interest(one, one.subject),
                    "through": one.through,
                    "similarity": one.similarity,
                    "item_is_evidence": one.is_evidence,
                    "evidence": self._items(one.evidence),
                }
                for one in explanation.interests
            ],
        }

    def compare(self, user: UserId) -> Document:
        """Compare a user with the exemplar that stands for them: what both have, what one has."""
        found = compare_user(self._store, user)
        return {
            "user": found.user.to_json(),
            "exemplar": found.exemplar.to_json(),
            "items": {
                "shared": self._items(found.items.shared),
                "only_user": self._items(found.items.only_user),
                "exemplar_adds": self._items(found.items.exemplar_adds),
            },
            "interests": {
                name: [self._interest(one) for one in interests[:MOST_INTERESTS]]
                for name, interests in (
                    ("own", found.interests.own),
                    ("shared", found.interests.shared),
                    ("exemplar_adds", found.interests.exemplar_adds),
                )
            },
        }

    def recommend(self, user: UserId, k: ListLength = 10) -> list[Document]:
        """Recommend items to a user with the trained model, each with why, as far as is known."""
        if self._model is None:
            raise StoreError("no model is at hand; give one with `model`")
        reasons = self._model.reasons(user, self._model.recommend(user, k))
        items, labels = self._named(reasons)
        return [
            {
                **items[one.item_id],
                "score": round(one.score, 4),
                "because_of": [items[item] for item in one.because],
                "interest": labels.get(one.interest_id),
                "tier": one.tier,
            }
            for one in reasons
        ]

    def _named(
        self, reasons: Sequence[ReasonedItem]
    ) -> tuple[dict[str, Document], dict[int | None, Document]]:
        """Items by id and interests by number, as look-ups show them."""
        ids = dict.fromkeys(id for one in reasons for id in (one.item_id, *one.because))
        numbers = dict.fromkeys(one.interest_id for one in reasons if one.interest_id is not None)
        known = cited(self._store, numbers, ids)
        items = {
            item.item_id: shown
            for item, shown in zip(known.items, self._items(known.items, len(ids)), strict=True)
        }
        self.seen.interests.update(numbers)
        labels: dict[int | None, Document] = {
            one.interest_id: {"cite": f"[i{one.interest_id}]", "label": clean_text(one.label)}
            for one in known.interests
        }
        return items, labels

    def counts(self) -> Document:
        """Count what the store holds: users, items, subjects, interests, coverage."""
        facts = summarise(self._store).to_json()
        # Without what asking has cost: this very question changes it, and would be paid again.
        return {key: facts[key] for key in ("data", "subjects", "interests")}

    def _interest(self, interest: AnyInterest, subject: str | None = None) -> Document:
        self.seen.interests.add(interest.interest_id)
        return {
            "cite": f"[i{interest.interest_id}]",
            "label": clean_text(interest.label),
            "description": clean_text(interest.description, 400),
            "source": interest.source,
            **({"subject": subject} if subject else {}),
        }

    def _items(self, items: Sequence[ItemLike], most: int = MOST_EVIDENCE) -> list[Document]:
        self.seen.items.update(item.item_id for item in items[:most])
        return [
            {"cite": f"[item {item.item_id}]", "title": clean_text(item.title or "")}
            for item in items[:most]
        ]


def _error(message: str) -> str:
    return json.dumps({"error": message}, ensure_ascii=False)

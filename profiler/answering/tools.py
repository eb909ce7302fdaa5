"""The tools: look-ups of the store, cut to what fits a conversation. None of them writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError
from sqlalchemy import text

from profiler.answering.citations import Seen
from prompts.items import clean_text
from store.errors import StoreError, UserError
from store.views.catalogue import reached
from store.views.explanation import explain_item
from store.views.search import search
from store.views.status import summarise
from store.views.users import evidence_of, show_user

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from store.store import Store

MOST_HITS, MOST_EVIDENCE, MOST_INTERESTS = 10, 6, 12

Words = Annotated[str, Field(description="A few words, such as: refillable pens", max_length=300)]
UserId = Annotated[str, Field(description="User id as in the store", max_length=200)]
ItemId = Annotated[str, Field(description="Item id as in the store", max_length=200)]
InterestId = Annotated[
    int, Field(description="Number of an interest: 12 for [i12]", ge=1, le=2**63 - 1)
]

_INTEREST = text(
    "SELECT n.interest_id, n.label, n.description, n.source, s.name AS subject FROM interests n "
    "JOIN subjects s USING (subject_id) WHERE n.interest_id = :id AND s.active"
)
_ITEMS = text(
    "SELECT i.item_id, i.title, (SELECT count(DISTINCT user_ix) FROM interactions x "
    "WHERE x.item_ix = i.item_ix) AS users FROM items i WHERE i.title LIKE :pattern ESCAPE '\\' "
    "ORDER BY i.item_ix LIMIT :limit"
)


class Toolbox:
    """Tools over one store; ``seen`` grows by what they return.

    Parameters
    ----------
    store
        An open store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seen = Seen()

    def offered(self) -> tuple[dict[str, Any], ...]:
        """Return the tools in OpenAI's format."""
        from langchain_core.utils.function_calling import convert_to_openai_tool

        return tuple(convert_to_openai_tool(tool) for tool in self._tools.values())

    def schemas(self) -> dict[str, Any]:
        """Return the JSON schema of each tool's arguments."""
        return {name: tool.get_input_jsonschema() for name, tool in self._tools.items()}

    @cached_property
    def _tools(self) -> dict[str, BaseTool]:
        from langchain_core.tools import StructuredTool

        functions: tuple[Callable[..., Any], ...] = (
            self.search_interests,
            self.show_interest,
            self.show_user,
            self.find_items,
            self.explain,
            self.counts,
        )
        tools = map(StructuredTool.from_function, functions)
        return {tool.name: tool for tool in tools}

    def run(self, name: str, arguments: dict[str, Any] | None) -> str:
        """Run one call and return its result as JSON; what is wrong with it is a result too."""
        if name not in self._tools:
            return _error(f"there is no tool {name!r}; there are {', '.join(self._tools)}")
        if arguments is None:
            return _error("the arguments are not a JSON object")
        try:
            return json.dumps(self._tools[name].invoke(arguments), ensure_ascii=False)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            return _error(f"{place or name}: {problem['msg']}")
        except UserError as error:
            return _error(str(error).replace(str(self._store.path), "this store"))

    def search_interests(self, query: Words) -> list[dict[str, Any]]:
        """Find interests by words and meaning, with how many users each reaches and its proof."""
        return [
            {
                **self._interest(hit),
                "users": hit["users"],
                "some_users": hit["some_users"][:3],
                "evidence": self._items(hit["evidence"]),
            }
            for hit in search(self._store, query, limit=MOST_HITS)
        ]

    def show_interest(self, interest_id: InterestId) -> dict[str, Any]:
        """Show one interest: whose it is, whom it reaches, and the items that prove it."""
        with self._store.read() as connection:
            row = connection.execute(_INTEREST, {"id": interest_id}).mappings().first()
            if row is None:
                raise StoreError(f"no interest {interest_id} in this store")
            evidence = evidence_of(connection, [interest_id]).get(interest_id, [])
            reach = reached(connection, [interest_id])[interest_id]
        return {
            **self._interest(dict(row)),
            **reach,
            "evidence": self._items(evidence, 2 * MOST_EVIDENCE),
            "evidence_items": len(evidence),
        }

    def show_user(self, user: UserId) -> dict[str, Any]:
        """Show a user: latest items, its exemplar and that one's interests, and its own."""
        shown = show_user(self._store, user)
        exemplar = shown["exemplar"]
        return {
            "user": shown["user"],
            "latest_items": self._items(shown["history"]),
            "exemplar": exemplar and {k: exemplar[k] for k in ("name", "similarity", "members")},
            "interests_of_the_exemplar": self._list(exemplar["interests"] if exemplar else []),
            "interests_that_cover_its_history": self._list(shown["own"]),
        }

    def find_items(self, words: Words) -> list[dict[str, Any]]:
        """Find items by a part of their title, with how many users have each."""
        pattern = words.strip()
        for character in "\\%_":
            pattern = pattern.replace(character, "\\" + character)
        with self._store.read() as connection:
            found = connection.execute(_ITEMS, {"pattern": f"%{pattern}%", "limit": MOST_HITS})
            rows = [dict(row) for row in found.mappings()]
        items = self._items(rows, MOST_HITS)
        return [{**item, "users": row["users"]} for item, row in zip(items, rows, strict=True)]

    def explain(self, user: UserId, item: ItemId) -> dict[str, Any]:
        """Explain why an item fits a user by stored interests, or say that nothing does."""
        found = explain_item(self._store, user, item)
        return {
            "item": self._items([found["item"]])[0],
            "why": found["why"],
            "interests": [
                {
                    **self._interest(one),
                    "through": one["through"],
                    "similarity": one["similarity"],
                    "item_is_evidence": one["is_evidence"],
                    "evidence": self._items(one["evidence"]),
                }
                for one in found["interests"]
            ],
        }

    def counts(self) -> dict[str, Any]:
        """Count what the store holds: users, items, subjects, interests, coverage."""
        facts = summarise(self._store)
        # Without what asking has cost: this very question changes it, and would be paid again.
        return {key: facts[key] for key in ("data", "subjects", "interests")}

    def _list(self, interests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                **self._interest(one),
                "evidence": self._items(one.get("evidence") or one.get("items") or [], 3),
            }
            for one in interests[:MOST_INTERESTS]
        ]

    def _interest(self, row: dict[str, Any]) -> dict[str, Any]:
        self.seen.interests.add(int(row["interest_id"]))
        subject = row.get("subject") or row.get("of_subject")
        return {
            "cite": f"[i{row['interest_id']}]",
            "label": clean_text(row["label"]),
            "description": clean_text(row["description"], 400),
            "source": row["source"],
            **({"subject": subject} if subject else {}),
        }

    def _items(self, rows: list[dict[str, Any]], most: int = MOST_EVIDENCE) -> list[dict[str, Any]]:
        self.seen.items.update(row["item_id"] for row in rows[:most])
        return [
            {"cite": f"[item {row['item_id']}]", "title": clean_text(row["title"] or "")}
            for row in rows[:most]
        ]


def _error(message: str) -> str:
    return json.dumps({"error": message}, ensure_ascii=False)

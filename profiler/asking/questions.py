"""From a subject to the request that is sent: cut to a budget, marked off, rendered."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from profiler.asking.answers.answer_schema import MAX_INTERESTS
from profiler.asking.answers.grounding import normal_label
from profiler.asking.cutting import cut_items, item_texts
from profiler.asking.subjects import shown_subjects, shown_user
from profiler.choices import Cut
from profiler.llm.port import Expected, Message, Request, Role
from profiler.shown import ShownItem, ShownSubject
from prompts import Template, load_template
from prompts.items import (
    boundary,
    clean_text,
    item_block,
    shown_ids,
)
from prompts.schema import tightened, unbounded
from store.errors import StoreError, UserError
from store.merging.facts import BOUNDARY_KEY, OTHER_BOUNDARY_KEYS
from store.store import Store

SCHEMA_NAME = "interests"
MAX_ERRORS = 10
MAX_ERROR_LENGTH = 300
MAX_LANGUAGE = 60
MAX_VALID = 100
"""Ids that a correction lists, where they are not numbers."""
HOTTEST = 1.0
NUMBERED = "numbered_items"
"""Variable of templates that show items by number; the others show them by their own ids."""

# A line of its own. Items are single lines that begin with "- " or "[", so none can pose as it.
CORRECTION = "=== Correction ==="


def boundary_key(store: Store) -> bytes:
    """Random bytes of a store, made on first use: with them requests stay the same on resume.

    The boundary around item texts is made from them, so that no title can forge it. A store that is
    only read gets them for the moment: nothing is asked from it.
    """
    known = store.meta(BOUNDARY_KEY)
    if known is None and store.read_only:
        known = secrets.token_hex(16)
    if known is None:
        with store.write():
            known = store.meta(BOUNDARY_KEY)
            if known is None:
                known = secrets.token_hex(16)
                store.set_meta(**{BOUNDARY_KEY: known})
    return bytes.fromhex(known)


def other_boundary_keys(store: Store) -> list[bytes]:
    """Secrets of the stores merged into this one: their questions were marked with them."""
    return [bytes.fromhex(known) for known in store.meta(OTHER_BOUNDARY_KEYS, [])]


def make_request(
    subject: ShownSubject,
    template: Template,
    *,
    token_budget: int,
    cut: Cut,
    boundary_key: bytes,
    max_tokens: int,
    temperature: float | None = 0.0,
    seed: int | None = None,
    max_interests: int = MAX_INTERESTS,
    schema_name: str = SCHEMA_NAME,
    language: str | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Request:
    """Render the question about one subject.

    Parameters
    ----------
    subject
        All its items, in the order in which they should be shown.
    template
        A question, not the correction.
    token_budget
        Maximum number of tokens of the item list, by :func:`prompts.items.estimate_tokens`.
    cut
        Which items stay where the budget is too small: the last ones, or an even spread. For a
        synthetic user, whose items stand by number of owners, ``recent`` keeps the first ones.
    boundary_key
        Secret random bytes of the store, at least 16.
    max_tokens, temperature, seed
        Passed on.
    max_interests
        The most interests asked for.
    schema_name
        Name under which the answer's schema is sent.
    language
        What labels and descriptions are to be written in; None is the language of the titles.
    variables
        Values for variables of the template beside those that every question has.

    Returns
    -------
    Request
        ``subject.items`` holds exactly the items shown.

    Raises
    ------
    ValueError
        The subject has no items, or the template is a correction.
    UserError
        The template cannot be rendered.
    """
    if template.task == "reask":
        raise ValueError(f"template {template.name!r} corrects an answer, it asks no question")
    if not subject.items:
        raise ValueError(f"{subject.name} has no items to show")
    numbered = NUMBERED in template.variables
    shown = cut_items(subject, token_budget, cut, numbered=numbered)
    lines = item_texts(shown, numbered)
    said = [*lines, *subject.texts]
    mark = boundary(boundary_key, [template.digest, subject.kind, said])
    rendered = template.render(
        {
            **(variables or {}),
            "kind": subject.kind,
            "count": len(shown),
            "total": len(subject.items),
            "cut": cut,
            NUMBERED if numbered else "items": item_block(lines, mark),
            "texts": item_block([f"- {one}" for one in subject.texts], mark),
            "boundary": mark,
            "max_interests": max_interests,
            "language": clean_text(language or "", MAX_LANGUAGE),
        }
    )
    return Request(
        subject=replace(subject, items=shown),
        messages=tuple(Message(_role(role), text) for role, text in rendered.messages),
        schema=unbounded(template.output_schema),
        schema_name=schema_name,
        task=template.task,
        template=template.name,
        template_digest=template.digest,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        expected=Expected(
            ids=_ids(shown, numbered),
            examples=frozenset(_not_its_own(template)),
            schema=tightened(template.output_schema, items=len(shown), interests=max_interests),
        ),
    )


def make_reask(
    request: Request,
    raw_text: str,
    errors: Sequence[str],
    *,
    template: Template | None = None,
    wrong_ids: bool = False,
    warmer: float = 0.0,
) -> Request:
    """The same question with what was wrong with its last answer, and nothing older.

    Earlier answers and earlier corrections are left out, so that a second correction costs no more
    than the first.

    Parameters
    ----------
    request
        The question, or an earlier correction of it.
    raw_text
        The last answer. It is not sent: its errors are, and they name what they are about.
    errors
        What was wrong; at most ten are sent, each cut to 300 characters and cleaned, since they
        may quote the model.
    template
        The correction; the toolkit's own ``reask`` by default.
    wrong_ids
        Whether ids were named that were not shown: then those that were are listed.
    warmer
        What each correction adds to the temperature, where one is sent: at 0 a model gives the
        same wrong answer to nearly the same question.
    """
    correction = template or load_template("reask")
    *before, last = request.messages
    question, mark, _ = last.content.partition(f"\n\n{CORRECTION}\n")
    attempt = 2 if mark else 1
    said = errors if raw_text.strip() else ("the answer was empty", *errors)
    rendered = correction.render(
        {
            "attempt": attempt,
            "errors": [clean_text(error, MAX_ERROR_LENGTH) for error in said[:MAX_ERRORS]],
            "valid_ids": _valid_ids(request) if wrong_ids else "",
        }
    )
    text = "\n\n".join(content for _, content in rendered.messages)
    message = Message(last.role, f"{question}\n\n{CORRECTION}\n{text}")
    return replace(
        request,
        messages=(*before, message),
        template=correction.name,
        template_digest=correction.digest,
        temperature=_raised(request.temperature, warmer),
    )


def _raised(temperature: float | None, by: float) -> float | None:
    if temperature is None or not by:
        return temperature
    return max(temperature, min(HOTTEST, round(temperature + by, 6)))


def _valid_ids(request: Request) -> str:
    ids = request.expected.ids or shown_ids([item.item_id for item in request.subject.items])
    if request.expected.numbered:
        return f"the numbers from 1 to {len(ids)}"
    more = f" and {len(ids) - MAX_VALID} more of the list" if len(ids) > MAX_VALID else ""
    return ", ".join(ids[:MAX_VALID]) + more


def _ids(shown: Sequence[ShownItem], numbered: bool) -> tuple[str, ...]:
    if numbered:
        return tuple(str(place) for place in range(1, len(shown) + 1))
    return tuple(shown_ids([item.item_id for item in shown]))


def _not_its_own(template: Template) -> Iterator[str]:
    """What an answer says where it only repeats its prompt: the example, the words of the form."""
    yield from _example_texts(template.examples)
    yield from _form_texts(template.output_schema)


def _form_texts(schema: Any) -> Iterator[str]:
    """What a schema says of labels and descriptions."""
    if not isinstance(schema, Mapping):
        return
    for name, value in schema.items():
        if name in ("label", "description") and isinstance(value, Mapping):
            yield name
            if isinstance(value.get("description"), str):
                yield normal_label(value["description"])
        yield from _form_texts(value)


def _example_texts(examples: Any) -> Iterator[str]:
    """Labels and descriptions in examples, at any depth, in the form in which they are compared."""
    if isinstance(examples, Mapping):
        for name, value in examples.items():
            if name in ("label", "description") and isinstance(value, str):
                yield normal_label(value)
            else:
                yield from _example_texts(value)
    elif isinstance(examples, list):
        for value in examples:
            yield from _example_texts(value)


def preview(
    store: Store,
    template: Template,
    *,
    user: str | None = None,
    subject: str | None = None,
    token_budget: int,
    cut: Cut,
) -> Request:
    """Render the question about a user's visible history, or about a subject by name.

    Raises
    ------
    StoreError
        The store has no such user or subject, or nothing of it may be shown.
    UserError
        The template is a correction, or cannot be rendered.
    """
    if template.task == "reask":
        raise UserError(
            f"template {template.name!r} is appended to another question and shows no items; "
            "render the question instead"
        )
    shown = _named(store, subject) if subject is not None else shown_user(store, str(user))
    if not shown.items:
        raise StoreError(f"{shown.name} has no items that may be shown under the store's split")
    return make_request(
        shown,
        template,
        token_budget=token_budget,
        cut=cut,
        boundary_key=boundary_key(store),
        max_tokens=1,
    )


def _named(store: Store, name: str) -> ShownSubject:
    found = [one for one in store.subjects.load(active=False) if one.name == name]
    if not found:
        raise StoreError(f"{store.path} has no subject {name!r}; see: profiler exemplars")
    return shown_subjects(store, found)[0]


def _role(role: str) -> Role:
    return "system" if role == "system" else "user"

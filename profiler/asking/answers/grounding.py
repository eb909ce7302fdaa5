"""Whether interests rest on what was shown: evidence, labels, number, and nothing private."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from profiler.asking.answers.answer_schema import MAX_INTERESTS, AnswerError, Interest
from profiler.asking.answers.sensitive import private_attribute
from profiler.llm.port import ShownItem
from prompts.items import shown_ids

MISSING_SHARE = 0.1
"""An allocation may leave out this share of the items; more is asked again. Our choice."""

MAX_NAMED = 30


def ground(
    interests: Sequence[Interest],
    shown: Sequence[ShownItem],
    *,
    task: str,
    max_interests: int = MAX_INTERESTS,
) -> tuple[tuple[Interest, ...], tuple[str, ...]]:
    """Check interests against the items shown; return them with store ids, and the repairs.

    Repaired, and recorded: an id named twice (in one interest; for ``allocation`` anywhere) keeps
    its first place; for ``allocation``, up to a tenth of the items may be left out and then belong
    to no interest. Everything else is an error to be asked again: an id that was not shown, an
    interest without evidence, equal labels, too many interests, a private attribute.

    Raises
    ------
    AnswerError
        Of kind ``grounding``, with all the errors found.
    """
    real_ids = dict(zip(shown_ids([item.item_id for item in shown]), shown, strict=True))
    errors = [
        *_too_many(interests, max_interests),
        *_label_errors(interests),
        *_evidence_errors(interests, real_ids),
        *_private_errors(interests),
    ]
    kept, repairs = _drop_repeats(interests, task)
    if task == "allocation":
        missing, missing_errors = _missing_items(kept, list(real_ids))
        errors += missing_errors
        repairs += missing
    errors += [
        f"interest {old.label!r} has no evidence but items already given to earlier interests"
        for old, new in zip(interests, kept, strict=True)
        if old.evidence and not new
    ]
    if errors:
        raise AnswerError("grounding", tuple(errors))
    grounded = tuple(
        interest.model_copy(update={"evidence": [real_ids[i].item_id for i in evidence]})
        for interest, evidence in zip(interests, kept, strict=True)
    )
    return grounded, tuple(repairs)


def normal_label(label: str) -> str:
    """The form in which labels are compared: NFKC, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def _too_many(interests: Sequence[Interest], most: int) -> list[str]:
    if len(interests) <= most:
        return []
    return [f"{len(interests)} interests were given; at most {most} are allowed"]


def _label_errors(interests: Sequence[Interest]) -> list[str]:
    seen: set[str] = set()
    errors = []
    for interest in interests:
        label = normal_label(interest.label)
        if label in seen:
            errors.append(f"the label {interest.label!r} is used more than once")
        seen.add(label)
    return errors


def _evidence_errors(interests: Sequence[Interest], real_ids: dict[str, ShownItem]) -> list[str]:
    errors = []
    for interest in interests:
        if not interest.evidence:
            errors.append(f"interest {interest.label!r} has no evidence; name at least one item id")
        foreign = [item for item in interest.evidence if item not in real_ids]
        if foreign:
            errors.append(
                f"interest {interest.label!r} names ids that were not shown: {_named(foreign)}"
            )
    return errors


def _private_errors(interests: Sequence[Interest]) -> list[str]:
    errors = []
    for interest in interests:
        for text in (interest.label, interest.description):
            found = private_attribute(text)
            if found:
                errors.append(
                    f"interest {interest.label!r} says something about the person's {found.kind} "
                    f"({found.words!r}); describe tastes and needs only"
                )
                break
    return errors


def _drop_repeats(interests: Sequence[Interest], task: str) -> tuple[list[list[str]], list[str]]:
    """Evidence of each interest with repeated ids left out, and a record of each one."""
    kept: list[list[str]] = []
    repairs: list[str] = []
    seen: set[str] = set()
    for interest in interests:
        if task == "interests":
            seen = set()
        evidence = []
        for item in interest.evidence:
            if item in seen:
                repairs.append(f"repeated id {item} left out of {interest.label!r}")
            else:
                evidence.append(item)
                seen.add(item)
        kept.append(evidence)
    return kept, repairs


def _missing_items(kept: list[list[str]], ids: list[str]) -> tuple[list[str], list[str]]:
    """Items that no interest has: a repair if they are few, else an error."""
    allocated = {item for evidence in kept for item in evidence}
    missing = [item for item in ids if item not in allocated]
    if not missing:
        return [], []
    if len(missing) <= MISSING_SHARE * len(ids):
        return [f"items left in no interest: {', '.join(missing)}"], []
    return [], [
        f"{len(missing)} of {len(ids)} items are in no interest, each must be in exactly one: "
        f"{_named(missing)}"
    ]


def _named(ids: Sequence[str]) -> str:
    """The first few ids, each cut short: a model may return anything as an id."""
    first = ", ".join(repr(item[:40]) for item in ids[:MAX_NAMED])
    return first + (f" and {len(ids) - MAX_NAMED} more" if len(ids) > MAX_NAMED else "")

"""Whether interests rest on what was shown: evidence, labels, number, and nothing private."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from profiler.asking.answers.answer_schema import MAX_INTERESTS, AnswerError, Interest
from profiler.asking.answers.sensitive import private_attribute
from profiler.llm.port import Expected
from profiler.shown import ShownItem
from prompts.items import shown_ids

MISSING_SHARE = 0.1
"""An allocation may leave out this share of the items; more is asked again. Our choice."""

SAME = 0.8
"""Interests whose evidence overlaps by so much (Jaccard), and in so many items, are one."""
SAME_ITEMS = 3

MAX_NAMED = 30


NOTHING = Expected()


def ground(
    interests: Sequence[Interest],
    shown: Sequence[ShownItem],
    *,
    task: str,
    max_interests: int = MAX_INTERESTS,
    expected: Expected = NOTHING,
) -> tuple[tuple[Interest, ...], tuple[str, ...]]:
    """Check interests against the items shown; return them with store ids, and the repairs.

    Repaired, and recorded: an id named twice (in one interest; for ``allocation`` anywhere) keeps
    its first place; of interests that rest on the same items the first stays, with the evidence of
    both; for ``allocation``, up to a tenth of the items may be left out and then belong to no
    interest. Everything else is an error to be asked again: an id that was not shown, an interest
    without evidence, equal labels, too many interests, a private attribute, the words of the
    prompt's example.

    Parameters
    ----------
    interests, shown
        What was answered, and the items of the question.
    task
        ``interests`` or ``allocation``.
    max_interests
        The most interests allowed.
    expected
        Ids under which the items stand in the prompt, and words that are not the answer's own.

    Raises
    ------
    AnswerError
        Of kind ``grounding``, with all the errors found.
    """
    ids = expected.ids or tuple(shown_ids([item.item_id for item in shown]))
    real_ids = dict(zip(ids, shown, strict=True))
    if expected.numbered:
        interests = [_as_shown(interest, real_ids) for interest in interests]
    foreign = _evidence_errors(interests, real_ids)
    errors = [
        *_too_many(interests, max_interests),
        *_label_errors(interests),
        *(error for _, error in foreign),
        *_private_errors(interests, [item.title for item in shown]),
        *_copied_errors(interests, expected.examples),
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
        raise AnswerError("grounding", tuple(errors), wrong_ids=any(wrong for wrong, _ in foreign))
    grounded = [
        interest.model_copy(update={"evidence": [real_ids[i].item_id for i in evidence]})
        for interest, evidence in zip(interests, kept, strict=True)
    ]
    merged, repeated = merge_same(grounded)
    return tuple(merged), (*repairs, *repeated)


def merge_same(interests: Sequence[Interest]) -> tuple[list[Interest], list[str]]:
    """Interests with those that rest on the same items as an earlier one merged into it.

    Returns
    -------
    interests, repairs
        What is left, and a sentence on each that was merged.
    """
    kept: list[Interest] = []
    repairs: list[str] = []
    for interest in interests:
        place = next((n for n, one in enumerate(kept) if _rest_alike(one, interest)), None)
        if place is None:
            kept.append(interest)
            continue
        first = kept[place]
        evidence = list(dict.fromkeys([*first.evidence, *interest.evidence]))
        kept[place] = first.model_copy(update={"evidence": evidence})
        repairs.append(
            f"{interest.label!r} merged into {first.label!r}: they rest on the same items"
        )
    return kept, repairs


def _rest_alike(one: Interest, other: Interest) -> bool:
    a, b = set(one.evidence), set(other.evidence)
    return len(a & b) >= max(SAME_ITEMS, SAME * len(a | b))


def _as_shown(interest: Interest, real_ids: dict[str, ShownItem]) -> Interest:
    """The interest with numbers alone: a model may cite them as ``[12]``, with the brackets."""
    evidence = [
        item if item in real_ids else item.strip(" []").removeprefix("#")
        for item in interest.evidence
    ]
    return interest.model_copy(update={"evidence": evidence})


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


def _evidence_errors(
    interests: Sequence[Interest], real_ids: dict[str, ShownItem]
) -> list[tuple[bool, str]]:
    """What is wrong with evidence, and whether it is ids that were not shown."""
    errors = []
    for interest in interests:
        if not interest.evidence:
            errors.append(
                (False, f"interest {interest.label!r} has no evidence; name at least one item id")
            )
        foreign = [item for item in interest.evidence if item not in real_ids]
        if foreign:
            named = f"names ids that were not shown: {_named(foreign)}"
            errors.append((True, f"interest {interest.label!r} {named}"))
    return errors


def _private_errors(interests: Sequence[Interest], titles: Sequence[str | None]) -> list[str]:
    """What says something of the person; the titles of the items shown are names."""
    errors = []
    for interest in interests:
        for text in (interest.label, interest.description):
            found = private_attribute(text, titles)
            if found:
                errors.append(
                    f"interest {interest.label!r} says something about the person's {found.kind} "
                    f"({found.words!r}); describe tastes and needs only"
                )
                break
    return errors


def _copied_errors(interests: Sequence[Interest], examples: frozenset[str]) -> list[str]:
    """Words of the prompt's example, which is about other items."""
    return [
        copied_error(interest.label)
        for interest in interests
        if not examples.isdisjoint({*map(normal_label, (interest.label, interest.description))})
    ]


def copied_error(label: str) -> str:
    """What is told of a label or description that is the example's."""
    return (
        f"{label!r} repeats the example, which is about another shop; say in words of your own "
        "what these items show"
    )


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

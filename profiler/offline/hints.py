"""Hints without a language model: rules of categories, which the stand-in itself can follow.

It is the control of hints that a model writes. Without a hint it names the candidates in the order
of the model that nominated them. Where that misses, its one hint is an association rule read off
the case: after items of one category, items of another go first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from profiler.hints.cases import AskedCase
from profiler.llm.port import Reply, Request
from profiler.offline.reply import StandIn, made_reply
from profiler.shown import ShownItem
from prompts.items import clean_text, shown_ids

VERSION = 1
LATEST = 3
"""Items of a history that a rule looks at, the latest ones."""
_RULE = re.compile(r"After items of “(.+?)”, put items of “(.+?)” first\.")
_KEEP = "Keep the order in which the candidates stand."


class OfflineHints(StandIn):
    """A :class:`profiler.llm.port.ChatPort` that asks nobody.

    Parameters
    ----------
    cases
        What may be asked about, by the first word of a subject's name.
    """

    def __init__(self, cases: Mapping[str, AskedCase]) -> None:
        self._cases = cases

    @property
    def params(self) -> Mapping[str, Any]:
        """What changes an answer beside the request."""
        return {"version": VERSION}

    async def ask(self, request: Request) -> Reply:
        """Answer from the items of the case, and from the rule that the question holds, if any."""
        started = time.perf_counter()
        case = self._cases[request.subject.name.partition(" hint:")[0]]
        return made_reply(_answer(request, case), self.name, started)


def _answer(request: Request, case: AskedCase) -> dict[str, Any]:
    if request.schema_name == "mistakes":
        return {"mistakes": ["The order in which the candidates stand was kept."]}
    if request.schema_name == "causes":
        return {"causes": [rule_of(case) or "Its categories say nothing that others do not say."]}
    if request.schema_name == "hints":
        return {"hints": [rule_of(case) or _KEEP]}
    rule = _RULE.search(request.messages[-1].content)
    ids = shown_ids([one.item_id for one in case.candidates])
    if rule is not None and _applies(case, rule[1]):
        first = [rule[2] in _kinds(one) for one in case.candidates]
        ids = [one for _, one in sorted(zip(first, ids, strict=True), key=lambda pair: not pair[0])]
    return {"items": ids[: case.wanted]}


def rule_of(case: AskedCase) -> str | None:
    """The rule that would have led to a case's target; None where categories tell nothing.

    Of the categories of an item the one that fewest candidates have says most.
    """
    if case.target is None or not case.history:
        return None
    before, after = _rarest(case, case.history[-1]), _rarest(case, case.target)
    if before is None or after is None:
        return None
    return f"After items of “{before}”, put items of “{after}” first."


def _rarest(case: AskedCase, item: ShownItem) -> str | None:
    kinds = _kinds(item)
    if not kinds:
        return None
    having = [sum(kind in _kinds(one) for one in case.candidates) for kind in kinds]
    return kinds[having.index(min(having))]


def _kinds(item: ShownItem) -> list[str]:
    return [clean_text(one, 80) for one in item.categories]


def _applies(case: AskedCase, kind: str) -> bool:
    return any(kind in _kinds(one) for one in case.history[-LATEST:])

"""Words of titles, labels and questions: one tokenizer and one set of stop lists.

Function words are listed by language, because they end a phrase of a title and tell in which
language a catalogue is written. The lists hold articles, prepositions, conjunctions and pronouns,
nothing a shop could sell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

WORD = re.compile(r"[^\W\d_][\w'’+-]*[^\W_]|[^\W\d_]")
"""A word: it starts with a letter and does not end in a mark."""

_FUNCTION_WORDS = {
    "en": """a an and any are as at be both by for from has have i if in into is it its my of on or
        our such that the their them these they this those to up was who with without would you
        your""",
    "de": """am auf aus bei das dem den der des die ein eine einen einer für im mit oder und von zu
        zum""",
    "fr": "au aux avec d'un d'une dans des du en et la le les l ou par pour sans sur un une",
    "es": "con de del el en la las los para por sin sobre un una unos y",
    "it": "al con da dal degli dei della delle di e gli i il in la le lo per su un una",
    "pt": "à com da das de do dos e em na no os ou para por sem um uma",
    "nl": "aan bij de een en het in met of op te uit van voor zonder",
    "pl": "bez dla do i lub na nad od po przez w z za ze",
    "sv": "av den det en ett för från i med och på till utan",
    "tr": "bir bu için ile ve veya",
    "ru": "без в для до и из или к на от по под при с со у",
    "ar": "أو إلى على عن في مع من و",
    "he": "או אל את בלי על עם של",
    "hi": "और का की के को पर में से",
}
FUNCTION_WORDS = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}

_PACKING = """
no not new ii iii iv pack packs pk ct count set sets kit pcs piece pieces oz ounce ounces lb lbs ml
mm cm inch inches ft feet gb mb tb fl each per box size sizes color colour colors x quot amp nbsp
reg tm retail packaging free version model style type pair quantity assorted item items
"""
PACKING_WORDS = frozenset(_PACKING.split())
"""Units and packings in titles of goods, of no content by themselves."""

_TELLING = """
all also appreciates buys can drawn enjoy enjoys etc favors favours including interest interested
interests item items keep keeps like like-minded likes look looking looks love loved loves made make
makes making many more need needs often other over part people person prefers take takes than use
used user uses various vol vs want wanted wants watch watches well
"""
STOP_WORDS = frozenset().union(*FUNCTION_WORDS.values(), _TELLING.split())
"""Words that say nothing in the label or the description of an interest, or in a question."""


def words_of(text: str) -> list[str]:
    """Words of a text in lower case, without the ones that say nothing."""
    found = (match.group(0).lower() for match in WORD.finditer(text))
    return [word for word in found if len(word) > 1 and word not in STOP_WORDS]


_SCRIPTS = {
    "ar": r"[\u0600-\u06ff]",
    "he": r"[\u0590-\u05ff]",
    "hi": r"[\u0900-\u097f]",
    "ja": r"[\u3040-\u30ff]",
    "ko": r"[\uac00-\ud7af]",
    "th": r"[\u0e00-\u0e7f]",
    "zh": r"[\u4e00-\u9fff]",
    "ru": r"[\u0400-\u04ff]",
}
_SCRIPT = {language: re.compile(pattern) for language, pattern in _SCRIPTS.items()}

_AND = {
    "en": " and ",
    "de": " und ",
    "fr": " et ",
    "es": " y ",
    "it": " e ",
    "pt": " e ",
    "nl": " en ",
    "pl": " i ",
    "sv": " och ",
    "tr": " ve ",
    "ru": " и ",
    "ar": " و",
    "he": " ו",
    "hi": " और ",
    "ja": "と",
    "ko": " 및 ",
    "th": "และ",
    "zh": "和",
}
"""What stands between two names that are joined; in Arabic and Hebrew it clings to the second."""


def language_of(texts: Iterable[str]) -> str:
    """The language most of the texts are written in, as a code of two letters.

    Told by script, and for Latin script by function words; English where nothing tells. Of texts
    in Chinese characters those with kana are Japanese.
    """
    votes = Counter(_language_of_one(text) for text in texts)
    del votes[""]
    return min(votes, key=lambda code: (-votes[code], code)) if votes else "en"


def join_names(names: Sequence[str], language: str = "en") -> str:
    """Join names as the language does: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    comma = {"ja": "、", "zh": "、", "ar": "، "}.get(language, ", ")
    return comma.join(names[:-1]) + _AND.get(language, " / ") + names[-1]


def _language_of_one(text: str) -> str:
    for language, pattern in _SCRIPT.items():
        if len(pattern.findall(text)) * 3 > len(text):
            return language
    if _SCRIPT["ja"].search(text):
        return "ja"
    words = {match.group(0).casefold() for match in WORD.finditer(text)}
    scores = {code: len(words & known) for code, known in FUNCTION_WORDS.items()}
    best = max(scores, key=lambda code: (scores[code], code == "en"))
    return best if scores[best] else ""

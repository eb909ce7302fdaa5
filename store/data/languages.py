"""Whether titles are English, which the default encoder and the word lists are made for."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MULTILINGUAL = "paraphrase-multilingual-MiniLM-L12-v2"
"""An encoder of the size of the default one that knows fifty languages."""

SAMPLE = 2000
_FEW = 5
_SHARE = 0.5

# Words without a meaning of their own that stand in titles; those of two languages are left out.
_ENGLISH_WORDS = "the of and with for to from by at is your my you how"
_OTHER_WORDS = """
der die das und mit für fur ohne aus vom zum zur auf bei im den dem des ein eine einer
le les du et avec pour sans dans une aux los con para sin del por una
il lo gli della delle dei nel alla het een voor met zonder
um uma com sem da dos das och med för utan på av til og uten
dla bez oraz ve ile için и в на с для без по от
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_OTHERS = frozenset(_OTHER_WORDS.split())
FUNCTION_WORDS = _ENGLISH | _OTHERS
"""Words without a meaning of their own."""
# Not those of café and Pokémon, which English has taken over.
# Compared in lower case: where case is ignored, Python takes i for ı, the Turkish letter.
_ACCENTED = re.compile("[äöüßàâãõåøæœłąęśćżźńőűčšžřěůýďťășțğışđ]")


def language_notes(titles: pl.Series) -> list[str]:
    """Sentence on titles that are not English, and which encoder to take; empty where they are."""
    sample = titles.drop_nulls().unique().sort().head(SAMPLE).to_list()
    if len(sample) < _FEW:
        return []
    found = Counter(_looks(title) for title in sample)
    others = found.total() - found["English"] - found["unknown"]
    script = next((name for name, _ in found.most_common() if name not in _LATIN), None)
    if script is not None and found[script] >= _SHARE * len(sample):
        what = f"most titles are written in {script} letters"
    elif others * 4 >= len(sample) and others > 2 * found["English"]:
        what = "many titles do not look English"
    else:
        return []
    return [
        f"{what}: the default encoder is made for English, and so are the word lists"
        " of the offline extractor; a multilingual encoder fits better, such as"
        f" encoder={MULTILINGUAL}"
    ]


_LATIN = ("English", "another", "unknown")


def _looks(title: str) -> str:
    """English, another language of Latin letters, unknown, or the name of another script."""
    letters = [sign for sign in title if sign.isalpha()]
    if not letters:
        return "unknown"
    scripts = Counter(_script(sign) for sign in letters)
    script, count = scripts.most_common(1)[0]
    if script != "Latin" and 2 * count > len(letters):
        return script
    words = set(re.findall(r"[^\W\d_]+", title.casefold()))
    if words & _ENGLISH:
        return "English"
    return "another" if words & _OTHERS or _ACCENTED.search(title.lower()) else "unknown"


def _script(sign: str) -> str:
    """Script of a letter by its Unicode name: Latin, Cyrillic, Arabic, Chinese …"""
    first = unicodedata.name(sign, "").split(" ", 1)[0]
    return {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese"}.get(
        first, first.capitalize()
    )

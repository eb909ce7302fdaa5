"""From the data to one HTML file: the built page with the data inside, and a policy of its own.

The content security policy of the built page allows exactly its style and its script by their
digests. No request can leave the page, and a script in a title could not run even if the front end
put it into the page, which it does not: it sets text only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profiler.reporting.shared.contract import Report

ASSETS = Path(__file__).with_name("assets")
PAGE = "page.html"
_PLACE = '<script type="application/json" id="data"></script>'


def render(report: Report) -> str:
    """Return the page of a report: one file, whole."""
    page = (ASSETS / PAGE).read_text(encoding="utf-8")
    before, found, after = page.partition(_PLACE)
    if not found:
        raise RuntimeError(f"{ASSETS / PAGE} has no place for the data; build the front end anew")
    data = script_data(report.model_dump(mode="json", exclude_defaults=True))
    return f"{before}{_PLACE.replace('></', f'>{data}</')}{after}"


def served() -> str:
    """Return the page of the explorer: without data, and allowed to ask its own server for some."""
    page = (ASSETS / PAGE).read_text(encoding="utf-8")
    return page.replace(_PLACE, "").replace("connect-src 'none'", "connect-src 'self'", 1)


def script_data(value: Any) -> str:
    """JSON that is safe inside a ``script`` element: no character that HTML could read."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

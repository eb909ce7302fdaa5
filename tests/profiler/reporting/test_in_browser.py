"""The report in a real browser: nothing logged, nothing requested, search and hover at work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from profiler.reporting.report import write_report
from store.store import open_store
from tests.browser import Browser, chromium
from tests.reading_store import fill

EVIL = '</script><script>document.title="owned"</script><img src=x onerror=document.title="owned">'
TIP = "document.querySelector('#tip')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip("no chromium on PATH; install Debian's package chromium to run this test")
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with open_store(fill(folder / "s.db")) as store:
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE items SET title = ? WHERE item_id = 'shred'", (f"Shredder {EVIL}",)
            )
        write_report(store, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_opens_without_complaint_request_or_overflow(
    browser: Browser, report: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(report, width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(21, 24, 28)" if dark else "rgb(253, 252, 250)")
    browser.screenshot(tmp_path / "page.png", whole=True)
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert set(browser.requests) == {report.resolve().as_uri()}
    assert browser.complaints == []


def test_a_script_in_a_title_is_shown_and_not_run(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert browser.run("document.title") == "Interests in s.db"
    assert browser.run("document.images.length") == 0
    shown = browser.run("document.querySelector('#list').textContent")
    assert f"Shredder {EVIL}" in shown


def test_even_an_injected_script_would_not_run(browser: Browser, report: Path) -> None:
    """The page's policy stands behind the escaping: elements added later are refused too."""
    browser.open(report)
    browser.complaints.clear()
    browser.run(
        "(() => {const s = document.createElement('script'); "
        "s.textContent = 'document.title = \"owned\"'; document.body.append(s)})()"
    )
    assert browser.run("document.title") == "Interests in s.db"
    assert any("Content Security Policy" in line for line in browser.complaints)
    browser.complaints.clear()


def test_search_narrows_points_and_rows(browser: Browser, report: Path) -> None:
    browser.open(report)
    rows = "document.querySelectorAll('#list tbody tr:not([hidden])').length"
    bright = "document.querySelectorAll('#points circle:not(.off)').length"
    assert (browser.run(rows), browser.run(bright)) == (4, 4)
    browser.type("#find", "SHREDDING")
    assert (browser.run(rows), browser.run(bright)) == (1, 1)
    assert browser.run("document.querySelector('#found').textContent") == "1 of 4 interests"
    browser.type("#find", "")
    assert browser.run(rows) == 4
    browser.run("document.querySelector('button.theme').click()")
    of_theme = browser.run("document.querySelectorAll('#points circle[data-theme=\"0\"]').length")
    assert browser.run(bright) == of_theme < 4


def test_hover_and_arrow_keys_tell_what_a_point_is(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert browser.run(f"{TIP}.hidden") is True
    browser.point("#points circle[data-id='3']")
    assert browser.run(f"{TIP}.hidden") is False
    told = browser.run(f"{TIP}.textContent")
    assert told.startswith("Paper shreddingDestroys confidential papers.")
    assert f"Shredder {EVIL}"[:59] + "…" in told
    browser.run("document.querySelector('#points circle[tabindex=\"0\"]').focus()")
    first = browser.run("document.activeElement.getAttribute('aria-label')")
    for name, code in (("ArrowRight", 39), ("ArrowLeft", 37), ("ArrowUp", 38), ("ArrowDown", 40)):
        browser.key(name, code)
    second = browser.run("document.activeElement.getAttribute('aria-label')")
    assert second
    assert second != first
    assert browser.run("document.querySelectorAll('#points circle[tabindex=\"0\"]').length") == 1
    assert browser.run(f"{TIP}.querySelector('strong').textContent") in second


def test_users_are_filtered_and_clouds_chosen(browser: Browser, report: Path) -> None:
    browser.open(report)
    users = "document.querySelectorAll('#users .user:not([hidden])').length"
    assert browser.run(users) == 5
    browser.type("#filter", "customer-dee")
    assert browser.run(users) == 1
    panels = "document.querySelectorAll('[data-cloud]:not([hidden])').length"
    assert browser.run(panels) == 1


def test_every_control_has_a_name_and_headings_do_not_skip(browser: Browser, report: Path) -> None:
    browser.open(report, width=400)
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    spoken = {"button", "textbox", "searchbox", "combobox", "link", "region", "image", "table"}
    for node in tree:
        role = node.get("role", {}).get("value")
        if role in spoken and not node.get("ignored"):
            assert node.get("name", {}).get("value"), node
    levels = browser.run("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_text_has_contrast_in_both_schemes(browser: Browser, report: Path) -> None:
    """WCAG 2 contrast of every text colour against the page and its panels: 4.5, themes 3."""
    script = """(() => {
      const root = getComputedStyle(document.documentElement);
      const lum = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const get = (name) => lum(root.getPropertyValue(name).trim());
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const least = (names, back) => Math.min(...names.map((n) => ratio(get(n), get(back))));
      const themes = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `--t${n}`);
      return [least(['--fg', '--soft', '--accent'], '--bg'),
        least(['--fg', '--soft', '--accent'], '--panel'), least(themes, '--panel')];
    })()"""
    for dark in (False, True):
        browser.open(report, dark=dark)
        page, panel, themes = browser.run(script)
        assert page >= 4.5
        assert panel >= 4.5
        assert themes >= 3

"""The report in a real browser: every interaction, nothing logged, nothing requested, axe clean."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from profiler.reporting.report import write_report
from store.store import open_store
from tests import report_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    f"--{name}"
    for name in (
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]
FRONT_END = Path(__file__).parents[3] / "profiler" / "reporting" / "frontend"
AXE = FRONT_END / "node_modules" / "axe-core" / "axe.min.js"
EVIL = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
VIEWS = ["", "list", "t=0", "v=people", "v=quality", "v=about"]
OVERLAPS = """() => { const l = window.interestMap.labels.placed; let n = 0;
for (let i = 0; i < l.length; i++) for (let j = 0; j < i; j++) {
const [a, b] = [l[i].box, l[j].box];
if (a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]) n++; } return [l.length, n]; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH; install Debian's package chromium to run this test")
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with api.sync_playwright() as driver, tempfile.TemporaryDirectory():
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    with open_store(report_store.fill(folder / "s.db")) as store:
        lists = report_store.Lists(store)
        write_report(store, folder / "r.html", recommending=lists, title="What they like", people=8)
    return folder / "r.html"


class Opened:
    """A page, and everything it complained of or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def go(self, file: Path, address: str = "") -> Page:
        self.page.goto("about:blank")
        self.page.goto(file.as_uri() + (f"#{address}" if address else ""))
        self.page.wait_for_selector("body.ready")
        return self.page

    @property
    def address(self) -> str:
        return self.page.evaluate("location.hash")


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """A wide page without motion, so that nothing has to be waited for."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    found = Opened(context.new_page())
    yield found
    assert found.complaints == []
    assert not [url for url in found.requests if not url.startswith(("file:", "data:", "about:"))]
    context.close()


def text(page: Page, selector: str) -> str:
    return (page.text_content(selector) or "").strip()


def until(page: Page, expression: str) -> None:
    """Wait for an expression; Playwright's own way is an eval, which the page forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def camera(page: Page) -> list[float]:
    return list(page.evaluate("window.interestMap.camera()"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_every_view_opens_without_complaint_request_overflow_or_fault_for_a_screen_reader(
    browser: Browser, report: Path, width: int, dark: bool
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        bypass_csp=AXE.exists(),  # axe itself is a foreign script
    )
    found = Opened(context.new_page())
    for view in VIEWS:
        page = found.go(report, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        unnamed = page.evaluate(
            "[...document.querySelectorAll('button, a, input')].filter((n) => "
            "!(n.getAttribute('aria-label') || n.textContent.trim() || n.placeholder || "
            "n.closest('label'))).length"
        )
        assert unnamed == 0
        if AXE.exists():
            page.add_script_tag(path=AXE)
            faults = page.evaluate(
                "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations"
                ".filter((v) => ['serious', 'critical'].includes(v.impact))"
                ".map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`))"
            )
            assert faults == [], (view, width, dark)
    assert found.complaints == []
    assert {url.partition("#")[0] for url in found.requests if url.startswith("http")} == set()
    context.close()


def test_each_answer_is_within_one_click_of_the_first_screen(opened: Opened, report: Path) -> None:
    page = opened.go(report)
    five = page.locator("#largest .rowlink .name").all_text_contents()
    assert len(five) == 5
    page.click("#tab-people")
    page.wait_for_selector(".rec .why")
    assert text(page, ".rec .why").startswith("Because of ")
    page = opened.go(report)
    page.click(".verdictline")
    page.wait_for_selector(".check")
    assert text(page, "[data-check=predict] .word") in {"Good", "Watch", "Weak"}
    assert page.locator("[data-check=predict] .iv").count() > 0  # 95 % intervals


def test_zoom_pan_and_camera_in_the_address(opened: Opened, report: Path) -> None:
    page = opened.go(report)
    before = camera(page)
    page.mouse.move(900, 500)
    page.mouse.wheel(0, -600)
    until(page, f"window.interestMap.camera()[0] > {before[0] * 1.5}")
    zoomed = camera(page)
    page.mouse.down()
    page.mouse.move(1000, 560, steps=4)
    page.mouse.up()
    until(page, f"Math.abs(window.interestMap.camera()[1] - {zoomed[1]}) > 3")
    until(page, "location.hash.includes('z=')")
    kept, address = camera(page), opened.address
    again = opened.go(report, address[1:])
    assert camera(again)[0] == pytest.approx(kept[0], rel=0.02)
    again.click("#zfit")
    assert camera(again)[0] == pytest.approx(1.0)


@pytest.mark.parametrize("zoom", [1, 1.5, 2.2, 3, 4.5, 8, 16])
def test_labels_never_collide(opened: Opened, report: Path, zoom: float) -> None:
    page = opened.go(report)
    page.evaluate(f"window.interestMap.setCamera([{zoom}, 480, 400], 0)")
    page.evaluate("window.interestMap.paint()")
    assert page.evaluate(OVERLAPS)[1] == 0
    page.evaluate("window.interestMap.fit(0); window.interestMap.paint()")
    labels, overlaps = page.evaluate(OVERLAPS)
    assert labels > 3
    assert overlaps == 0


def test_search_flies_to_what_was_chosen_and_back_returns(opened: Opened, report: Path) -> None:
    page = opened.go(report)
    page.fill("#q", "compost")
    page.wait_for_selector(".opt")
    assert "compost" in text(page, "#hits").lower()
    page.evaluate(
        "[...document.querySelectorAll('.opt')].find((o) => /Compact compost/.test(o.textContent))"
        ".dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, cancelable: true}))"
    )
    until(page, "location.hash.includes('i=')")
    until(page, "window.interestMap.camera()[0] > 2")
    assert text(page, "#panel h1") == "Compact compost bins"
    page.go_back()
    until(page, "!location.hash.includes('i=')")
    assert text(page, "#panel h1") == "What they like"
    page.fill("#q", "xyzzy")
    # Going back closes the results a moment later, also those of a search typed meanwhile.
    until(
        page,
        "document.querySelector('#hits .none')?.checkVisibility() || document.querySelector('#q')"
        ".dispatchEvent(new Event('input', {bubbles: true})) && false",
    )
    assert "Nothing about" in text(page, "#hits")


def test_a_theme_filters_a_line_selects_and_escape_returns(opened: Opened, report: Path) -> None:
    page = opened.go(report)
    page.click(".theme >> nth=0")
    assert "t=0" in opened.address
    shown = page.evaluate(
        "window.interestMap.points.filter((p) => window.interestMap.isShown(p)).length"
    )
    assert 0 < shown < page.evaluate("window.interestMap.points.length")
    page.keyboard.press("Escape")
    until(page, "!location.hash.includes('t=')")
    page.click("#lasso")
    box = page.locator("#map").bounding_box()
    assert box is not None
    corners = [(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95)]
    x, y = (box["x"] + 0.05 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(x, y)
    page.mouse.down()
    for across, down in corners:
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=6)
    page.mouse.up()
    until(page, "location.hash.includes('l=')")
    selected = text(page, "#panel h1")
    assert re.fullmatch(r"\d+ interests", selected)
    again = opened.go(report, opened.address[1:])
    assert text(again, "#panel h1") == selected


def test_arrow_keys_walk_enter_pins_and_the_answer_is_one_click_deeper(
    opened: Opened, report: Path
) -> None:
    page = opened.go(report)
    page.focus("#map")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert "Enter to open" in text(page, "#live")
    page.keyboard.press("Enter")
    until(page, "location.hash.includes('i=')")
    page.wait_for_selector(".trail")
    for part in ("that show it", "Neighbouring interests", "Where the words came from", "borrow"):
        assert part in text(page, "#panel")
    assert "First shown in" in text(page, "#panel") or "Shown in" in text(page, "#panel")
    page.click("#panel .disclose >> nth=0")
    assert page.locator("#panel .more-body:not([hidden]) li").count() > 0


def test_the_map_is_a_table_too(opened: Opened, report: Path) -> None:
    page = opened.go(report, "list")
    rows = page.locator("table.interests tbody tr")
    assert rows.count() == len(report_store.labels())
    own = [int(cell) for cell in page.locator("td:nth-child(4)").all_text_contents()]
    assert own == sorted(own, reverse=True)
    page.click("th[data-key=label] button")
    names = page.locator("table.interests tbody th").all_text_contents()
    assert names == sorted(names, key=str.lower)
    assert page.get_attribute("th[data-key=label]", "aria-sort") == "ascending"


def test_an_interest_is_switched_off_and_the_list_follows(opened: Opened, report: Path) -> None:
    page = opened.go(report, "v=people")
    titles = ".rec .rtitle bdi"
    plain = page.locator(titles).all_text_contents()
    assert page.locator(".rec").count() == 6
    switches = page.locator(".steer")
    assert switches.count() >= 3
    changed = False
    for number in range(switches.count()):
        page.locator(".steer").nth(number).click()
        page.wait_for_selector(".told:not(:empty)")
        assert "off=" in opened.address
        told = text(page, ".told")
        now = page.locator(titles).all_text_contents()
        assert ("stays as it is" in told) == (now == plain)
        changed = changed or now != plain
        page.click(".told .link")
        until(page, "!location.hash.includes('off=')")
        assert page.locator(titles).all_text_contents() == plain
    assert changed


def test_a_persons_history_is_walked_and_shown_on_the_map(opened: Opened, report: Path) -> None:
    page = opened.go(report, "v=people")
    assert page.locator(".ev").count() == report_store.EVENTS
    assert page.locator(".ev.hid").count() == 2
    page.locator(".ev").nth(0).hover()
    assert " shows " in text(page, ".read") or "no stored interest" in text(page, ".read")
    assert page.locator(".fly tbody tr").count() > 0
    page.click("text=Show numbers")
    assert page.locator(".nums table").first.is_visible()
    page.click("text=Show on map")
    until(page, "window.interestMap?.lit?.size > 0")
    page.keyboard.press("2")
    until(page, "location.hash.includes('v=people')")


def test_nonsense_in_the_address_is_survived(opened: Opened, report: Path) -> None:
    page = opened.go(report, "i=999999&t=77&z=bad&l=1,2&off=x")
    assert text(page, "#panel h1") == "What they like"
    page = opened.go(report, "v=people&p=NOBODY")
    assert "Nobody called NOBODY" in text(page, ".person")


def test_hostile_words_are_shown_and_not_run(
    browser: Browser, tmp_path: Path, opened: Opened
) -> None:
    path = report_store.fill(tmp_path / "s.db")
    with open_store(path) as store:
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE interests SET description = ?", (EVIL,))
            connection.exec_driver_sql(
                "UPDATE interests SET label = ? WHERE interest_id = 1", (EVIL,)
            )
            connection.exec_driver_sql(
                "UPDATE interests SET label = ? WHERE interest_id = 2", ("أدوات مكتبية وأقلام",)
            )
            connection.exec_driver_sql(
                "UPDATE interests SET label = ? WHERE interest_id = 3", ("x" * 200,)
            )
        write_report(store, tmp_path / "r.html", title=f"</title>{EVIL}", people=3)
    for view in VIEWS:
        page = opened.go(tmp_path / "r.html", view)
        assert page.evaluate("window.owned === undefined")
        assert page.evaluate("document.images.length") == 1  # the picture for paper
    page = opened.go(tmp_path / "r.html", "i=1")
    assert EVIL in text(page, "#panel h1")
    arabic = opened.go(tmp_path / "r.html", "i=2")
    assert arabic.evaluate("getComputedStyle(document.querySelector('#panel h1 bdi')).unicodeBidi")


def test_even_an_injected_script_would_not_run(browser: Browser, report: Path) -> None:
    """The page's policy stands behind the front end: elements added later are refused too."""
    context = browser.new_context()
    found = Opened(context.new_page())
    page = found.go(report)
    page.evaluate(
        "(() => {const s = document.createElement('script'); s.textContent = 'window.owned = 1'; "
        "document.body.append(s)})()"
    )
    assert page.evaluate("window.owned === undefined")
    assert any("Content Security Policy" in line for line in found.complaints)
    context.close()


def test_it_prints_as_a_light_document(opened: Opened, report: Path, tmp_path: Path) -> None:
    page = opened.go(report)
    page.pdf(path=tmp_path / "r.pdf", format="A4", print_background=True)
    assert (tmp_path / "r.pdf").stat().st_size > 50_000
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#shot").is_visible()
    assert page.locator("#quality .check").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_empty_and_tiny_stores_say_so(opened: Opened, tmp_path: Path) -> None:
    with open_store(tmp_path / "e.db", create=True) as store:
        write_report(store, tmp_path / "e.html")
    page = opened.go(tmp_path / "e.html")
    assert "Nobody has been asked yet" in text(page, "#panel")
    assert page.locator("#mapempty").is_visible()
    page = opened.go(tmp_path / "e.html", "v=people")
    assert text(page, ".person").startswith("People")


def test_without_people_the_view_says_why(opened: Opened, tmp_path: Path) -> None:
    with open_store(report_store.fill(tmp_path / "s.db")) as store:
        write_report(store, tmp_path / "n.html", users="none", min_people=3)
    page = opened.go(tmp_path / "n.html", "v=people")
    assert "written without" in text(page, ".person")
    page = opened.go(tmp_path / "n.html", "v=about")
    assert "is in this file: no id" in text(page, "#about")


def test_the_built_page_is_that_of_the_sources(tmp_path: Path) -> None:
    node: Any = shutil.which("node")
    if node is None or not (FRONT_END / "node_modules").is_dir():
        pytest.skip("needs Node and npm install in profiler/reporting/frontend")
    import subprocess

    subprocess.run([node, "build.mjs", tmp_path], cwd=FRONT_END, check=True, capture_output=True)
    committed = FRONT_END.parent / "assets" / "page.html"
    assert (tmp_path / "page.html").read_bytes() == committed.read_bytes()

"""Curation by hand in the explorer: who may change what, and that the page and store follow."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from profiler.reporting.gather import Options
from store.store import Store, open_store
from store.tables.tasks.hints import Hint
from store.upkeep.edits import edit_hint, edits
from store.upkeep.forget import forget_user
from store.upkeep.hint_edits import HintEdit
from tests import report_store
from tests.profiler.reporting.test_in_browser import CHROMIUM, FLAGS, Opened, text

pytest.importorskip("fastapi", reason="needs the extra serve")
from starlette.testclient import TestClient

from profiler.explorer.app import COOKIE, make_app
from profiler.explorer.curation import Curation
from profiler.explorer.lookups import Explorer

HOST = "127.0.0.1:8765"
TOKEN = "let-me-in"
HOME = {"origin": f"http://{HOST}"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(report_store.fill(tmp_path / "s.db")) as opened:
        yield opened


@pytest.fixture
def explorer(store: Store) -> Explorer:
    return Explorer(store, Options(recommending=report_store.Lists(store)), by="Ann")


@pytest.fixture
def client(explorer: Explorer, store: Store) -> TestClient:
    app = make_app(explorer, {HOST}, TOKEN, Curation(store, explorer, "Ann"))
    found = TestClient(app, base_url=f"http://{HOST}", headers=HOME)
    found.cookies.set(COOKIE, TOKEN)
    return found


def ids(client: TestClient) -> list[int]:
    found: list[int] = client.get("/api/atlas").json()["interests"]["id"]
    return found


def make(client: TestClient, **body: Any) -> Any:
    return client.post("/api/changes", json=body)


def test_without_edit_nothing_can_be_changed(store: Store) -> None:
    """Fault: a way to write was there although the explorer was started for reading."""
    explorer = Explorer(store, Options())
    client = TestClient(make_app(explorer, {HOST}, TOKEN), base_url=f"http://{HOST}", headers=HOME)
    client.cookies.set(COOKIE, TOKEN)
    assert client.get("/api/atlas").json()["edit"] is False
    one = ids(client)[0]
    assert make(client, kind="pin", interest=one).status_code == 404
    assert client.post("/api/changes/1/undo").status_code == 404
    assert client.get("/api/changes").status_code == 404
    assert edits(store) == []


def test_token_host_origin_and_json_are_asked_of_a_change(client: TestClient, store: Store) -> None:
    """Fault: a page elsewhere could send a form to the explorer."""
    body = {"kind": "pin", "interest": ids(client)[0]}
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"host": "evil:8765"}):
        assert client.post("/api/changes", json=body, headers=headers).status_code in (403, 421)
    bare = TestClient(client.app, base_url=f"http://{HOST}")
    bare.cookies.set(COOKIE, TOKEN)
    assert bare.post("/api/changes", json=body).status_code == 403
    stranger = TestClient(client.app, base_url=f"http://{HOST}", headers=HOME)
    assert stranger.post("/api/changes", json=body).status_code == 403
    form = client.post(
        "/api/changes",
        content='{"kind": "pin", "interest": 1}',
        headers={"content-type": "text/plain"},
    )
    assert form.status_code == 422
    assert edits(store) == []


def test_rename_pin_merge_and_undo_with_who_and_when(client: TestClient, store: Store) -> None:
    first, second, third = ids(client)[:3]
    renamed = make(client, kind="rename", interest=first, label="Called otherwise").json()
    assert renamed["made_by"] == "Ann"
    assert renamed["made_at"].startswith("20")
    assert "became “Called otherwise”" in renamed["words"]
    assert "Called otherwise" in client.get("/api/atlas").json()["interests"]["label"]
    make(client, kind="pin", interest=second)
    merged = make(client, kind="merge", interest=third, into=second).json()
    assert third not in ids(client)
    listed = client.get("/api/changes").json()["changes"]
    assert [one["kind"] for one in listed] == ["merge", "pin", "rename"]
    of_second = client.get("/api/changes", params={"interest": second}).json()["changes"]
    assert [one["kind"] for one in of_second] == ["merge", "pin"]
    back = client.post(f"/api/changes/{merged['edit']}/undo").json()
    assert (back["undone_by"], back["can_undo"]) == ("Ann", False)
    assert third in ids(client)
    known = {one.edit_id: one for one in edits(store)}
    assert (known[merged["edit"]].made_by, known[merged["edit"]].undone_by) == ("Ann", "Ann")


def test_changes_of_hints_are_listed_and_taken_back(client: TestClient, store: Store) -> None:
    """Fault: a change that is of no interest ended the list of changes."""
    (number,) = store.hints.add([Hint("ranking", "Old words.", "active", "openai:m")])
    made = edit_hint(store, number, HintEdit(text="New words."), by="Bob")
    (listed,) = client.get("/api/changes").json()["changes"]
    assert (listed["interest"], listed["made_by"]) == (None, "Bob")
    assert "became “New words.”" in listed["words"]
    assert client.post(f"/api/changes/{made.edit_id}/undo").json()["undone_by"] == "Ann"
    (hint,) = store.hints.load("ranking")
    assert hint.text == "Old words."


def test_what_is_refused_is_said_as_the_command_says_it(client: TestClient, store: Store) -> None:
    first, second = ids(client)[:2]
    make(client, kind="pin", interest=first)
    for body, said in (
        ({"kind": "pin", "interest": first}, "pinned already"),
        ({"kind": "merge", "interest": first, "into": second}, "is pinned"),
        ({"kind": "merge", "interest": second}, "name the interest"),
        ({"kind": "rename", "interest": second, "label": " "}, "1 to 200 characters"),
        ({"kind": "dispute", "interest": second, "person": "NOBODY"}, "nobody called"),
        ({"kind": "pin", "interest": 10**9}, "no interest"),
    ):
        answer = make(client, **body)
        assert answer.status_code == 400
        assert said in answer.json()["detail"]
    assert make(client, kind="delete", interest=first).status_code == 422
    assert client.post("/api/changes/999/undo").status_code == 400
    assert len(edits(store)) == 1


def test_wrong_for_this_person_and_back(
    client: TestClient, explorer: Explorer, store: Store
) -> None:
    """Fault: a dispute reached everybody, or the person's page went on to show the interest."""
    view = explorer.view()
    name = client.get("/api/people").json()["people"][0]["id"]
    user_id = view.scene.dataset.user_ids[view.user_of[name]]
    numbers = ids(client)
    place = client.get(f"/api/people/{name}").json()["person"]["interests"][0]["i"]
    interest = numbers[place]
    made = make(client, kind="dispute", interest=interest, person=name, why="a present").json()
    assert name in made["words"]
    assert user_id not in str(made)
    shown = client.get(f"/api/people/{name}").json()["person"]["interests"]
    assert interest not in [ids(client)[one["i"]] for one in shown]
    others = client.get(f"/api/interests/{interest}").json()["some"]
    assert others
    assert name not in others
    assert edits(store)[0].payload.why == "a present"
    listed = client.get("/api/changes", params={"person": name}).json()["changes"]
    assert [one["edit"] for one in listed] == [made["edit"]]
    client.post(f"/api/changes/{made['edit']}/undo")
    shown = client.get(f"/api/people/{name}").json()["person"]["interests"]
    assert interest in [ids(client)[one["i"]] for one in shown]


def test_forgetting_reaches_the_changes(
    client: TestClient, explorer: Explorer, store: Store
) -> None:
    """Fault: the list of changes went on to tell of a person who was forgotten."""
    view = explorer.view()
    name = client.get("/api/people").json()["people"][0]["id"]
    user_id = view.scene.dataset.user_ids[view.user_of[name]]
    place = client.get(f"/api/people/{name}").json()["person"]["interests"][0]["i"]
    make(client, kind="dispute", interest=ids(client)[place], person=name, why="a present")
    forget_user(store, user_id)
    told = client.get("/api/changes").text
    assert "a present" not in told
    assert name not in told
    assert make(client, kind="dispute", interest=1, person=name).status_code == 400


@contextmanager
def browsing(explorer: Explorer, store: Store) -> Iterator[Opened]:
    """A page of the explorer that may edit, in a real browser."""
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH; install Debian's package chromium to run this test")
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = make_app(explorer, {f"127.0.0.1:{port}"}, TOKEN, Curation(store, explorer, "Ann"))
    server: Any = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        with api.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            found = Opened(browser.new_context(reduced_motion="reduce").new_page())
            found.page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
            found.page.wait_for_selector("body.ready")
            yield found
            browser.close()
    finally:
        server.should_exit = True
        thread.join(10)


def changed(page: Any, press: str) -> None:
    """Press something that changes the store, and wait until the page was read anew."""
    with page.expect_navigation():
        page.click(press)
    page.wait_for_selector("body.ready")


def test_every_change_by_hand_in_a_browser(explorer: Explorer, store: Store) -> None:
    """Rename, pin, merge, undo and "wrong for this person", as a person does them."""
    with browsing(explorer, store) as found:
        page = found.page
        assert text(page, "#badge") == "live, editing"
        page.click("#panel .rowlink >> nth=0")
        page.wait_for_selector(".curation")
        page.fill(".curation .field input >> nth=0", "<b>Called</b> otherwise")
        changed(page, ".curation button:has-text('Rename')")
        page.wait_for_selector("h1:has-text('<b>Called</b> otherwise')")
        assert "Called" in text(page, "#live")

        changed(page, ".curation button:has-text('Keep apart')")
        page.wait_for_selector(".edits li >> nth=1")
        page.click(".curation button:has-text('Keep apart')")
        page.wait_for_selector(".refused:has-text('pinned already')")

        page.fill(".curation .field input >> nth=1", "99999")
        page.click(".curation button:has-text('Merge')")  # refused: the page stays as it was
        page.wait_for_selector(".refused:has-text('no interest 99999')")
        assert page.is_visible(".curation")

        other = page.evaluate("document.querySelector('#merge-into option').value")
        here = page.evaluate("location.hash.match(/i=(\\d+)/)[1]")
        page.goto(page.url.split("#")[0] + f"#i={other}")
        page.wait_for_selector(f".trail:has-text('Interest {other}')")
        page.fill(".curation .field input >> nth=1", here)
        changed(page, ".curation button:has-text('Merge')")
        page.wait_for_selector("h1:has-text('otherwise')")
        changed(page, ".edits button:has-text('Undo') >> nth=0")
        page.wait_for_selector(".edits .undone")
        assert "Ann" in text(page, ".edits .undone")

        page.click("#tab-people")
        page.wait_for_selector(".irow")
        wrong = text(page, ".irow .rowtitle >> nth=0")
        page.click(".irow .iswrong >> nth=0")
        page.fill(".irow .wrong input >> nth=0", "a present")
        changed(page, ".irow .wrong button >> nth=0")
        page.wait_for_selector(".person .edits li:has-text('a present')")
        assert wrong not in [one.inner_text() for one in page.locator(".irow .rowtitle").all()]
        changed(page, ".person .edits button:has-text('Undo')")
        page.wait_for_selector(f".irow .rowtitle:has-text({wrong!r})")
        refused = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
        assert found.complaints == [refused, refused]
    kinds = [(one.kind, one.made_by, bool(one.undone_at)) for one in edits(store)]
    assert kinds == [
        ("dispute", "Ann", True),
        ("merge", "Ann", True),
        ("pin", "Ann", False),
        ("rename", "Ann", False),
    ]

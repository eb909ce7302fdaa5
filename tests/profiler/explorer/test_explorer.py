"""The explorer: typed answers about the live store, for whoever has the token and nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiler.reporting.gather import Options, gather
from store.store import Store, open_store
from store.upkeep.edits import rename
from store.upkeep.forget import forget_user
from tests import report_store
from tests.profiler.reporting.test_in_browser import CHROMIUM, FLAGS, Opened, text

pytest.importorskip("fastapi", reason="needs the extra serve")
from starlette.testclient import TestClient

from profiler.explorer.app import COOKIE, make_app
from profiler.explorer.lookups import Explorer

HOST = "127.0.0.1:8765"
TOKEN = "let-me-in"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(report_store.fill(tmp_path / "s.db")) as opened:
        yield opened


@pytest.fixture
def explorer(store: Store) -> Explorer:
    return Explorer(store, Options(recommending=report_store.Lists(store)))


@pytest.fixture
def client(explorer: Explorer) -> TestClient:
    found = TestClient(make_app(explorer, {HOST}, TOKEN), base_url=f"http://{HOST}")
    found.cookies.set(COOKIE, TOKEN)
    return found


def test_only_who_showed_the_token_to_the_right_host_is_answered(explorer: Explorer) -> None:
    app = make_app(explorer, {HOST}, TOKEN)
    client = TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)
    for path in ("/", "/api/atlas", "/api/openapi.json", "/api", "/?token=wrong"):
        assert client.get(path).status_code == 403
    opened = client.get(f"/?token={TOKEN}")
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    assert "HttpOnly" in opened.headers["set-cookie"]
    assert "SameSite=strict" in opened.headers["set-cookie"]
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/api/atlas", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/api/atlas", headers={"origin": f"http://{HOST}"}).status_code == 200
    assert client.post("/api/atlas").status_code == 403
    assert client.post("/api/atlas", headers={"origin": f"http://{HOST}"}).status_code == 405


def test_nothing_may_be_kept_or_read_by_others(client: TestClient) -> None:
    for path in ("/", "/api/atlas", "/api/people/nobody"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    page = client.get("/").text
    assert "connect-src 'self'" in page
    assert 'id="data"' not in page


def test_the_atlas_is_the_reports(client: TestClient, store: Store) -> None:
    atlas = client.get("/api/atlas").json()
    report = gather(store, Options(people=0)).model_dump(mode="json", exclude_defaults=True)
    for part in ("themes", "parts", "counts", "largest"):
        assert atlas[part] == report[part]
    assert atlas["interests"]["label"] == report["interests"]["label"]
    assert "evidence" not in atlas["interests"]
    assert atlas["live"] is True


def test_an_interest_is_the_reports(client: TestClient, store: Store) -> None:
    report = gather(store, Options(people=0))
    place = 3
    number = report.interests.id[place]
    found = client.get(f"/api/interests/{number}").json()
    assert found["description"] == report.interests.description[place]
    titles = [found["titles"][str(item)] for item in found["evidence"]]
    assert titles == [report.items[item] for item in report.interests.evidence[place]]
    assert [tuple(one) for one in found["near"]] == report.interests.near[place]
    assert (found["first"], found["last"]) == (
        report.interests.first[place],
        report.interests.last[place],
    )
    assert len(found["some"]) == min(30, report.interests.own[place])
    assert client.get("/api/interests/99999").status_code == 404
    assert client.get("/api/interests/x").status_code == 422


def test_people_are_found_and_described(client: TestClient, store: Store) -> None:
    everybody = client.get("/api/people").json()["people"]
    assert len(everybody) == 60
    name = everybody[0]["id"]
    assert "@" not in name
    found = client.get(f"/api/people/{name}").json()
    assert found["person"]["id"] == name
    items = {str(item) for item, *_ in found["person"]["history"]}
    assert items <= set(found["titles"])
    assert client.get("/api/people", params={"q": name[:4]}).json()["people"][0]["id"] == name
    fans = client.get("/api/people", params={"q": "compost"}).json()["people"]
    assert 0 < len(fans) < 60
    assert client.get("/api/people/NOBODY").status_code == 404
    ids = store.datasets.load().user_ids
    assert not [user for user in ids if user in client.get(f"/api/people/{name}").text]


def test_lists_follow_any_interest(client: TestClient, store: Store) -> None:
    name = client.get("/api/people").json()["people"][0]["id"]
    person = client.get(f"/api/people/{name}").json()["person"]
    atlas = client.get("/api/atlas").json()
    off = [atlas["interests"]["id"][one["i"]] for one in person["interests"][:3]]
    path = f"/api/people/{name}/list"
    plain = client.get(path).json()
    assert plain["changed"] is False
    without = client.get(path, params={"without": ",".join(map(str, off))}).json()
    assert without["changed"] == (
        [one["item"] for one in without["reasons"]] != [one["item"] for one in plain["reasons"]]
    )
    assert client.get(path, params={"without": "1;drop"}).status_code == 422


def test_search_finds_by_words_and_by_what_shows_them(client: TestClient) -> None:
    atlas = client.get("/api/atlas").json()
    hits = client.get("/api/search", params={"q": "compo"}).json()["interests"]
    labels = [atlas["interests"]["label"][hit["i"]] for hit in hits]
    assert any("compost" in label for label in labels)
    for odd in ('"', "(((", "*", "NEAR(", "é" * 200, "%", "' OR 1"):
        assert client.get("/api/search", params={"q": odd}).status_code == 200
    assert client.get("/api/search", params={"q": "x" * 201}).status_code == 422


def test_forgetting_reaches_what_is_kept_in_memory(
    client: TestClient, explorer: Explorer, store: Store
) -> None:
    # Made by a cache that went on telling of a person who was forgotten.
    before = explorer.view()
    name, user = next(iter(before.user_of.items()))
    user_id = before.scene.dataset.user_ids[user]
    assert client.get(f"/api/people/{name}").status_code == 200
    forget_user(store, user_id)
    assert client.get(f"/api/people/{name}").status_code == 404
    assert len(client.get("/api/people").json()["people"]) == 59
    assert user_id not in explorer.view().scene.dataset.user_ids
    assert client.get("/api/atlas").json()["counts"]["people"] == 59


def test_a_change_by_hand_is_seen_at_once(client: TestClient, store: Store) -> None:
    atlas = client.get("/api/atlas").json()
    rename(store, atlas["interests"]["id"][0], "Called otherwise")
    assert "Called otherwise" in client.get("/api/atlas").json()["interests"]["label"]


def test_answers_are_described_by_openapi(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    assert {"/api/atlas", "/api/search", "/api/people/{name}"} <= set(described["paths"])
    assert {"get"} == {method for path in described["paths"].values() for method in path}
    assert "One interest" in client.get("/api").text


def test_it_works_in_a_browser(explorer: Explorer) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH; install Debian's package chromium to run this test")
    api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    import uvicorn

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = make_app(explorer, {f"127.0.0.1:{port}"}, TOKEN)
    server: Any = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        with api.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            found = Opened(browser.new_context(reduced_motion="reduce").new_page())
            page = found.page
            page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
            page.wait_for_selector("body.ready")
            assert text(page, "#badge") == "live"
            page.click("#panel .rowlink >> nth=0")
            page.wait_for_selector(".trail")
            page.fill("#q", "compost")
            page.wait_for_selector(".opt")
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")
            page.click("#tab-people")
            page.wait_for_selector(".rec .why")
            for switch in (0, 1):  # two at once: a file holds one
                page.locator(".steer").nth(switch).click()
                page.wait_for_selector(".told:not(:empty)")
            assert page.locator(".isoff").count() == 2
            assert found.complaints == []
            assert all(url.startswith(f"http://127.0.0.1:{port}/") for url in found.requests)
            browser.close()
    finally:
        server.should_exit = True
        thread.join(10)

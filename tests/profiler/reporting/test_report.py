from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from profiler.reporting.people import sample_users
from profiler.reporting.render import policy, script_data
from profiler.reporting.report import spread, write_report
from store.errors import UserError
from store.store import open_store
from tests.reading_store import fill, runner

EVIL = '<script>document.title="owned"</script><img src="http://127.0.0.1:1/x" onerror="alert(1)">'


class Page(HTMLParser):
    """Elements, attributes and text of a page, script data apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return fill(tmp_path / "s.db")


def page_of(store: Path, out: Path, **options: Any) -> str:
    with open_store(store) as opened:
        write_report(opened, out, overwrite=True, **options)
    return out.read_text("utf-8")


def test_the_command_writes_a_page_with_every_part(
    store: Path, tmp_path: Path, capsys: Any
) -> None:
    run = runner(capsys)
    out = tmp_path / "r.html"
    code, said, _ = run("report", "--store", store, "--out", out)
    assert code == 0
    assert said.startswith(f"{out}: 4 of 4 interests and 5 of 5 users")
    page = Page(out.read_text("utf-8"))
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert {"map", "coverage", "sizes", "clouds", "people", "card"} <= ids
    text = " ".join(page.text)
    for part in ("Gel pens and refills", "customer-bob", "leave-one-out", "openai:m", "$0.0300"):
        assert part in text
    code, _, said = run("report", "--store", store, "--out", out)
    assert (code, "exists already" in said) == (2, True)
    code, said, _ = run("report", "--store", store, "--out", out, "--json", "--overwrite")
    assert json.loads(said)["bytes"] == out.stat().st_size


def test_the_page_needs_nothing_from_outside(store: Path, tmp_path: Path) -> None:
    html = page_of(store, tmp_path / "r.html")
    page = Page(html)
    for _, attributes in page.tags:
        assert not {"src", "srcset", "data", "poster", "style"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert page.count("script") == 2
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]  # type: ignore[index]
    script = re.findall(r"<script>(.*?)</script>", html, re.S)[0]
    stated = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert stated == policy(style, script)
    assert "unsafe" not in stated


def test_the_same_store_gives_the_same_bytes(store: Path, tmp_path: Path) -> None:
    assert page_of(store, tmp_path / "a.html") == page_of(store, tmp_path / "b.html")


def test_hostile_titles_and_labels_are_shown_not_run(store: Path, tmp_path: Path) -> None:
    clean = Page(page_of(store, tmp_path / "clean.html"))
    with open_store(store) as opened, opened.write() as connection:
        connection.exec_driver_sql("UPDATE items SET title = ? || item_id", (EVIL,))
        connection.exec_driver_sql("UPDATE interests SET description = ?", ("</script>" + EVIL,))
    html = page_of(store, tmp_path / "evil.html")
    evil = Page(html)
    assert {tag for tag, _ in evil.tags} <= {tag for tag, _ in clean.tags}
    assert evil.count("script") == 2
    assert evil.count("img") == 0
    assert EVIL in " ".join(evil.text)
    assert "<script>document" not in html


def test_script_data_cannot_end_its_element() -> None:
    value = ["</script><!--", "a & b > c", "\u2028"]
    text = str(script_data(value))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_a_store_without_anything_still_has_a_page(tmp_path: Path) -> None:
    with open_store(tmp_path / "e.db", create=True) as opened:
        write_report(opened, tmp_path / "r.html")
    text = " ".join(Page((tmp_path / "r.html").read_text("utf-8")).text)
    assert "there is no map" in text
    assert "Every subject has usable interests" in text


def test_users_are_sampled_from_every_cluster_and_by_the_seed_alone(store: Path) -> None:
    with open_store(store) as opened:
        two = sample_users(opened, seed=3, most=2)
        everyone = sample_users(opened, seed=3)
    # One of each exemplar's cluster, the larger first.
    assert two[0] in {"customer-ada", "customer-bob", "customer-eve"}
    assert two[1] in {"customer-cyd", "customer-dee"}
    assert sorted(everyone) == [f"customer-{name}" for name in ("ada", "bob", "cyd", "dee", "eve")]
    assert everyone[:2] == two


def test_a_large_catalogue_is_thinned_at_even_steps() -> None:
    entries = [{"interest_id": i} for i in range(10)]
    assert [e["interest_id"] for e in spread(entries, 4)] == [0, 2, 5, 7]
    assert spread(entries, 10) == entries


def test_figures_of_a_model_with_and_without_intervals(store: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    card = {"backbone": "remi", "split": "leave-one-out", "metrics": {"valid": {"ndcg@10": 0.25}}}
    (model / "manifest.json").write_text(json.dumps(card))
    text = " ".join(Page(page_of(store, tmp_path / "r.html", model=model)).text)
    assert "0.2500" in text
    assert "recommender evaluate" in text
    assert "trained on other data" in text
    evaluation = {
        "protocol": {"part": "test", "users": 5, "candidates": "all items"},
        "metrics": {"recall@10": {"mean": 0.5, "margin95": 0.125}},
        "popularity": {"recall@10": 0.0625},
    }
    (model / "evaluation.json").write_text(json.dumps(evaluation))
    text = " ".join(Page(page_of(store, tmp_path / "r.html", model=model)).text)
    assert "0.3750 to 0.6250" in text
    assert "0.0625" in text
    assert "recommender evaluate" not in text


def test_what_cannot_be_written_or_read_is_a_plain_message(store: Path, tmp_path: Path) -> None:
    with open_store(store) as opened:
        for out, model, words in (
            (tmp_path, None, "is a folder"),
            (tmp_path / "no" / "r.html", None, "no folder"),
            (store, None, "which this command reads"),
            (tmp_path / "r.html", tmp_path, "manifest.json is missing"),
        ):
            with pytest.raises(UserError, match=words):
                write_report(opened, out, model=model)
    assert not (tmp_path / "r.html").exists()
    assert open_store(store).meta("encoder") == "m"


def test_a_report_loads_no_torch(store: Path, tmp_path: Path) -> None:
    code = (
        "import sys, cli; cli.run(cli.profiler_app, 'profiler', sys.argv[1:]); "
        "print('torch' in sys.modules)"
    )
    arguments = ["report", "--store", str(store), "--out", str(tmp_path / "r.html")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"

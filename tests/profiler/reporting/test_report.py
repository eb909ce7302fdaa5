"""The report as a file: what is in it, what is not, and what could never run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from profiler.exchange.interests import import_interests
from profiler.reporting.gather import Options, gather
from profiler.reporting.page import ASSETS, PAGE, render, script_data, served
from profiler.reporting.people.sampling import sample_users
from profiler.reporting.report import write_report
from profiler.reporting.shared.contract import Interests, Report
from profiler.reporting.shared.pseudonyms import Names, looks_like_address
from store.errors import UserError
from store.store import open_store
from tests import report_store
from tests.reading_store import fill, runner

EVIL = '<script>document.title="owned"</script><img src="http://127.0.0.1:1/x" onerror="alert(1)">'


class Page(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return fill(tmp_path / "s.db")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_store.fill(tmp_path_factory.mktemp("planted") / "s.db")


def page_of(store: Path, out: Path, **options: Any) -> str:
    with open_store(store) as opened:
        write_report(opened, out, overwrite=True, **options)
    return out.read_text("utf-8")


def data_of(html: str) -> dict[str, Any]:
    """The data inside a page, as its script reads it."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_command_writes_a_page_with_every_part(
    store: Path, tmp_path: Path, capsys: Any
) -> None:
    run = runner(capsys)
    out = tmp_path / "r.html"
    code, said, _ = run("report", "--store", store, "--out", out, "--title", "Our shop")
    assert code == 0
    assert said.startswith(f"{out}: 4 of 4 interests and 5 of 5 users")
    data = data_of(out.read_text("utf-8"))
    assert data["meta"]["title"] == "Our shop"
    assert "Gel pens and refills" in data["interests"]["label"]
    card = json.dumps(data["run"])
    for part in ("leave-one-out", "openai:m", "$0.0300"):
        assert part in card
    code, _, said = run("report", "--store", store, "--out", out)
    assert (code, "exists already" in said) == (2, True)
    code, said, _ = run("report", "--store", store, "--out", out, "--json", "--overwrite")
    assert json.loads(said)["bytes"] == out.stat().st_size


def test_the_page_needs_nothing_from_outside(store: Path, tmp_path: Path) -> None:
    html = page_of(store, tmp_path / "r.html")
    page = Page(html)
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "data", "poster", "style"} & set(attributes), tag
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    stated = next(a["content"] for _, a in page.tags if a.get("http-equiv")) or ""
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]  # type: ignore[index]
    script = re.findall(r"<script>(.*?)</script>", html, re.S)[0]
    for kind, content in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in stated
    assert "default-src 'none'" in stated
    assert "connect-src 'none'" in stated
    assert "unsafe" not in stated
    assert "connect-src 'self'" in served()
    assert 'id="data"' not in served()


def test_the_same_store_gives_the_same_bytes(planted: Path, tmp_path: Path) -> None:
    assert page_of(planted, tmp_path / "a.html") == page_of(planted, tmp_path / "b.html")


def test_hostile_titles_and_labels_add_no_element(store: Path, tmp_path: Path) -> None:
    clean = Page(page_of(store, tmp_path / "clean.html"))
    with open_store(store) as opened, opened.write() as connection:
        connection.exec_driver_sql("UPDATE items SET title = ? || item_id", (EVIL,))
        connection.exec_driver_sql("UPDATE interests SET description = ?", ("</script>" + EVIL,))
    html = page_of(store, tmp_path / "evil.html", title=f"</title>{EVIL}")
    assert [tag for tag, _ in Page(html).tags] == [tag for tag, _ in clean.tags]
    assert any(EVIL in title for title in data_of(html)["items"])


def test_script_data_cannot_end_its_element() -> None:
    value = ["</script><!--", "a & b > c", "\u2028"]
    text = str(script_data(value))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_a_store_without_anything_still_has_a_page(tmp_path: Path) -> None:
    with open_store(tmp_path / "e.db", create=True) as opened:
        report = gather(opened, Options())
        write_report(opened, tmp_path / "r.html")
    assert report.findings[0][0].text.startswith("Nobody has been asked yet")
    assert (report.checks, report.people, report.verdict.state) == ([], [], "unknown")


def test_the_contract_lets_nothing_unknown_in(planted: Path) -> None:
    with open_store(planted) as opened:
        report = gather(opened, Options(people=1))
    document = json.loads(report.model_dump_json())
    assert Report.model_validate(document) == report
    with pytest.raises(ValidationError, match="extra"):
        Report.model_validate(document | {"surprise": 1})
    columns = document["interests"]
    columns["label"] = columns["label"][1:]
    with pytest.raises(ValidationError, match="different length"):
        Interests.model_validate(columns)


def test_two_thousand_interests_take_at_most_a_megabyte_and_a_half(planted: Path) -> None:
    with open_store(planted) as opened:
        whole = gather(opened, Options())
    page, n = len((ASSETS / PAGE).read_bytes()), len(whole.interests.id)
    data = len(render(whole).encode()) - page
    people = len(script_data([p.model_dump(exclude_defaults=True) for p in whole.people]))
    each = (data - people) / n
    assert page + people + 2_000 * each < 1_500_000


# --- people and privacy --------------------------------------------------------------------------
def test_no_user_id_is_in_a_page_unless_asked_for(planted: Path, tmp_path: Path) -> None:
    # Made by a page that held the addresses of those it sampled.
    html = page_of(planted, tmp_path / "r.html")
    with open_store(planted) as opened:
        ids = opened.datasets.load().user_ids
    assert not [user for user in ids if user in html]
    data = data_of(html)
    assert len({person["id"] for person in data["people"]}) == len(data["people"]) == 48
    real = data_of(page_of(planted, tmp_path / "i.html", users="ids", people=3))
    assert {person["id"] for person in real["people"]} <= set(ids)


def test_nobody_is_in_a_page_without_people(store: Path, tmp_path: Path) -> None:
    html = page_of(store, tmp_path / "r.html", users="none")
    data = data_of(html)
    assert "people" not in data or data["people"] == []
    assert data["questions"] == []
    assert all(origin["name"] == "" for origin in data["origins"])
    assert all(origin["shown"] == [] for origin in data["origins"])
    assert "customer-" not in html
    assert "Somebody called" not in html
    shown = data_of(page_of(store, tmp_path / "p.html"))
    assert any(origin["shown"] for origin in shown["origins"])
    assert data_of(page_of(store, tmp_path / "z.html", people=0))["people"] == []


def test_interests_below_the_floor_are_named_nowhere(store: Path, tmp_path: Path) -> None:
    # Made by an interest that reached one person and told of it.
    html = page_of(store, tmp_path / "r.html", min_people=3)
    data = data_of(html)
    assert data["interests"]["people"]
    assert min(data["interests"]["people"]) >= 3
    assert data["meta"]["floor"]["hidden"] == 0
    with open_store(store) as opened:
        everything = gather(opened, Options())
        few = gather(opened, Options(min_people=5))
    hidden = set(everything.interests.label) - set(few.interests.label)
    assert few.meta.floor.hidden == len(hidden) > 0
    text = render(few)
    assert not [label for label in hidden if f'"{label}"' in text]


def test_pseudonyms_are_the_stores_own_and_never_collide() -> None:
    ids = [f"user-{n}" for n in range(20_000)]
    names = Names(ids, "secret")
    found = [names.of(user) for user in range(len(ids))]
    assert len(set(found)) == len(ids)
    assert Names(ids, "secret").of(7) == found[7]
    assert Names(ids, "another").of(7) != found[7]
    assert names.other("blend") not in found
    assert Names(ids, "secret", "none").of(7) == Names(ids, "secret", "none").other("x") == ""
    assert Names(ids, "secret", "ids").of(7) == "user-7"


def test_what_looks_like_an_address() -> None:
    assert looks_like_address("Ann <ann@example.com>")
    assert not looks_like_address("ann at example")


def test_people_are_sampled_from_every_group_and_by_the_seed_alone(store: Path) -> None:
    with open_store(store) as opened:
        dataset = opened.datasets.load()
        two = [dataset.user_ids[u] for u in sample_users(opened, dataset, seed=3, most=2)]
        every = [dataset.user_ids[u] for u in sample_users(opened, dataset, seed=3)]
        assert sample_users(opened, dataset, most=0) == []
    # One of each exemplar's cluster, the larger first.
    assert two[0] in {"customer-ada", "customer-bob", "customer-eve"}
    assert two[1] in {"customer-cyd", "customer-dee"}
    assert sorted(every) == [f"customer-{name}" for name in ("ada", "bob", "cyd", "dee", "eve")]
    assert every[:2] == two


def test_a_person_with_interests_what_was_hidden_and_who_stands_for_them(store: Path) -> None:
    with open_store(store) as opened:
        report = gather(opened, Options(users="ids"))
    bob = next(person for person in report.people if person.id == "customer-bob")
    titles = [report.items[item] for item, _, _, _ in bob.history]
    assert titles[0] == "Gel pen with fine tip"
    assert [hidden for _, _, hidden, _ in bob.history] == [0, 0, 1, 1]
    labels = [report.interests.label[one.i] for one in bob.interests]
    assert labels == ["Gel pens and refills", "Paper shredding"]
    assert bob.interests[0].share == 0.5
    assert report.origins[bob.representative].name == "customer-ada"
    assert bob.close == 0.5
    assert [report.items[one.item] for one in bob.hidden] == [
        "Cross-cut paper shredder",
        "Clear desk tape",
    ]
    theirs = {word for word, _, _ in bob.their_words}
    assert {"gel", "pens", "shredding"} <= {word for word, _, _ in bob.own_words}
    assert all((word in theirs) == bool(both) for word, _, both in bob.own_words)
    assert {word: both for word, _, both in bob.own_words}["shredding"] == 0
    answer = next(o for o in report.origins if o.name == "customer-ada")
    assert [label for _, label, _ in answer.answer] == ["Gel pens and refills", "Recycled paper"]
    assert answer.raw is not None
    assert "answer on exemplar" in answer.raw


def test_lists_come_with_reasons_and_without_one_interest_or_another(planted: Path) -> None:
    with open_store(planted) as opened:
        lists = report_store.Lists(opened)
        report = gather(opened, Options(recommending=lists, people=6, users="ids"))
        for person in report.people:
            found = person.recommendations
            assert found is not None
            plain = lists.recommend(person.id, 6)
            titles = [report.items[found.reasons[place].item] for place in found.items]
            dataset = lists.data
            assert titles == [dataset.titles[dataset.item_index[item]] for item in plain]
            assert [one.i for one in found.steered] == [one.i for one in person.interests[:6]]
            for one in found.steered:
                off = report.interests.id[one.i]
                without = lists.recommend(person.id, 6, without=[off])
                assert one.changed == (without != plain)
                assert [report.items[found.reasons[p].item] for p in one.items] == [
                    dataset.titles[dataset.item_index[item]] for item in without
                ]
        assert any(one.changed for p in report.people for one in p.recommendations.steered)  # type: ignore[union-attr]


def test_the_sentence_claims_an_interest_only_where_it_is_on_the_map(planted: Path) -> None:
    with open_store(planted) as opened:
        report = gather(opened, Options(recommending=report_store.Lists(opened)), most=5)
    for person in report.people:
        assert person.recommendations is not None
        for reason in person.recommendations.reasons:
            assert (reason.tier == "none") == (reason.i < 0)


# --- the run card --------------------------------------------------------------------------------
def test_after_an_import_the_card_shows_the_import(planted: Path, tmp_path: Path) -> None:
    # Made by a card that went on showing the settings of a build whose interests were replaced.
    copy = report_store.fill(tmp_path / "s.db")
    with open_store(copy) as opened:
        dataset = opened.datasets.load()
        user = dataset.user_ids[0]
        item = dataset.item_ids[int(dataset.history(0)[0])]
        file = tmp_path / "made.jsonl"
        row = {"user_id": user, "interests": [{"label": "Tea", "evidence": [item]}]}
        file.write_text(json.dumps(row))
        import_interests(opened, file, name="elsewhere")
        report = gather(opened, Options())
    first = report.run[0]
    assert first.title == "The run that brought the interests: import-interests"
    assert ("name", "elsewhere") in first.rows


def test_what_cannot_be_written_or_read_is_a_plain_message(store: Path, tmp_path: Path) -> None:
    with open_store(store) as opened:
        for out, options, words in (
            (tmp_path, {}, "is a folder"),
            (tmp_path / "no" / "r.html", {}, "no folder"),
            (store, {}, "which this command reads"),
            (tmp_path / "r.html", {"model": tmp_path}, r"manifest\.json is missing"),
            (tmp_path / "r.html", {"users": "names"}, "users 'names'"),
            (tmp_path / "r.html", {"people": -1}, "people -1"),
            (tmp_path / "r.html", {"min_people": 0}, "min_people 0"),
            (tmp_path / "r.html", {"things": "toy"}, "things 'toy'"),
        ):
            with pytest.raises(UserError, match=words):
                write_report(opened, out, **options)  # type: ignore[arg-type]
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

"""Everything a command does is one function: open stores or paths in, frames and rows out."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import profiler
from store.errors import StoreError, UserError
from store.upkeep.duplicates import merge_duplicates
from tests.reading_store import PENS, SHREDDING, fill


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = fill(tmp_path_factory.mktemp("api") / "s.db")
    with profiler.open_store(path) as store:
        merge_duplicates(store)
    return path


def test_what_is_public_can_be_found() -> None:
    """Made by packages of which tab completion listed nothing."""
    verbs = {"check", "build", "open_store", "show", "explain", "search", "interests"}
    verbs |= {"compare", "evaluate", "report", "export", "status"}
    assert verbs <= set(dir(profiler)) & set(profiler.__all__)
    for verb in verbs:
        assert getattr(profiler, verb).__doc__


def test_the_catalogue_is_a_frame_from_a_path_and_from_an_open_store(path: Path) -> None:
    by_path = profiler.interests(path)
    with profiler.open_store(path) as store:
        assert profiler.interests(str(path)).equals(by_path)
        assert profiler.interests(store).equals(by_path)
        assert profiler.interests(store, limit=1).height == 1, "the store stays open"
    pens = by_path.filter(label=PENS.label).row(0, named=True)
    assert (pens["users"], pens["items"], pens["merged"]) == (3, 2, 1)


def test_interests_of_users_are_one_frame(path: Path) -> None:
    found = profiler.interests(path, ["customer-bob", "customer-ada"])
    assert found["user_id"].to_list() == ["customer-bob"] * 2
    assert found["share"].to_list() == pytest.approx([0.6, 0.3])
    assert found["items"].to_list()[1] == ["Cross-cut paper shredder"]
    assert profiler.interests(path, "customer-ada").schema == found.schema
    with pytest.raises(StoreError, match="did you mean 'customer-bob'"):
        profiler.interests(path, ["customer-bop"])


def test_search_show_explain_and_compare(path: Path) -> None:
    hits = profiler.search(path, "gel pens", 5)
    assert hits["label"][0] == PENS.label
    assert hits["shown_by"][0].to_list() == ["Gel pen with fine tip", "Refill for gel pens"]
    assert profiler.search(path, "xylophone").is_empty()
    profile = profiler.show(path, "customer-bob")
    assert repr(profile) == (
        "<UserProfile customer-bob: 4 interactions, 2 interests of their own, "
        "exemplar:customer-ada>"
    )
    why = profiler.explain(path, "customer-bob", "shred")
    assert str(why).startswith("Cross-cut paper shredder for customer-bob: It is one of the items")
    assert why.interests[0].label == SHREDDING.label
    assert profiler.compare(path, "customer-bob").exemplar.user_id == "customer-ada"


def test_notebooks_get_escaped_tables(tmp_path: Path) -> None:
    path = fill(tmp_path / "s.db")
    with profiler.open_store(path) as store:
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE items SET title = '<script>x</script>' WHERE item_id = 'tape'"
            )
        page = profiler.show(store, "customer-bob")._repr_html_()
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert "<th>users</th><td>5</td>" in store._repr_html_()
        assert repr(store) == f"<Store {path}>"


def test_measures_are_a_frame(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = profiler.evaluate(path, k=2)
    assert found.columns == ["measure", "part", "value", "low", "high"]
    assert found.filter(measure="groundedness")["value"].to_list() == [1.0]
    assert capsys.readouterr().err.startswith("measuring (")
    profiler.evaluate(path, k=2, progress=False)
    assert capsys.readouterr().err == ""


def test_files_are_written_and_errors_speak_of_parameters(path: Path, tmp_path: Path) -> None:
    told: list[str] = []
    written = profiler.report(
        path, tmp_path / "r.html", progress=lambda step, done, total: told.append(step)
    )
    assert written.out.is_file()
    assert told == ["gathering what the report shows"]
    found = profiler.export(path, tmp_path / "out", "parquet")
    assert pl.read_parquet(found[0]["file"]).height == found[0]["rows"]
    with pytest.raises(UserError, match="`format` 'xls'"):
        profiler.export(path, tmp_path / "out", "xls")  # type: ignore[arg-type]
    assert json.dumps(profiler.status(path).to_json())


def test_check_reads_frames_and_says_what_it_found() -> None:
    columns = {"user_id": ["a", "a", "b"], "item_id": ["x", "y", "x"], "timestamp": [1, 2, 3]}
    log = pl.DataFrame(columns)
    found = profiler.check(log)
    assert (found.users, found.items, found.interactions) == (2, 2, 3)
    assert "interactions: 3" in str(found)
    assert "<th>interactions</th><td>3</td>" in found._repr_html_()

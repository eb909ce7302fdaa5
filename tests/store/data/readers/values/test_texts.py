"""Titles, categories and what else an item file has: as people read them, and always JSON."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.data.readers import ReadOptions, read
from store.data.readers.values.categories import flatten, separator_of, split_texts
from store.data.readers.values.entities import unescape
from store.data.readers.values.extra import json_object

LOG = "user_id,item_id,timestamp\nu,i,1391126400\nu,j,1391126401\n"


def items(tmp_path, text: str, name: str = "items.csv", **options):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / name).write_text(text)
    return read(tmp_path / "log.csv", ReadOptions(items=tmp_path / name, **options))


class TestEntities:
    @pytest.mark.parametrize("kind", ["csv", "tsv", "json", "parquet", "frame", "rows", "recbole"])
    def test_in_every_reader(self, tmp_path, kind):
        # In 0.1.0 only the Amazon reader unescaped: 1,569 of 11,758 titles of one shop kept theirs.
        title, wanted = "Tom &amp; Jerry&#39;s &quot;best&quot;", 'Tom & Jerry\'s "best"'
        path = "Books &amp; more|Kids"
        if kind == "csv":
            raw = items(tmp_path, f'item_id,title,categories\ni,"{title}",{path}\n')
        elif kind == "tsv":
            raw = items(tmp_path, f"item_id\ttitle\tcategories\ni\t{title}\t{path}\n", "items.tsv")
        elif kind == "json":
            record = {"asin": "i", "title": title, "categories": path.split("|")}
            raw = items(tmp_path, json.dumps(record), "meta.json")
        elif kind == "recbole":
            text = f"item_id:token\ttitle:token_seq\tcategories:token_seq\ni\t{title}\t{path}\n"
            raw = items(tmp_path, text, "x.item")
        elif kind == "rows":
            log = tmp_path / "log.csv"
            log.write_text(
                f'user_id,item_id,timestamp,title,categories\nu,i,1391126400,"{title}",{path}\n'
            )
            raw = read(log)
        else:
            frame = pl.DataFrame({"item_id": ["i"], "title": [title], "categories": [path]})
            log = pl.DataFrame({"user_id": "u", "item_id": "i", "timestamp": [1391126400]})
            if kind == "frame":
                raw = read((log, frame))
            else:
                frame.write_parquet(tmp_path / "items.parquet")
                raw = read(log, ReadOptions(items=tmp_path / "items.parquet"))
        assert (raw.problems, raw.items["title"][0]) == ([], wanted)
        assert raw.items["categories"].to_list() == [["Books & more", "Kids"]]
        assert any("1 titles held HTML entities" in note for note in raw.notes)

    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("Pens &amp;amp; Ink &amp;quot;fine&amp;quot; &amp;#39;s", 'Pens & Ink "fine" \'s'),
            ("&amp;amp;amp; x", "& x"),
            (
                "Vac&#8482 2, it&#39s Caf&eacute &quotbig&quot, A &amp",
                "Vac™ 2, it's Café &quotbig\", A &",
            ),
            ("Q&A, M&Ms, Salt&pepper; B&Q; &copyright &lt=5 &#1 hit", None),
            ("AT&T", "AT&T"),
            ("R&not a name", "R&not a name"),
            ("&nosuch; &#xE9; &#233;", "&nosuch; é é"),
            ("a&nbsp;b", "a b"),
            ("&#0; &#xD800;", "\ufffd \ufffd"),
        ],
    )
    def test_what_was_escaped_once_or_again(self, text, plain):
        """Faults: ``&amp;amp;`` and ``&#8482`` without its semicolon stayed in titles."""
        assert unescape(text) == (text if plain is None else plain)

    @given(st.text(max_size=40))
    def test_any_text(self, text):
        unescape(text).encode("utf-8", "surrogatepass")


class TestCategories:
    @pytest.mark.parametrize(
        ("texts", "wanted"),
        [
            (["a|b", "c, d"], [["a", "b"], ["c, d"]]),
            (["Doctors, Health & Medical", "Pens"], [["Doctors", "Health & Medical"], ["Pens"]]),
            (
                ["Grocery,Coffee, Tea & Cocoa", "A,B"],
                [["Grocery", "Coffee, Tea & Cocoa"], ["A", "B"]],
            ),
            (["Kitchen > Coffee", "Garden"], [["Kitchen", "Coffee"], ["Garden"]]),
            (
                ["1,000 pieces", "Puzzles, 1,000 pieces"],
                [["1,000 pieces"], ["Puzzles", "1,000 pieces"]],
            ),
            ([None, "", "(no genres listed)"], [[], [], []]),
        ],
    )
    def test_the_column_decides(self, texts, wanted):
        assert split_texts(pl.Series(texts, dtype=pl.String)).to_list() == wanted

    def test_an_option_overrides_it(self, tmp_path):
        raw = items(tmp_path, "item_id,title,categories\ni,T,a/b|c\n", category_separator="/")
        assert raw.items["categories"].to_list() == [["a", "b|c"]]

    def test_the_column_of_json_lines(self, tmp_path):
        # --categories-column was ignored for JSON lines.
        record = {"asin": "i", "title": "T", "genres": ["Action", "Indie"], "categories": ["x"]}
        raw = items(tmp_path, json.dumps(record), "meta.json", categories_column="genres")
        assert raw.items["categories"].to_list() == [["Action", "Indie"]]
        raw = items(tmp_path, json.dumps(record), "meta.json")
        assert raw.items["categories"].to_list() == [["x"]]
        raw = items(tmp_path, json.dumps(record), "meta.json", categories_column="nosuch")
        assert [(p.file, p.column) for p in raw.problems] == [("meta.json", "nosuch")]

    @pytest.mark.parametrize(
        ("value", "wanted"),
        [
            ("[null]", []),
            ("[NaN]", []),
            ("null", []),
            ('"Doctors, Health & Medical"', ["Doctors", "Health & Medical"]),
            ('[["a", "b"], ["a", "c"]]', ["a", "b", "c"]),
            ('[{"name": "x"}, "y", 3]', ["y", "3"]),
            ('"x|y"', ["x", "y"]),
            ("7", ["7"]),
        ],
    )
    def test_values_of_json(self, tmp_path, value, wanted):
        # [null] was a TypeError, and a text with commas one category.
        raw = items(tmp_path, f'{{"asin": "i", "title": "T", "categories": {value}}}', "meta.json")
        assert (raw.problems, raw.items["categories"].to_list()) == ([], [wanted])

    def test_lists_of_frames(self):
        log = pl.DataFrame({"user_id": "u", "item_id": "i", "timestamp": [1391126400]})
        for column in (
            pd.Series([["a", "b"]]),
            pd.Series([np.array(["a", "b"])]),
            pd.Series([("a", "b")]),
            pd.Series(["a|b"]),
        ):
            raw = read((log, pd.DataFrame({"item_id": ["i"], "categories": column})))
            assert raw.items["categories"].to_list() == [["a", "b"]]
        nested = pl.DataFrame({"item_id": ["i"], "categories": [[["a", "b"], ["a"]]]})
        assert read((log, nested)).items["categories"].to_list() == [["a", "b"]]
        objects = pl.DataFrame({"item_id": ["i"], "categories": [{"name": "a"}]})
        (problem,) = read((log, objects)).problems
        assert problem.column == "categories"

    def test_sets_have_one_order(self):
        assert flatten({"b", "a", "c"}) == ["a", "b", "c"]

    def test_separators(self):
        assert separator_of(pl.Series(["x"])) == ", "


class TestTitles:
    def test_a_column_that_is_not_there_is_a_problem(self, tmp_path):
        raw = items(tmp_path, "item_id,Name\ni,Pen\n", title_column="title")
        (problem,) = raw.problems
        assert "did you mean 'Name'?" in problem.message
        # Without an item file the option was ignored.
        raw = read(tmp_path / "log.csv", ReadOptions(title_column="title"))
        (problem,) = raw.problems
        assert (problem.file, problem.column) == ("log.csv", "title")

    def test_half_a_sign(self, tmp_path):
        raw = items(tmp_path, '{"asin":"i","title":"Cut \\ud83d","brand":"\\ud83d"}', "meta.json")
        assert (raw.problems, raw.items["title"].to_list()) == ([], ["Cut \ufffd"])
        frame = pd.DataFrame({"item_id": ["i"], "title": pd.Series(["Cut \ud83d"], dtype=object)})
        log = pl.DataFrame({"user_id": "u", "item_id": "i", "timestamp": [1391126400]})
        assert read((log, frame)).items["title"].to_list() == ["Cut \ufffd"]

    def test_lists_are_no_titles(self, tmp_path):
        log = pl.DataFrame({"user_id": "u", "item_id": "i", "timestamp": [1391126400]})
        (problem,) = read((log, pl.DataFrame({"item_id": ["i"], "title": [["a"]]}))).problems
        assert problem.column == "title"


class TestExtra:
    @pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
    def test_numbers_that_json_does_not_have(self, tmp_path, value):
        # price = inf was written as Infinity, which SQLite calls malformed.
        frame = pl.DataFrame({"item_id": ["i"], "title": ["T"], "price": [value], "n": [-1.5]})
        log = pl.DataFrame({"user_id": "u", "item_id": "i", "timestamp": [1391126400]})
        frame.write_parquet(tmp_path / "items.parquet")
        for given_items in (frame, tmp_path / "items.parquet", frame.to_pandas()):
            raw = read(log, ReadOptions(items=given_items))
            assert raw.items["extra"].to_list() == ['{"n":-1.5}']
        raw = items(tmp_path, '{"asin":"i","title":"T","price":NaN}', "meta.json")
        assert raw.items["extra"].to_list() == ["{}"]

    def test_any_value(self):
        values = {
            "a": b"\xff",
            "b": b"x",
            "c": {1: [float("nan"), (1, {2})]},
            "d": timedelta(1),
            "e": date(2014, 1, 31),
            "f": Decimal("1.5"),
            "g": UUID(int=1),
            "h": 10**30,
            "i": "\ud83d",
            "j": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],
            "k": None,
        }
        found = json.loads(json_object(values))
        assert found["c"] == {"1": [None, [1, [2]]]}
        assert "Infinity" not in json_object(values)
        assert not {"a", "h", "k"} & found.keys()

    @given(
        st.dictionaries(
            st.text(max_size=5),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats()
                | st.text(max_size=5)
                | st.binary(max_size=3),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=3), inner, max_size=3)
                ),
                max_leaves=8,
            ),
            max_size=4,
        )
    )
    def test_always_strict_json(self, values):
        def refuse(constant):
            raise AssertionError(constant)

        json.loads(json_object(values), parse_constant=refuse).keys()
        json_object(values).encode()

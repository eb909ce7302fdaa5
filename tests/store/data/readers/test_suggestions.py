"""Columns under other names are proposed by what they are called, in four languages.

Once French headers got no command, accents hid names, and a column of numbers was proposed as the
categories of a shop's log.
"""

from __future__ import annotations

import pytest

from store.data.readers import ReadOptions, read

TIMES = ("2024-12-31 10:00", "2024-12-30 10:00")


def proposed(tmp_path, header, mark=",", rows=None):
    width = len(header)
    values = rows or [
        [f"{name}-{row}" if place < width - 1 else TIMES[row] for place, name in enumerate("uitc")]
        for row in range(2)
    ]
    lines = [mark.join(header), *(mark.join(row[: width - 1] + row[-1:]) for row in values)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return read(path).proposed


@pytest.mark.parametrize(
    ("header", "time"),
    [
        (("Identifiant client", "Référence", "Libellé", "Catégorie"), "Date d'achat"),
        (("utilisateur", "produit", "titre", "rayon"), "horodatage"),
        (("Code client", "Réf. article", "Désignation", "Famille"), "Date de commande"),
        (("ID_UTILISATEUR", "ID_FILM", "TITRE", "GENRE"), "DATE"),
        (("Kundennummer", "Artikel-Nr.", "Artikelbezeichnung", "Warengruppe"), "Bestellt am"),
        (("Nutzer", "Produkt", "Titel", "Kategorie"), "Zeitstempel"),
        (("Käufer", "Artikelnummer", "Produktname", "Abteilung"), "Kaufdatum"),
        (("ID cliente", "Código artículo", "Descripción", "Categoría"), "Fecha de compra"),
        (("usuario", "producto", "título", "género"), "fecha"),
        (("Código cliente", "Referencia", "Nombre del producto", "Sección"), "Fecha y hora"),
    ],
)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_are_found_in_other_languages(tmp_path, header, time, mark):
    rows = [["u1", "i1", "Cup", "Tea", TIMES[0]], ["u2", "i2", "Pot", "Tea", TIMES[1]]]
    user, item, title, categories = header
    assert proposed(tmp_path, (*header, time), mark, rows) == {
        "user_column": user,
        "item_column": item,
        "time_column": time,
        "title_column": title,
        "categories_column": categories,
    }


def test_a_column_of_numbers_holds_neither_titles_nor_categories(tmp_path):
    header = ("event_time", "product_id", "category_id", "category_code", "brand", "user_id")
    rows = [
        ["2019-10-01 00:00:00 UTC", "57", "1487580005134238553", code, "x", "46"]
        for code in ("", "a.b")
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    assert read(path).proposed == {
        "item_column": "product_id",
        "time_column": "event_time",
        "categories_column": "category_code",
    }
    path.write_text(",".join(header) + "\n" + ",".join(rows[0]) + "\n")
    assert "categories_column" not in read(path).proposed


ROWS = "user_id,item_id,timestamp\nu,i,5\n,i,6\nu,,7\nu,j,\nv,j,8\nv,i,noon\n"


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_incomplete_rows_can_be_left_out(tmp_path, kind):
    """Once a log with one row without a user was refused, with no way to leave that row out."""
    import polars as pl

    path = tmp_path / f"log.{kind}"
    table = pl.read_csv(ROWS.encode(), infer_schema_length=0).filter(pl.col.timestamp != "noon")
    table = table if kind in ("csv", "tsv") else table.with_columns(pl.col.timestamp.cast(pl.Int64))
    writers = {
        "csv": lambda: table.write_csv(path),
        "tsv": lambda: table.write_csv(path, separator="\t"),
        "jsonl": lambda: table.write_ndjson(path),
        "parquet": lambda: table.write_parquet(path),
    }
    writers[kind]()
    table = pl.read_csv(ROWS.encode(), infer_schema_length=0)
    raw = read(path)
    assert raw.problems
    assert raw.advice == [
        "rows without a user, an item or a time can be left out with drop_incomplete"
    ]
    kept = read(path, ReadOptions(drop_incomplete=True))
    assert kept.problems == []
    assert kept.interactions.select("user_id", "item_id").rows() == [("u", "i"), ("v", "j")]
    told = [note for note in kept.notes if "left out" in note]
    assert told == [f"log.{kind}: left out 1 row without {name}" for name in ("user_id", "item_id")]


def test_what_is_wrong_and_not_missing_stays_a_problem(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(ROWS)
    found = read(path, ReadOptions(drop_incomplete=True)).problems
    assert [(problem.row, problem.value) for problem in found] == [(7, "noon")]
    path.write_text("user_id,item_id,timestamp\n,i,5\n,j,6\n")
    (problem,) = read(path, ReadOptions(drop_incomplete=True)).problems
    assert problem.message == "no row has a user, an item and a time"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keep": ("event",)}, "names no column and value"),
        ({"minimum": ("stars=many",)}, "is not a number"),
        ({"encoding": "latin-99"}, "there is no such encoding"),
        ({"format": "xls"}, "xls"),
    ],
)
def test_options_are_looked_at_before_anything_is_read(tmp_path, options, told):
    from store.errors import UserError

    with pytest.raises(UserError, match=told):
        read(tmp_path / "absent.csv", ReadOptions(**options))

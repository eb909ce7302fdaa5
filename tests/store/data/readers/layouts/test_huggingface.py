"""Folders of Hugging Face data sets, written here as ``datasets`` and the hub lay them out."""

from __future__ import annotations

import json

import polars as pl
import pyarrow as pa
import pytest

from store.data.readers import ReadOptions, read
from store.errors import DataError

LOG = pl.DataFrame(
    {
        "user_id": [1, 1, 2],
        "item_id": ["a", "b", "a"],
        "timestamp": [1391184300, 1391184301, 1391184302],
        "event": [0, 1, 1],
    }
)
ITEMS = pl.DataFrame({"item_id": ["a", "b"], "title": ["Pen", "Ink"]})
CARD = """\
---
license: mit
configs:
- config_name: events
  data_files:
  - split: train
    path: data/events-train-*
  - split: test
    path: data/events-test-*
- config_name: goods
  data_files: goods/*.csv
dataset_info:
- config_name: events
  features:
  - name: event
    dtype:
      class_label:
        names:
          '0': look
          '1': buy
---
# Shop
"""


def save_to_disk(folder, frame):
    """As ``Dataset.save_to_disk``: an Arrow stream, what its columns are, and which files."""
    folder.mkdir(parents=True)
    table = frame.to_arrow()
    with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as writer:
        writer.write_table(table)
    (folder / "state.json").write_text(
        json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": None})
    )
    features = {"event": {"names": ["look", "buy"], "_type": "ClassLabel"}}
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))


@pytest.fixture
def hub(tmp_path):
    folder = tmp_path / "shop"
    (folder / "data").mkdir(parents=True)
    (folder / "goods").mkdir()
    (folder / "README.md").write_text(CARD)
    LOG[:1].write_parquet(folder / "data" / "events-train-00000-of-00002.parquet")
    LOG[1:2].write_parquet(folder / "data" / "events-train-00001-of-00002.parquet")
    LOG[2:].write_parquet(folder / "data" / "events-test-00000-of-00001.parquet")
    ITEMS.write_csv(folder / "goods" / "goods.csv")
    return folder


def test_a_repository_of_the_hub(hub):
    """Fault: one shard was read, or the table of items with the events."""
    raw = read(hub, ReadOptions(table="events", items_table="goods"))
    assert (raw.format, raw.problems) == ("huggingface", [])
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("1", "a", 1391184300),
        ("1", "b", 1391184301),
        ("2", "a", 1391184302),
    ]
    assert raw.items["title"].to_list() == ["Pen", "Ink"]
    assert any("the splits train, test are read together" in note for note in raw.notes)
    bought = read(hub, ReadOptions(table="events", keep=("split=train", "event=buy")))
    assert bought.interactions["item_id"].to_list() == ["b"]


def test_which_table_must_be_said(hub):
    with pytest.raises(DataError, match=r"several tables; name one with `table`: events, goods"):
        read(hub)
    with pytest.raises(DataError, match=r"there is no such table; did you mean 'events'"):
        read(hub, ReadOptions(table="event"))


def test_what_is_saved_to_disk(tmp_path):
    save_to_disk(tmp_path / "one", LOG)
    raw = read(tmp_path / "one", ReadOptions(keep=("event=look",)))
    assert raw.interactions.select("user_id", "item_id").rows() == [("1", "a")]
    both = tmp_path / "both"
    save_to_disk(both / "train", LOG[:2])
    save_to_disk(both / "held out", LOG[2:])
    (both / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "held out"]}))
    raw = read(both)
    assert (raw.interactions.height, raw.problems) == (3, [])
    raw = read(both, ReadOptions(keep=("split=held out",)))
    assert raw.interactions["user_id"].to_list() == ["2"]


def test_without_a_card_names_tell_the_splits(tmp_path):
    (tmp_path / "data").mkdir()
    LOG[:2].write_ndjson(tmp_path / "data" / "train.jsonl")
    LOG[2:].write_csv(tmp_path / "data" / "valid-0001.csv")
    raw = read(tmp_path, ReadOptions(keep=("split=validation",)))
    assert raw.interactions["user_id"].to_list() == ["2"]


def test_files_that_are_missing_or_broken(hub, tmp_path):
    """Fault: a shard that was not downloaded was left out in silence."""
    save_to_disk(tmp_path / "one", LOG)
    data = tmp_path / "one" / "data-00000-of-00001.arrow"
    data.write_bytes(data.read_bytes()[:100])
    assert [str(one.kind) for one in read(tmp_path / "one").problems] == ["not what its name says"]
    data.unlink()
    with pytest.raises(DataError, match=r"data-00000-of-00001\.arrow is not there"):
        read(tmp_path / "one")
    (hub / "goods" / "goods.csv").unlink()
    with pytest.raises(DataError, match="there are no data files"):
        read(hub, ReadOptions(table="events"))


def test_a_card_reaches_nothing_outside_of_its_folder(hub, tmp_path):
    (tmp_path / "secret.csv").write_text("user_id,item_id,position\ns3cret,a,1\n")
    (hub / "README.md").write_text("---\nconfigs:\n- data_files: ../secret.csv\n---\n")
    with pytest.raises(DataError, match="there are no data files"):
        read(hub)

"""Whatever the bytes, a reader gives rows, named problems or our own errors, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.data.prepare import prepare
from store.data.readers import ReadOptions, read
from store.errors import UserError

SECOND = 1391126400
LOG = pl.DataFrame({"user_id": ["u", "v"], "item_id": ["i", "j"], "timestamp": [SECOND, SECOND]})


def typed(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "parquet":
        LOG.write_parquet(buffer)
    else:
        LOG.write_ipc(buffer)
    return buffer.getvalue()


SEEDS = {
    "log.csv": LOG.write_csv().encode(),
    "log.tsv": LOG.write_csv(separator="\t").encode(),
    "log.csv.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    "log.inter": b"user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1391126400\n",
    "ratings.dat": b"1::2::5::1391126400\n",
    "u.data": b"1\t2\t5\t1391126400\n",
    "u.item": b"1|A (1995)|01-Jan-1995||http://x|0|1|0\n",
    "log.jsonl": b'{"user_id":"u","item_id":"i","timestamp":1391126400,"categories":["a"]}\n',
    "log.json": b"[{'user_id': 'u', 'item_id': 'i', 'timestamp': 1391126400}]",
    "log.parquet": typed("parquet"),
    "log.arrow": typed("arrow"),
}
OPTIONS = (
    ReadOptions(),
    ReadOptions(title_column="title", categories_column="categories"),
    ReadOptions(user_column="1", item_column="2", time_column="3", header=False),
    ReadOptions(keep=("item_id=i",), minimum=("timestamp=1",)),
)
changes = st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=4)), max_size=6)


def harmed(data: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    """Data with a few bytes replaced by others, or by none."""
    for place, new in edits:
        place %= max(1, len(data))
        data = data[:place] + new + data[place + 1 :]
    return data


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=25, deadline=None)
@given(changes, st.sampled_from(OPTIONS), st.booleans())
def test_only_our_own_errors(name, edits, options, as_items):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(harmed(SEEDS[name], edits))
        try:
            raw = read(LOG, ReadOptions(items=path)) if as_items else read(path, options)
            for problem in raw.problems:
                str(problem).encode()
            if not raw.problems:
                prepare(raw, split="none")
        except UserError as error:
            str(error).encode()

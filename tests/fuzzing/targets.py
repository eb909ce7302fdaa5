"""What is fuzzed: functions of bytes that may raise nothing but errors of our own.

Hypothesis and Atheris (:mod:`tests.fuzzing.run_atheris`) call the same functions.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import polars as pl

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.answers.read import read_answer
from profiler.shown import ShownItem
from prompts import load_template
from prompts.loader import read_template
from recommender.backbones.create import create
from recommender.model_folder.artefacts import load_model, save_model
from recommender.model_folder.manifest import MANIFEST, describe
from store.data.dataset import Dataset
from store.data.prepare import prepare
from store.data.readers import ReadOptions, read
from store.data.splits import Split
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
SHOWN = tuple(ShownItem(number, str(100 + number), f"Film {number}") for number in range(12))
ANSWER = b'{"interests": [{"label": "Noir", "description": "Dark films.", "evidence": ["100"]}]}'
VALUES = {
    "kind": "exemplar", "count": 2, "total": 5, "cut": "recent", "items": "- A (1)",
    "boundary": "abc", "max_interests": 20, "attempt": 1, "errors": ["one", "two"],
}  # fmt: skip
TEMPLATE = b"""name: mine
purpose: A test.
task: reask
variables:
  errors: what was wrong
user: |
  {% for error in errors %}{{ error }} {{ loop.index }}{% endfor %} {{ errors | join(", ") }}
"""


def read_file(name: str, data: bytes, options: ReadOptions, *, as_items: bool) -> None:
    """Read a file of these bytes as interactions or items."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            raw = read(LOG, ReadOptions(items=path)) if as_items else read(path, options)
            for problem in raw.problems:
                str(problem).encode()
            if not raw.problems:
                prepare(raw, split="none")
        except UserError as error:
            str(error).encode()


def readers(data: bytes) -> None:
    """Read as one of the formats, which the first bytes choose."""
    names = list(SEEDS)
    name, how = (data[0], data[1]) if len(data) > 1 else (0, 0)
    options = OPTIONS[how % len(OPTIONS)]
    read_file(names[name % len(names)], data[2:], options, as_items=how % 5 == 4)


def answer(data: bytes) -> None:
    """Read as the answer of a model."""
    try:
        read_answer(
            data.decode(errors="replace"),
            finish_reason="stop",
            refusal=None,
            shown=SHOWN,
            task="interests",
        )
    except AnswerError as error:
        str(error).encode()


def template(data: bytes) -> None:
    """Load as a user's template, and render."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mine.yaml"
        path.write_bytes(data)
        try:
            load_template("mine", Path(folder)).render(VALUES)
            read_template(path)
        except UserError as error:
            str(error).encode()


@cache
def _model() -> Path:
    folder = Path(mkdtemp(prefix="fuzzed-model-"))
    data = Dataset(
        user_ids=["u"],
        item_ids=["a", "b", "c"],
        titles=[None] * 3,
        categories=[()] * 3,
        indptr=np.array([0, 3]),
        items=np.array([0, 1, 2], np.int32),
        timestamps=np.zeros(3, np.int64),
        parts=np.array([0, 2, 3], np.int8),
        user_split=np.zeros(1, np.int8),
        split=Split("leave-one-out"),
    )
    model = create("remi", data.n_items, seed=4, d=4, length=3).eval()
    save_model(folder, model, describe(model, data, metrics={}, training={}), data.item_ids)
    return folder


def manifest(data: bytes) -> None:
    """Load a model whose manifest is these bytes."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "model"
        shutil.copytree(_model(), copy)
        (copy / MANIFEST).write_bytes(data)
        try:
            load_model(copy)
        except UserError as error:
            str(error).encode()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "readers": readers,
    "answer": answer,
    "template": template,
    "manifest": manifest,
}


def seeds(name: str) -> list[bytes]:
    """Valid inputs of a target, to start from."""
    if name == "readers":
        return [bytes([number, 0]) + data for number, data in enumerate(SEEDS.values())]
    if name == "manifest":
        return [(_model() / MANIFEST).read_bytes()]
    return [ANSWER if name == "answer" else TEMPLATE]

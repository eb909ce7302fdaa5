"""Stores for benchmarks: a real data set with its LLM interests, built once and kept."""

from __future__ import annotations

import sys
from pathlib import Path

from _data import data_dir

DATA = {"office": "amazon-office", "beauty": "amazon-beauty", "ml-1m": "ml-1m"}


def interest_store(name: str, folder: Path, split: str = "given") -> Path:
    """Path of a store of a data set with the LLM's interests; ``given`` is its user_split file.

    Items and interests are encoded with the default encoder; users join their nearest exemplar.
    """
    from profiler.asking.import_store import encode_imported
    from profiler.asking.imports import import_interests
    from profiler.encoding import encode_cached, load_encoder
    from store.prepare import prepare
    from store.readers import read
    from store.store import open_store

    if name not in DATA:
        sys.exit(f"unknown data set {name!r}; there are {', '.join(DATA)}")
    source, words = data_dir(DATA[name]), data_dir(f"llm-interests-{name}")
    path = folder / f"{name}-{split.replace(':', '-')}.db"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.db")
    chosen = f"{source / 'user_split.tsv.gz'}" if split == "given" else split
    with open_store(partial, create=True) as store:
        store.datasets.save(prepare(read(source), split=chosen), str(source))
        dataset = store.datasets.load()
        encoder = load_encoder()
        encode_cached(store, encoder, dataset.texts())
        store.set_meta(encoder=encoder.name, item_text="title+categories")
        for file in sorted(words.glob("*.jsonl.gz")):
            kind = "synthetic" if file.name.startswith("synthetic") else "exemplar"
            import_interests(store, file, name=file.name.split(".")[0], kind=kind)
        encode_imported(store)
    partial.rename(path)
    return path

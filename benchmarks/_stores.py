"""Stores for benchmarks: a real data set with its LLM interests, built once and kept."""

from __future__ import annotations

import sys
from pathlib import Path

from _controls import clusters, permuted
from _data import data_dir

DATA = {
    "office": "amazon-office",
    "beauty": "amazon-beauty",
    "ml-1m": "ml-1m",
    "grocery": "amazon-grocery",
}
SOURCES = ("llm", "offline", "permuted", "clusters", "none")
CONTROLS = {"permuted": permuted, "clusters": clusters}
ASKED = {"office": (126, 60), "beauty": (305, 0), "ml-1m": (145, 0)}
"""Exemplars and synthetic users that the chat model was asked about."""


def interest_store(
    name: str, folder: Path, split: str = "given", source: str = "llm", encode: bool = True
) -> Path:
    """Path of a store of a data set with interests, built once.

    Parameters
    ----------
    name
        One of :data:`DATA`; grocery has no titles and so no interests.
    folder
        Where stores are kept.
    split
        ``given`` is the data set's user_split file.
    source
        Whose interests: ``llm``, the answers of a large chat model (items and interests are encoded
        with the default encoder, users join their nearest exemplar); ``offline``, the offline
        extractor's about as many subjects; ``permuted`` and ``clusters``, the controls of
        :mod:`_controls`; ``none``.
    encode
        Without, items have no vectors; only for ``none``.
    """
    if name not in DATA or source not in SOURCES:
        sys.exit(f"no store {name!r} of {source!r}: {', '.join(DATA)}; {', '.join(SOURCES)}")
    if name not in ASKED:
        source, encode = "none", False
    tag = "" if source == "llm" else f"-{source}"
    path = folder / f"{name}-{split.replace(':', '-')}{tag}.db"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.db")
    partial.unlink(missing_ok=True)
    data = data_dir(DATA[name])
    chosen = f"{data / 'user_split.tsv.gz'}" if split == "given" else split
    if source in CONTROLS:
        CONTROLS[source](interest_store(name, folder, split), partial)
    elif source == "offline":
        _ask_offline(name, data, chosen, partial)
    else:
        _import_answers(name, data, chosen, partial, source == "llm", encode)
    partial.rename(path)
    return path


def _ask_offline(name: str, data: Path, split: str, path: Path) -> None:
    from profiler import BuildConfig, build

    exemplars, synthetic = ASKED[name]
    config = BuildConfig(split=split, exemplars=exemplars, synthetic_users=synthetic)
    build(data, path, config=config)


def _import_answers(
    name: str, data: Path, split: str, path: Path, answers: bool, encode: bool
) -> None:
    from profiler.exchange.interests import import_interests
    from profiler.exchange.save_interests import encode_imported
    from profiler.vectors.encoding import encode_cached, load_encoder
    from store.data.prepare import prepare
    from store.data.readers import read
    from store.store import open_store

    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read(data), split=split), str(data))
        if encode:
            encoder = load_encoder()
            encode_cached(store, encoder, store.datasets.load().texts())
            store.set_meta(encoder=encoder.name, item_text="title+categories")
        if not answers:
            return
        for file in sorted(data_dir(f"llm-interests-{name}").glob("*.jsonl.gz")):
            kind = "synthetic" if file.name.startswith("synthetic") else "exemplar"
            import_interests(store, file, name=file.name.split(".")[0], kind=kind)
        encode_imported(store)

"""Which files a Hugging Face data set has in a folder: configurations, and the files of each split.

Two layouts: what ``datasets.save_to_disk`` writes, and a repository of the hub with its card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from store.data.readers.text.files import shown_path, suffix
from store.errors import DataError
from store.suggestions import did_you_mean

DATA = (".parquet", ".arrow", ".csv", ".tsv", ".json", ".jsonl")
SPLITS = {
    "train": "train training",
    "validation": "validation valid val dev",
    "test": "test testing eval evaluation",
}
_WORD = re.compile(r"[a-z]+")
_DEFAULT = "default"


@dataclass(frozen=True)
class Configuration:
    """One table of a data set.

    Attributes
    ----------
    name
        As the card names it, ``default`` where it names none.
    splits
        Files by split, in order.
    names
        Names of the classes of columns that hold numbers for them.
    """

    name: str
    splits: dict[str, list[Path]]
    names: dict[str, list[str]] = field(default_factory=dict)


def is_data_set(folder: Path) -> bool:
    """Whether a folder is one: by the files that ``datasets`` writes, or by the card."""
    if (folder / "dataset_dict.json").is_file() or _is_saved(folder):
        return True
    card = _card(folder)
    return bool({"configs", "dataset_info"} & card.keys()) or (
        (folder / "data").is_dir() and bool(_guessed(folder, folder / "data"))
    )


def configurations(folder: Path) -> list[Configuration]:
    """Return the tables of a data set.

    Raises
    ------
    DataError
        Its card or its description cannot be read, or names files that are not there.
    """
    if (folder / "dataset_dict.json").is_file():
        names = _json(folder / "dataset_dict.json").get("splits") or []
        parts = {str(name): folder / str(name) for name in names}
        found = {name: _saved_files(part) for name, part in parts.items() if _is_saved(part)}
        labels = [_features(_json(part / "dataset_info.json")) for part in parts.values()]
        return [Configuration(_DEFAULT, _there(found, folder), labels[0] if labels else {})]
    if _is_saved(folder):
        labels_of = _features(_json(folder / "dataset_info.json"))
        splits = _there({"train": _saved_files(folder)}, folder)
        return [Configuration(_DEFAULT, splits, labels_of)]
    card = _card(folder)
    infos = card.get("dataset_info") or []
    by_name = {
        str(one.get("config_name", _DEFAULT)): _features(one)
        for one in (infos if isinstance(infos, list) else [infos])
        if isinstance(one, dict)
    }
    found_in_card = []
    for one in card.get("configs") or []:
        if isinstance(one, dict) and one.get("data_files"):
            name = str(one.get("config_name", _DEFAULT))
            splits = _there(_named(folder, one["data_files"]), folder)
            found_in_card.append(Configuration(name, splits, by_name.get(name, {})))
    if found_in_card:
        return found_in_card
    below = folder / "data" if (folder / "data").is_dir() else folder
    splits = _there(_guessed(folder, below), folder)
    return [Configuration(_DEFAULT, splits, by_name.get(_DEFAULT, {}))]


def chosen(folder: Path, wanted: str | None, option: str) -> Configuration:
    """Return the configuration that is named, or the only one.

    Raises
    ------
    DataError
        There is none of this name, or several and none is named.
    """
    found = configurations(folder)
    names = [one.name for one in found]
    for one in found:
        if one.name == wanted or (wanted is None and (len(found) == 1 or one.name == _DEFAULT)):
            return one
    said = (
        "it has several tables" if wanted is None else f"{option}={wanted}: there is no such table"
    )
    meant = did_you_mean(wanted, names) if wanted else ""
    raise DataError(
        f"{shown_path(folder)}: {said}{meant}; name one with `{option}`: {', '.join(names)}"
    )


def _is_saved(folder: Path) -> bool:
    return (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()


def _saved_files(folder: Path) -> list[Path]:
    rows = _json(folder / "state.json").get("_data_files") or []
    return [folder / Path(str(row["filename"])).name for row in rows if "filename" in row]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {shown_path(path)}: {error}; copy the folder again") from None
    return found if isinstance(found, dict) else {}


def _card(folder: Path) -> dict[str, Any]:
    """The head of ``README.md``, empty where there is none that can be read."""
    path = folder / "README.md"
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    if not text.startswith("---"):
        return {}
    try:
        found = yaml.safe_load(text[3:].partition("\n---")[0])
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _named(folder: Path, told: Any) -> dict[str, list[Path]]:
    """Files by split from the ``data_files`` of a card: patterns, or patterns for each split."""
    rows = told if isinstance(told, list) else [told]
    splits: dict[str, list[Path]] = {}
    for row in rows:
        split, patterns = ("train", row) if isinstance(row, str) else (row["split"], row["path"])
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            splits.setdefault(str(split), []).extend(_matching(folder, str(pattern)))
    return splits


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Files below the folder, and none outside of it, whatever a card says."""
    return [
        path
        for path in _below(folder)
        if fnmatch(path.relative_to(folder).as_posix(), pattern.removeprefix("./"))
    ]


def _below(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if suffix(path) in DATA and path.is_file()]
    return sorted(path for path in found if not _is_hidden(path.relative_to(folder)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _guessed(folder: Path, below: Path) -> dict[str, list[Path]]:
    """Files by split, told by words in their names; all are ``train`` where no name says it."""
    splits: dict[str, list[Path]] = {}
    for path in _below(below):
        if path.name in ("dataset_infos.json", "dataset_info.json", "state.json"):
            continue
        words = set(_WORD.findall(path.relative_to(folder).as_posix().lower()))
        split = next((name for name, some in SPLITS.items() if words & set(some.split())), "train")
        splits.setdefault(split, []).append(path)
    return splits


def _there(splits: Mapping[str, Sequence[Path]], folder: Path) -> dict[str, list[Path]]:
    found = {name: list(paths) for name, paths in splits.items() if paths}
    missing = [path for paths in found.values() for path in paths if not path.is_file()]
    if missing or not found:
        said = f"{shown_path(missing[0])} is not there" if missing else "there are no data files"
        raise DataError(f"{shown_path(folder)}: {said}; download or copy the folder again")
    return found


def _features(info: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names of classes by column, from either way of writing the features."""
    features = info.get("features") or {}
    if isinstance(features, list):  # of a card
        rows = {str(row.get("name")): row.get("dtype") for row in features if isinstance(row, dict)}
        told = {
            name: kind["class_label"].get("names")
            for name, kind in rows.items()
            if isinstance(kind, dict) and isinstance(kind.get("class_label"), dict)
        }
        return {
            name: list(map(str, some.values() if isinstance(some, dict) else some))
            for name, some in told.items()
            if some
        }
    return {
        str(name): [str(one) for one in kind["names"]]
        for name, kind in features.items()
        if isinstance(kind, dict) and kind.get("_type") == "ClassLabel" and kind.get("names")
    }

"""Model files on this machine: the known ones as data, and any file checked before it is used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from store.errors import UserError

_TABLE = Path(__file__).with_name("known.yaml")
_MAGIC = b"GGUF"


class KnownFile(BaseModel):
    """One file of the table.

    Attributes
    ----------
    name, file
        What it is, and what its file is called.
    bytes, sha256
        Of its content.
    licence
        By its maker's word.
    good_for
        What it can be used for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    file: str
    bytes: int
    licence: str
    sha256: str
    good_for: str


@dataclass(frozen=True)
class ModelFile:
    """A file that was looked at.

    Attributes
    ----------
    path
        Where it is.
    sha256
        Of its content: part of the address of every answer, since a name says little.
    """

    path: Path
    sha256: str


@cache
def known_files() -> tuple[KnownFile, ...]:
    """The files of the table."""
    table = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return tuple(KnownFile.model_validate(one) for one in table["models"])


def checked_file(name: str) -> ModelFile:
    """A model file, read once to know what it is.

    Raises
    ------
    UserError
        It does not exist, is no GGUF file, or is not what its name says.
    """
    path = Path(name).expanduser()
    if not path.is_file():
        raise UserError(
            f"--llm local:{name}: there is no such file; give the path of a GGUF file, such as "
            "local:models/model.gguf"
        )
    with path.open("rb") as content:
        if content.read(len(_MAGIC)) != _MAGIC:
            raise UserError(f"--llm local:{name}: this is no GGUF file, which llama.cpp could run")
        content.seek(0)
        found = hashlib.file_digest(content, "sha256").hexdigest()
    for known in known_files():
        if known.file.casefold() == path.name.casefold() and known.sha256 != found:
            raise UserError(
                f"--llm local:{name}: the content is not that of {known.name}, whose name the file "
                f"has: its sha256 is {found}, not {known.sha256}. Fetch it again, or rename it if "
                "it is another model"
            )
    return ModelFile(path, found)

"""A folder of Parquet files as a target: ``current`` leads to the whole version that is visible.

Each version has a folder of its own. Tables that did not change are the same file in both (a hard
link where the file system has them). ``current`` changes in one step; the version before is removed
after it, so that whoever was forgotten is in no file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from store.files import narrowest, reason_of, sync_file, sync_folder
from store.outputs import make_output_folder
from store.publishing.address import Address, PublishError
from store.publishing.state import State
from store.publishing.tables import PublishedTable
from store.publishing.target import Changes, Rows, Target, Writer, arrow_chunks, arrow_schema

if TYPE_CHECKING:
    import polars as pl

CURRENT, VERSIONS, STATE, LOCK = "current", "versions", "publication.json", ".lock"
_NEW = "new"


class ParquetFolder(Target):
    """A folder with versions.

    Parameters
    ----------
    address
        Where it is.
    like
        A file whose permissions nothing in the folder exceeds: the store.
    """

    keeps_former = True

    def __init__(self, address: Address, like: Path) -> None:
        super().__init__(address)
        self._like = like
        self._lock = -1
        self._made = False

    @property
    def _folder(self) -> Path:
        return self.address.path

    def __enter__(self) -> ParquetFolder:
        folder = self._folder
        if folder.exists() and not folder.is_dir():
            raise PublishError(f"{folder} is a file; name a folder")
        self._made = not folder.exists()
        make_output_folder(folder, like=[self._like])
        there = {one.name for one in folder.iterdir()}
        if there - {LOCK} and not (folder / VERSIONS).is_dir():
            raise PublishError(
                f"{folder} holds {sorted(there)[0]}, which publish did not write; name an empty "
                "folder"
            )
        try:
            self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.__exit__()
            raise PublishError(
                f"{self.address.shown}: another publisher is at work; run it again later"
            ) from None
        except OSError as error:
            raise PublishError(f"cannot write in {folder}: {reason_of(error)}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock >= 0:
            shutil.rmtree(self._folder / VERSIONS / _NEW, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1
            if not (self._folder / CURRENT).exists():
                shutil.rmtree(self._folder / VERSIONS, ignore_errors=True)
                if self._made:
                    shutil.rmtree(self._folder, ignore_errors=True)

    def state(self) -> State | None:
        """The version that is visible."""
        file = self._folder / CURRENT / STATE
        try:
            found = State.of_json(json.loads(file.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PublishError(f"{file} cannot be read: {error}") from error
        left = [one for one in self._stale() if one.name != _NEW]
        return State(**(vars(found) | {"swept": not left}))

    def lists(self) -> pl.DataFrame | None:
        """The lists that are published."""
        import polars as pl

        file = self._folder / CURRENT / "lists.parquet"
        return pl.read_parquet(file) if file.is_file() else None

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A new version."""
        folder = self._folder / VERSIONS / _NEW
        try:
            shutil.rmtree(folder, ignore_errors=True)
            make_output_folder(folder, like=[self._like])
            yield _ParquetWriter(self._folder, folder, narrowest([self._like])[0])
        except (OSError, pa.ArrowException) as error:
            raise PublishError(f"cannot write in {self._folder}: {reason_of(error)}") from error

    def _stale(self) -> list[Path]:
        """Folders of versions that are not visible."""
        versions, current = self._folder / VERSIONS, (self._folder / CURRENT).resolve()
        if not versions.is_dir():
            return []
        return [one for one in versions.iterdir() if one.resolve() != current]

    def sweep(self) -> str:
        """Remove every version but the visible one."""
        for one in self._stale():
            shutil.rmtree(one, ignore_errors=True)
        left = self._stale()
        return f"{left[0]} could not be removed" if left else ""


class _ParquetWriter(Writer):
    """A version in a folder that ``current`` does not lead to yet."""

    def __init__(self, folder: Path, new: Path, mode: int) -> None:
        self._folder, self._new, self._mode = folder, new, mode

    def replace(self, table: PublishedTable, rows: Rows, width: int = 0) -> Changes:
        """Write the file of a table; every row of it counts as new, every former row as gone."""
        file = self._new / f"{table.name}.parquet"
        before = self._folder / CURRENT / file.name
        former = pq.read_metadata(before).num_rows if before.is_file() else 0
        count = 0
        with pq.ParquetWriter(file, arrow_schema(table), compression="zstd") as writer:
            for chunk in arrow_chunks(table, rows):
                writer.write_table(chunk)
                count += chunk.num_rows
        return Changes(inserted=count, deleted=former)

    def finish(self, state: State, *, keep: bool = True) -> None:
        if not keep:
            shutil.rmtree(self._new)
            return
        for name in state.tables:
            self._take_over(f"{name}.parquet")
        said = json.dumps(state.to_json(), indent=1, sort_keys=True)
        (self._new / STATE).write_text(said, "utf-8")
        for file in self._new.iterdir():
            file.chmod(file.stat().st_mode & self._mode)
            sync_file(file)
        sync_folder(self._new)
        version = self._new.with_name(f"{state.version:06d}")
        shutil.rmtree(version, ignore_errors=True)  # left by a kill before it became visible
        self._new.rename(version)
        sync_folder(version.parent)
        link = self._folder / f".{CURRENT}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(VERSIONS) / version.name)
        link.replace(self._folder / CURRENT)
        sync_folder(self._folder)

    def _take_over(self, name: str) -> None:
        """A table that did not change is the same file."""
        file, before = self._new / name, self._folder / CURRENT / name
        if not file.exists():
            try:
                os.link(before, file)
            except OSError:  # a file system without hard links
                shutil.copyfile(before, file)

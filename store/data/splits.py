"""Which interaction is train, input, validation target, test target.

The split is decided once, when the store is built, because it also decides what the LLM may see.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from store.errors import DataError

__all__ = ["NO_TIME", "Part", "Split"]

NO_TIME = int(np.iinfo(np.int64).min)
"""Time of an interaction whose time is unknown."""

SEED = 1230
"""Seed of the user shuffle in the public ComiRec code; reproduces the published user splits."""

INPUT_SHARE = (4, 5)
"""Share of a held-out user's history that is input: floor(0.8 n), in whole numbers."""

Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]


class Part(IntEnum):
    """What one interaction is for."""

    TRAIN = 0
    """Training and the LLM may see it."""
    INPUT = 1
    """History of a held-out user: never trained on, never shown."""
    VALID = 2
    TEST = 3


class UserSplit(IntEnum):
    """What one user is for, under a split by users."""

    TRAIN = 0
    VALID = 1
    TEST = 2


@dataclass(frozen=True)
class Split:
    """A way of splitting.

    Attributes
    ----------
    name
        ``leave-one-out``, ``users-811``, ``time``, ``file`` or ``none``.
    detail
        The seed of ``users-811``, the date of ``time``, the path of ``file``; otherwise empty.
    """

    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.detail}" if self.detail else self.name


def parse_split(text: str, *, seed: int = SEED) -> Split:
    """Read the value of ``--split``.

    Parameters
    ----------
    text
        ``leave-one-out``, ``users-811``, ``time:DATE``, ``none``, or the path of a file with the
        columns ``user_id`` and ``split``.
    seed
        Seed of the user shuffle of ``users-811``.

    Raises
    ------
    DataError
        The value is none of these, the date cannot be read or the file does not exist.
    """
    if text in ("leave-one-out", "none"):
        return Split(text)
    if text == "users-811":
        return Split(text, str(seed))
    if text.startswith("users-811:") and text.partition(":")[2].isdigit():
        return Split("users-811", text.partition(":")[2])
    if text.startswith("time:"):
        date = text.removeprefix("time:")
        _unix_seconds(date)
        return Split("time", date)
    path = text.removeprefix("file:")
    if Path(path).is_file():
        return Split("file", path)
    raise DataError(
        f"unknown split {text!r}: use leave-one-out, users-811, time:DATE (such as"
        " time:2014-01-31), none, or the path of a file with the columns user_id and split"
    )


def checked_split(split: Split) -> Split:
    """Return the split once its file, where it has one, is known to be readable.

    Raises
    ------
    DataError
        As :func:`read_user_split` does.
    """
    if split.name == "file":
        read_user_split(Path(split.detail))
    return split


def assign_parts(
    split: Split,
    user_ids: Sequence[str],
    indptr: Int64,
    timestamps: Int64,
    sides: Mapping[str, int] | None = None,
) -> tuple[Int8, Int8]:
    """Give every interaction its part and every user their side.

    Parameters
    ----------
    split
        The way of splitting.
    user_ids
        ``[users]``, in the natural order of :func:`store.prepare.natural_order`.
    indptr
        int64 ``[users + 1]``; interactions of a user stand in time order.
    timestamps
        int64 ``[interactions]``, unix seconds or :data:`NO_TIME`.
    sides
        Users whose side under a split by users was decided before: they keep it, and only the
        others get one; None decides for all.

    Returns
    -------
    parts
        int8 ``[interactions]``, values of :class:`Part`.
    user_split
        int8 ``[users]``, values of :class:`UserSplit`; all 0 unless users are split.

    Raises
    ------
    DataError
        The split asks for times or users that are not there.
    """
    everyone = np.zeros(len(user_ids), dtype=np.int8)
    if split.name == "none":
        return np.zeros(int(indptr[-1]), dtype=np.int8), everyone
    if split.name == "leave-one-out":
        return leave_one_out(indptr), everyone
    if split.name == "time":
        return by_time(timestamps, split.detail), everyone
    if split.name not in ("users-811", "file"):
        raise ValueError(f"unknown split {split.name!r}")
    if sides is not None:
        decided = _further_sides(split, user_ids, sides)
    elif split.name == "users-811":
        decided = shuffle_users(len(user_ids), int(split.detail or SEED))
    else:
        decided = match_users(user_ids, *read_user_split(Path(split.detail)))
    return hold_out(indptr, decided), decided


def _further_sides(split: Split, user_ids: Sequence[str], known: Mapping[str, int]) -> Int8:
    """Sides of users of whom some were there before: by the file where it has them, else drawn.

    A user who is in no file any more trains.
    """
    listed: Mapping[str, int] = {}
    if split.name == "file" and Path(split.detail).is_file():
        listed, _ = read_user_split(Path(split.detail))
    seed = int(split.detail or SEED) if split.name == "users-811" else None
    return np.array(
        [
            known[user]
            if user in known
            else listed.get(user, UserSplit.TRAIN)
            if seed is None
            else drawn_side(user, seed)
            for user in user_ids
        ],
        dtype=np.int8,
    )


def drawn_side(user_id: str, seed: int = SEED) -> UserSplit:
    """The side of one user, whoever else there is: 80 % train, 10 % validation, 10 % test."""
    drawn = int.from_bytes(sha256(f"{seed}\x1f{user_id}".encode()).digest()[:8], "big") / 2**64
    if drawn < 0.8:
        return UserSplit.TRAIN
    return UserSplit.VALID if drawn < 0.9 else UserSplit.TEST


def leave_one_out(indptr: Int64) -> Int8:
    """Last interaction test, second last validation; users with fewer than three: all train."""
    parts = np.zeros(int(indptr[-1]), dtype=np.int8)
    ends = indptr[1:][np.diff(indptr) >= 3]
    parts[ends - 1] = Part.TEST
    parts[ends - 2] = Part.VALID
    return parts


def hold_out(indptr: Int64, user_split: Int8) -> Int8:
    """Held-out users: first floor(0.8 n) input, the rest targets (ComiRec, evaluation)."""
    lengths = np.diff(indptr)
    place = np.arange(int(indptr[-1])) - np.repeat(indptr[:-1], lengths)
    inputs = lengths * INPUT_SHARE[0] // INPUT_SHARE[1]
    target = np.array([Part.TRAIN, Part.VALID, Part.TEST], dtype=np.int8)[user_split]
    parts = np.where(place < np.repeat(inputs, lengths), Part.INPUT, np.repeat(target, lengths))
    parts[np.repeat(user_split, lengths) == UserSplit.TRAIN] = Part.TRAIN
    return parts.astype(np.int8)


def by_time(timestamps: Int64, date: str) -> Int8:
    """From the date on test; the last tenth in time before it validation; the rest train.

    Interactions at the same second as the first validation target are validation targets too, so
    that no training interaction is as late as a target.

    Raises
    ------
    DataError
        A time is missing, or nothing lies before the date, or nothing from it on.
    """
    unknown = int(np.count_nonzero(timestamps == NO_TIME))
    if unknown:
        raise DataError(
            f"time:{date} needs a time for every interaction, but {unknown:,} of"
            f" {len(timestamps):,} have none; use leave-one-out or users-811"
        )
    cut = _unix_seconds(date)
    before = np.sort(timestamps[timestamps < cut])
    if len(before) in (0, len(timestamps)):
        first, last = _day(timestamps.min()), _day(timestamps.max())
        where = "from it on" if len(before) else "before it"
        raise DataError(
            f"time:{date} leaves no interaction {where}: the data run from {first} to {last}"
        )
    start = before[len(before) * 9 // 10]
    if start == before[0]:
        raise DataError(f"time:{date} leaves nothing to train on; choose a later date")
    parts = np.where(timestamps < start, Part.TRAIN, Part.VALID)
    return np.where(timestamps >= cut, Part.TEST, parts).astype(np.int8)


def shuffle_users(users: int, seed: int = SEED) -> Int8:
    """Shuffle users and take 80 % train, 10 % validation, 10 % test (ComiRec, 8:1:1).

    ``random.Random`` and not NumPy: it is the generator of the public code, so that seed 1230
    over users in natural order gives the published splits.
    """
    order = list(range(users))
    random.Random(seed).shuffle(order)  # noqa: S311 - not for secrets
    sides = np.zeros(users, dtype=np.int8)
    sides[order[users * 8 // 10 :]] = UserSplit.VALID
    sides[order[users * 9 // 10 :]] = UserSplit.TEST
    return sides


def match_users(
    user_ids: Sequence[str], listed: dict[str, UserSplit], name: str = "the split file"
) -> Int8:
    """Look up each user's side.

    Raises
    ------
    DataError
        Users are missing from the file; the first ten are named.
    """
    missing = [user for user in user_ids if user not in listed]
    if missing:
        shown = ", ".join(missing[:10])
        raise DataError(
            f"{name} lacks {len(missing):,} of {len(user_ids):,} users: {shown}"
            f"{', …' if len(missing) > 10 else ''}; give each of them train, valid or test"
        )
    return np.array([listed[user] for user in user_ids], dtype=np.int8)


def read_user_split(path: Path) -> tuple[dict[str, UserSplit], str]:
    """Read a split file: CSV or TSV, plain or gzip, with the columns ``user_id`` and ``split``.

    Returns
    -------
    sides
        User id → side.
    name
        Name of the file, for messages.

    Raises
    ------
    DataError
        The file cannot be read, a value is not train, valid or test, or a user has two sides.
    """
    from store.data.readers.split_file import read_rows

    sides: dict[str, UserSplit] = {}
    words = {side.name.lower(): side for side in UserSplit}
    for row, user, word in read_rows(path):
        if word not in words:
            raise DataError(
                f"{path.name}, row {row}, column split: {word!r} is not train, valid or test"
            )
        side = words[word]
        if sides.setdefault(user, side) != side:
            raise DataError(f"{path.name}, row {row}: user {user!r} is given two splits")
    return sides, path.name


def _unix_seconds(date: str) -> int:
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        raise DataError(f"time:{date} is not a date such as time:2014-01-31") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


def _day(second: np.int64) -> str:
    return datetime.fromtimestamp(int(second), tz=UTC).date().isoformat()

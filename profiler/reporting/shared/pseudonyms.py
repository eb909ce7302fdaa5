"""What a page calls a person: by default a pseudonym that only the store can trace back.

A pseudonym is a keyed digest of the id. The key stays in the store, so whoever has the page and a
list of ids cannot tell who is who, while two reports of one store name the same person alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from profiler.choices import ShownUsers

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0, O, 1, I, L and U, which are misread; what it makes can be read aloud."""

_SHORTEST = 5
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def looks_like_address(user_id: str) -> bool:
    """Whether an id is, or holds, an e-mail address."""
    return _EMAIL.search(user_id) is not None


class Names:
    """Names of all people of a store on one page.

    Parameters
    ----------
    user_ids
        All of them, by user_ix: a name is as long as it takes for no two to be the same.
    secret
        The store's own secret.
    shown
        ``pseudonyms``, ``ids`` as they are, or ``none``: nobody is named.
    """

    def __init__(
        self, user_ids: Sequence[str], secret: str, shown: ShownUsers = "pseudonyms"
    ) -> None:
        self.shown = shown
        self._ids = user_ids
        self._key = hashlib.blake2b(secret.encode(), person=b"pseudonyms").digest()
        self._digests: list[int] = []
        self._length = _SHORTEST
        if shown == "pseudonyms":
            self._digests = [self._digest(user_id) for user_id in user_ids]
            while self._collide():
                self._length += 1

    def of(self, user_ix: int) -> str:
        """Name of a user; empty where nobody is named."""
        if self.shown == "none":
            return ""
        if self.shown == "ids":
            return self._ids[user_ix]
        return self._spell(self._digests[user_ix])

    def other(self, name: str) -> str:
        """Name of something that is no user but is called after some, such as a blend."""
        return "" if self.shown == "none" else self._spell(self._digest(name))

    def _collide(self) -> bool:
        base = len(_ALPHABET) ** self._length
        return len({digest % base for digest in self._digests}) < len(set(self._digests))

    def _digest(self, text: str) -> int:
        found = hashlib.blake2b(text.encode(), key=self._key, digest_size=16)
        return int.from_bytes(found.digest(), "big")

    def _spell(self, number: int) -> str:
        letters = []
        for _ in range(self._length):
            number, place = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[place])
        return "".join(letters)

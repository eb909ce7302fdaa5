"""Changes by hand of an attached store: carried over where the joined store can take them back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, column, insert, table

from store.db.statements import statement
from store.digests import canonical_json
from store.merging.layout import layouts

_EDITS = statement(
    "SELECT o.* FROM other.edits o "
    "WHERE NOT EXISTS (SELECT 1 FROM main.edits n WHERE n.kind = o.kind "
    "AND n.made_at = o.made_at) ORDER BY o.edit_id"
)
_DISPUTE = statement(
    "INSERT OR IGNORE INTO main.disputes (user_ix, interest_id, edit_id) "
    "SELECT u.new, n.new, :edit FROM other.disputes o JOIN temp.of_users u ON u.old = o.user_ix "
    "JOIN temp.of_interests n ON n.old = o.interest_id WHERE o.edit_id = :theirs"
)
_INTERESTS = statement("SELECT old, new FROM temp.of_interests")
_USERS = statement("SELECT old, new FROM temp.of_users")
_IMPORT = "import"


def take_over_edits(connection: Connection) -> tuple[int, int]:
    """Carry over changes by hand; return how many came, and how many cannot be taken back here.

    What a change did stands in the rows that were copied. A change is left out where the interest
    it speaks of was not copied, because the first store has other interests of the same subject;
    an import, because it replaced interests that the joined store does not have.
    """
    interests = {row[0]: row[1] for row in connection.execute(_INTERESTS)}
    users = {row[0]: row[1] for row in connection.execute(_USERS)}
    came = left = 0
    names = [name for name in layouts()["edits"].columns if name != "edit_id"]
    ours = table("edits", column("edit_id"), *map(column, names), schema="main")
    add = insert(ours).returning(ours.c.edit_id)
    for edit in connection.execute(_EDITS).mappings().all():
        payload = _mapped(json.loads(edit["payload"]), interests, users)
        if edit["kind"] == _IMPORT or payload is None:
            left += 1
            continue
        row = {name: edit[name] for name in names} | {"payload": canonical_json(payload)}
        number = connection.execute(add, row).scalar_one()
        connection.execute(_DISPUTE, {"edit": number, "theirs": edit["edit_id"]})
        came += 1
    return came, left


def _mapped(
    said: dict[str, Any], interests: dict[int, int], users: dict[int, int]
) -> dict[str, Any] | None:
    """A change with our numbers; None where it speaks of what was not copied."""
    mapped = dict(said)
    for name, numbers in (("interest", interests), ("into", interests), ("user_ix", users)):
        if name in said:
            if said[name] not in numbers:
                return None
            mapped[name] = numbers[said[name]]
    if isinstance(said.get("before"), int):
        mapped["before"] = interests.get(said["before"])
    if "followers" in said:
        mapped["followers"] = [interests[one] for one in said["followers"] if one in interests]
    return mapped

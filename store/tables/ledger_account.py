"""What a store has spent, kept up to date at the price of the newest rows of the ledger.

Every process enters its calls in the ledger before it sends them, so the ledger is the account of
all of them together. Summing all of it for each call would cost more with every call; only rows
that were open at the last look, and rows since then, can have changed.
"""

from __future__ import annotations

import json
import sqlite3

from store.tables.ledger import Spent

_ROWS = (
    "SELECT attempt_id, outcome = 'sent', "
    "CASE WHEN tokens_in IS NULL AND tokens_out IS NULL THEN reserved_tokens "
    "ELSE coalesce(tokens_in, 0) + coalesce(tokens_out, 0) END, "
    "coalesce(cost_usd, reserved_usd) FROM attempts "
    "WHERE (attempt_id > ? OR attempt_id IN (SELECT value FROM json_each(?))) "
    "AND purpose <> 'offline'"
)


class Account:
    """The running sums of a store's ledger; calls still open count as reserved."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: what was read may have been rolled back."""
        self._seen = 0
        self._open: set[int] = set()
        self._calls, self._tokens, self._usd = 0, 0, 0.0

    def look(self, driver: sqlite3.Connection) -> Spent:
        """Sums over all calls of all processes, as the open transaction sees them."""
        highest = driver.execute("SELECT coalesce(max(attempt_id), 0) FROM attempts").fetchone()[0]
        # A withdrawn call gives its number back, and another may get it.
        seen = min(self._seen, int(highest))
        rows = driver.execute(_ROWS, (seen, json.dumps(sorted(self._open)))).fetchall()
        self._seen, self._open = int(highest), set()
        calls, tokens, usd = 0, 0, 0.0
        for attempt_id, is_open, row_tokens, row_usd in rows:
            if is_open:
                self._open.add(int(attempt_id))
                calls, tokens, usd = calls + 1, tokens + int(row_tokens), usd + float(row_usd)
            else:
                self._calls += 1
                self._tokens += int(row_tokens)
                self._usd += float(row_usd)
        return Spent(self._calls + calls, self._tokens + tokens, self._usd + usd)

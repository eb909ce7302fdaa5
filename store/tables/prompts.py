"""Prompts as they were sent: each stored once, under the address of its content."""

from __future__ import annotations

import sqlite3

from store.digests import canonical_json
from store.tables.ledger import Prompt


def add_prompt(driver: sqlite3.Connection, digest: str, prompt: Prompt) -> None:
    """Store a prompt under its address, where it is not there yet."""
    driver.execute(
        "INSERT INTO prompts (digest, template, template_digest, messages, schema) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        (
            digest,
            prompt.template,
            prompt.template_digest,
            canonical_json(list(prompt.messages)),
            canonical_json(dict(prompt.schema)),
        ),
    )

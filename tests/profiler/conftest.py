"""What tests of the asking room share: a key, a template, and no waiting for real providers."""

from __future__ import annotations

import pytest

from prompts import Template, load_template
from tests.asking_store import KEY


@pytest.fixture(autouse=True)
def api_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key that must never be seen anywhere."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture
def template() -> Template:
    """The question that most tests ask."""
    return load_template("exemplar_interests")

"""Bounds of schemas: away where they are refused, close where they are obeyed."""

from __future__ import annotations

import json

import pytest

from prompts.loader import list_templates, load_template
from prompts.schema import BOUNDS, tightened, unbounded

BOUNDED = {"allocate_items", "exemplar_interests", "name_group"}
"""Templates whose schemas have bounds; others have nothing to take away."""


@pytest.mark.parametrize("name", [one.name for one in list_templates() if one.output_schema])
def test_a_schema_without_bounds_has_the_same_properties(name: str) -> None:
    """Fault: a strict schema with maxLength is refused by OpenAI, and every call with it."""
    schema = load_template(name).output_schema
    plain = json.dumps(unbounded(schema))
    bounded = any(f'"{bound}"' in json.dumps(schema) for bound in BOUNDS)
    assert bounded == (name in BOUNDED)
    assert not any(f'"{bound}"' in plain for bound in BOUNDS)
    assert json.loads(plain)["required"] == schema["required"]


def test_a_property_of_the_name_of_a_bound_stays() -> None:
    schema = {"type": "object", "properties": {"maximum": {"type": "integer", "maximum": 3}}}
    assert unbounded(schema) == {
        "type": "object",
        "properties": {"maximum": {"type": "integer"}},
    }


def test_bounds_are_those_of_the_question() -> None:
    schema = load_template("exemplar_interests").output_schema
    tight = tightened(schema, items=7, interests=5)
    interests = tight["properties"]["interests"]
    evidence = interests["items"]["properties"]["evidence"]
    assert (interests["maxItems"], evidence["maxItems"]) == (5, 7)
    assert evidence["items"] == {"type": "integer", "minimum": 1, "maximum": 7}
    assert schema["properties"]["interests"]["maxItems"] == 20

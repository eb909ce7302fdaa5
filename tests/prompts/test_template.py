"""Rendering: in a sandbox, complete or not at all, addressed by what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prompts import Template, load_template
from store.errors import UserError

INTEREST = {"label": {"type": "string"}, "description": {"type": "string"}, "evidence": {}}
SCHEMA = {
    "type": "object",
    "properties": {"interests": {"type": "array", "items": {"properties": INTEREST}}},
}
VALUES: dict[str, Any] = {
    "kind": "exemplar",
    "count": 2,
    "total": 5,
    "cut": "recent",
    "numbered_items": "[1] A\n[2] B",
    "boundary": "abc",
    "max_interests": 20,
    "language": "",
}


def template(user: str, **more: Any) -> Template:
    fields: dict[str, Any] = {
        "name": "mine",
        "purpose": "A test.",
        "task": "interests",
        "user": user,
        "output_schema": SCHEMA,
        **more,
    }
    return Template.model_validate(fields)


def example(label: str, **more: Any) -> dict[str, Any]:
    return {"interests": [{"label": label, "description": "d", "evidence": ["1"], **more}]}


def schema_of(interest: Any, **more: Any) -> dict[str, Any]:
    items = {"type": "array", "items": {"type": "object", "properties": interest}}
    return {"type": "object", "properties": {"interests": items, **more}}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (schema_of({**INTEREST, "confidence": {}}), r"items has the property 'confidence'.*label,"),
        (schema_of(INTEREST, summary={}), "output_schema has the property 'summary'"),
        (schema_of({"label": {}, "description": {}}), "the property 'evidence'"),
        (schema_of(None), "the property 'label'"),
        ({"properties": {"interests": {"type": "array"}}}, "the property 'label'"),
        ({"properties": {"interests": []}}, "the property 'label'"),
        ({"properties": []}, "the property 'interests'"),
    ],
)
def test_a_schema_asks_for_exactly_what_is_read(schema: dict[str, Any], said: str) -> None:
    assert template("x", output_schema=schema_of(INTEREST)).output_schema["type"] == "object"
    with pytest.raises(ValidationError, match=said):
        template("x", output_schema=schema)


def test_an_example_is_an_answer_that_would_be_accepted() -> None:
    assert template("x", examples=[example("a")]).examples == [example("a")]
    for wrong, said in (
        (example("b", confidence=1), r"examples\.1\.interests\.0\.confidence"),
        (example(" "), r"examples\.1\.interests\.0\.label: .*must not be blank"),
        ({"interests": []}, r"examples\.1\.interests"),
        ({}, r"examples\.1\.interests"),
    ):
        with pytest.raises(ValidationError, match=said):
            template("x", examples=[example("a"), wrong])


@pytest.mark.parametrize("name", ["exemplar_interests", "allocate_items"])
def test_questions_say_what_was_cut_and_about_whom(name: str) -> None:
    question = load_template(name)
    assert "Of 5 items, 2 are shown: the most recent" in question.render(VALUES).messages[1][1]
    spread = question.render({**VALUES, "cut": "spread"}).messages[1][1]
    assert "an even spread over the whole list" in spread
    whole = question.render({**VALUES, "total": 2}).messages[1][1]
    assert "are shown" not in whole
    assert "one person" in whole
    crowd = question.render({**VALUES, "kind": "synthetic"}).messages[1][1]
    assert "group of people" in crowd
    assert "one person" not in crowd


@pytest.mark.parametrize("missing", sorted(VALUES))
def test_a_missing_variable_is_named_with_template_and_line(missing: str) -> None:
    question = load_template("exemplar_interests")
    values = {name: value for name, value in VALUES.items() if name != missing}
    with pytest.raises(UserError) as caught:
        question.render(values)
    said = str(caught.value)
    assert f"the variable '{missing}' has no value" in said
    assert "template 'exemplar_interests'" in said
    line = int(said.split("exemplar_interests.yaml:")[1].split(")")[0])
    assert question.path is not None
    assert missing in question.path.read_text(encoding="utf-8").splitlines()[line - 1]


def test_a_missing_attribute_and_a_failing_line_are_named() -> None:
    broken = template("one\ntwo {{ who.name }}", variables={"who": "somebody"})
    with pytest.raises(UserError, match=r"line 2: the text cannot be rendered.*name"):
        broken.render({"who": {}})
    divided = template("one\n\n{{ 1 / n }}", variables={"n": "a number"})
    with pytest.raises(UserError, match="line 3"):
        divided.render({"n": 0})


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ who.__init__.__globals__ }}",
        "{{ who.append(1) }}",
        "{{ range(10 ** 9) | list }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_the_sandbox_holds(text: str) -> None:
    hostile = template(text, variables={"who": "a list"} if "who" in text else {})
    with pytest.raises(UserError):
        hostile.render({"who": [1]})


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_values_are_never_read_as_template_text(value: str) -> None:
    shown = template("[{{ who }}]", variables={"who": "anything"})
    assert shown.render({"who": value}).messages == (("user", f"[{value}]"),)
    jinja = "{{ 7 * 7 }}{% if x %}" + value
    assert shown.render({"who": jinja}).messages == (("user", f"[{jinja}]"),)


@given(st.data())
def test_each_change_of_a_text_changes_the_digests(data: st.DataObject) -> None:
    question = load_template("exemplar_interests")
    before = question.render(VALUES)
    place = data.draw(st.integers(0, len(question.user)))
    text = question.user[:place] + "Q" + question.user[place:]
    changed = Template.model_validate({**question.model_dump(), "user": text})
    assert changed.digest != question.digest
    try:
        after = changed.render(VALUES)
    except UserError:  # the letter fell into an expression
        return
    if after.messages != before.messages:
        assert after.digest != before.digest


def test_the_digest_covers_schema_and_order_of_examples() -> None:
    a, b = example("a"), example("b")
    base = template("{{ examples }}", examples=[a, b])
    other_schema = template(
        "{{ examples }}",
        examples=[a, b],
        output_schema={**SCHEMA, "required": ["interests"]},
    )
    swapped = template("{{ examples }}", examples=[b, a])
    digests = {one.render({}).digest for one in (base, other_schema, swapped)}
    assert len(digests) == 3
    assert base.render({}).digest == base.render({"unused": 1}).digest

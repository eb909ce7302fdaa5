"""Answers: what is accepted, what is mended, and that a cut answer never is."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.asking.answers.answer_schema import Answer, AnswerError, Interest
from profiler.asking.answers.grounding import merge_same, normal_label
from profiler.asking.answers.read import read_answer
from profiler.asking.answers.sensitive import private_attribute
from profiler.shown import ShownItem

SHOWN = tuple(ShownItem(ix, str(100 + ix), f"Film {ix}") for ix in range(12))
GOOD: dict[str, Any] = {
    "interests": [
        {"label": "Noir", "description": "Dark crime films.", "evidence": ["100", "101"]},
        {"label": "Westerns", "description": 'Riders, "duels", {dust}.', "evidence": ["102"]},
    ]
}
TEXT = json.dumps(GOOD)


def read(text: str, **more: Any) -> Answer:
    fields: dict[str, Any] = {
        "finish_reason": "stop",
        "refusal": None,
        "shown": SHOWN,
        "task": "interests",
    }
    return read_answer(text, **{**fields, **more})


def kind_of(text: str, **more: Any) -> str:
    with pytest.raises(AnswerError) as caught:
        read(text, **more)
    assert caught.value.errors
    return caught.value.kind


def test_a_good_answer_is_read_as_it_is() -> None:
    answer = read(TEXT)
    assert [interest.model_dump() for interest in answer.interests] == GOOD["interests"]
    assert answer.mends == ()
    assert answer.repairs == ()


@pytest.mark.parametrize(
    ("text", "mends"),
    [
        (f"```json\n{TEXT}\n```", ("code fence",)),
        (f"```\n{TEXT}\n```\n", ("code fence",)),
        (f"  ```JSON {TEXT}```  ", ("code fence",)),
        (TEXT.replace("]}]}", "],}],}"), ("trailing comma",)),
        (f"```json\n{TEXT.replace(']}]}', ']} , ] }')}\n```", ("code fence", "trailing comma")),
        (f"\n\n {TEXT} \n", ()),
        (json.dumps(GOOD, indent=2), ()),
    ],
)
def test_only_fences_and_trailing_commas_are_mended(text: str, mends: tuple[str, ...]) -> None:
    answer = read(text)
    assert answer.interests == read(TEXT).interests
    assert answer.mends == mends


@pytest.mark.parametrize(
    ("text", "mends"),
    [
        (f"\ufeff{TEXT}", ()),
        (f"Here is the JSON: {TEXT}", ("text before the answer",)),
        (f"Sure!\n```json\n{TEXT}\n```", ("text before the answer", "code fence")),
        (f"<think>They like {{dust}}, so</think>\n{TEXT}", ("reasoning before the answer",)),
        (f"no tag opens this</think>{TEXT}", ("reasoning before the answer",)),
        (
            "<|channel|>analysis<|message|>So.<|end|><|start|>assistant"
            f"<|channel|>final<|message|>{TEXT}",
            ("reasoning before the answer",),
        ),
        (
            f"<think>Hm.</think>Here you are:\n```json\n{TEXT}\n```",
            ("reasoning before the answer", "text before the answer", "code fence"),
        ),
    ],
)
def test_text_before_the_one_document_is_left_out(text: str, mends: tuple[str, ...]) -> None:
    """Fault: reasoning tags, a first sentence or a BOM cost three calls and a quarantine."""
    answer = read(text)
    assert answer.interests == read(TEXT).interests
    assert answer.mends == mends


@pytest.mark.parametrize("reason", [None, "", "stop", "end_turn", "STOP", "tool_use", "completed"])
def test_reasons_that_mean_a_whole_answer(reason: str | None) -> None:
    assert read(TEXT, finish_reason=reason).interests


def test_a_comma_inside_a_text_is_not_a_trailing_comma() -> None:
    label = 'commas ,} and ,] and \\"quotes,}\\"'
    text = TEXT.replace("Noir", label).replace("]}]}", "],}],}")
    assert read(text).interests[0].label == 'commas ,} and ,] and "quotes,}"'


@pytest.mark.parametrize(
    ("kind", "text", "more"),
    [
        ("truncated", TEXT, {"finish_reason": "length"}),
        ("truncated", TEXT, {"finish_reason": "MAX_TOKENS"}),
        ("truncated", "", {"finish_reason": "max_tokens"}),
        ("refused", TEXT, {"finish_reason": "content_filter"}),
        ("refused", "", {"finish_reason": "SAFETY"}),
        ("refused", TEXT, {"refusal": "I cannot do that."}),
        ("empty", "", {}),
        ("empty", " \n\t", {"finish_reason": None}),
        ("not_json", "I like noir films.", {}),
        ("not_json", f"{TEXT}\nI hope this helps!", {}),
        ("not_json", TEXT + TEXT, {}),
        ("not_json", f"```json\n{TEXT}\n```\n```json\n{TEXT}\n```", {}),
        ("not_json", f"```json\n{TEXT}", {}),
        ("not_json", f"{TEXT}\n```", {}),
        ("not_json", TEXT.replace('"label"', "label"), {}),
        ("not_json", TEXT.replace('"', "'"), {}),
        ("not_json", TEXT.replace('["102"]', "[NaN]"), {}),
        ("not_json", TEXT.replace('["102"]', "[-Infinity]"), {}),
        ("not_json", TEXT.replace('"label": "Noir"', '"label": "Noir", "label": "Jazz"'), {}),
        ("not_json", '{"interests": [], ' + TEXT[1:], {}),
        ("not_json", TEXT.replace('["102"]', "[,]"), {}),
        ("not_json", TEXT.replace('["102"]', '["102",,]'), {}),
        ("not_json", "[" * 100_000, {}),
        ("not_json", TEXT.replace('"102"', "1" * 5000), {}),
        ("not_json", f"<think>{TEXT}</think>{TEXT}", {}),
        ("not_json", f"<think>is it {TEXT}?", {}),
        ("not_json", f"Here are two: {TEXT}\n{TEXT}", {}),
        ("not_json", f'Here: "{TEXT}', {}),
        ("unfinished", TEXT, {"finish_reason": "a reason nobody knows"}),
        ("truncated", TEXT, {"finish_reason": "model_context_window_exceeded"}),
        ("truncated", TEXT, {"finish_reason": "FinishReason.MAX_TOKENS"}),
        ("refused", TEXT, {"finish_reason": "guardrail_intervened"}),
        ("schema", "[]", {}),
        ("schema", "null", {}),
        ("schema", '"noir"', {}),
        ("schema", "{}", {}),
        ("schema", '{"interests": []}', {}),
        ("schema", '{"interests": {}}', {}),
        ("schema", '{"1": "noir"}', {}),
        ("schema", TEXT.replace('["102"]', '"102"'), {}),
        ("schema", TEXT.replace('["102"]', "[1.5]"), {}),
        ("schema", TEXT.replace('["102"]', "[true]"), {}),
        ("schema", TEXT.replace('["102"]', "[null]"), {}),
        ("schema", TEXT.replace('"Noir"', "7"), {}),
        ("schema", TEXT.replace('"Noir"', '"  "'), {}),
        ("schema", TEXT.replace('"Noir"', f'"{"x" * 121}"'), {}),
        ("schema", TEXT.replace("Noir", "No\\u0000ir"), {}),
        ("schema", TEXT.replace("Noir", "No\\u001bir"), {}),
        ("schema", TEXT.replace("Noir", "No\\u202eir"), {}),
        ("schema", TEXT.replace("Noir", "No\\ud800ir"), {}),
        ("schema", TEXT.replace('"label": "Noir"', '"label": "Noir", "mood": "dark"'), {}),
        ("schema", TEXT.replace('"label": "Noir", ', ""), {}),
        ("grounding", TEXT.replace('"102"', '"999"'), {}),
        ("grounding", TEXT.replace('"102"', '"Film 2"'), {}),
        ("grounding", TEXT.replace('"102"', ""), {}),
        ("grounding", TEXT.replace("Westerns", " NOIR "), {}),
        ("grounding", TEXT, {"max_interests": 1}),
    ],
)
def test_each_way_to_fail_has_its_kind(kind: str, text: str, more: dict[str, Any]) -> None:
    assert kind_of(text, **more) == kind


def test_ids_written_as_numbers_are_the_ids_they_spell() -> None:
    assert read(TEXT.replace('"102"', "102")).interests[1].evidence == ["102"]


def valid_answers(count: int) -> list[tuple[str, dict[str, Any]]]:
    """Answers with their settings, over both tasks, layouts, fences and awkward texts."""
    rng = random.Random(11)
    words = [
        "noir",
        'the "best"',
        "a}]}",
        "```",
        "l'été",
        "七人",
        "x, y,",
        "back\\slash",
        "[1]",
        "😀",
    ]
    answers = []
    for number in range(count):
        task = rng.choice(["interests", "allocation"])
        ids = [item.item_id for item in SHOWN]
        rng.shuffle(ids)
        groups = rng.randint(1, 4)
        document = {
            "interests": [
                {
                    "label": f"{rng.choice(words)} {group}",
                    "description": " ".join(rng.choices(words, k=rng.randint(1, 6))),
                    "evidence": ids[group::groups],
                }
                for group in range(groups)
            ]
        }
        text = json.dumps(
            document,
            indent=rng.choice([None, None, 1, 2]),
            ensure_ascii=rng.random() < 0.5,
            separators=rng.choice([(",", ":"), (", ", ": ")]),
        )
        text += rng.choice(["", "", "\n", "  \n\n"])
        if number % 3 == 0:
            text = f"```json\n{text}\n```" + rng.choice(["", "\n"])
        answers.append((text, {"task": task}))
    return answers


def test_300_answers_cut_anywhere_are_never_accepted() -> None:
    """Every byte boundary of every answer, with every finish reason a cut can come with."""
    cuts = 0
    kinds = set()
    for text, settings_ in valid_answers(300):
        whole = read(text, **settings_)
        raw = text.encode()
        step = max(1, len(raw) // 120)
        tail = range(max(0, len(raw) - 60), len(raw))
        for place in sorted({*range(0, len(raw), step), *tail}):
            part = raw[:place].decode(errors="replace")
            cuts += 1
            with pytest.raises(AnswerError):
                read(part, finish_reason="length", **settings_)
            try:
                answer = read(part, finish_reason="stop", **settings_)
            except AnswerError as error:
                kinds.add(error.kind)
                continue
            assert text[len(part) :].strip() == "", "only blank space may be missing"
            assert answer == whole
    assert cuts > 20_000
    assert kinds == {"not_json", "empty"}


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(AnswerError):
        read(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["interests", "label", "description", "evidence", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(json_values)
def test_no_json_value_breaks_the_reader(value: Any) -> None:
    try:
        answer = read(json.dumps({"interests": [value]}))
    except AnswerError:
        return
    assert all(interest.evidence for interest in answer.interests)


def tells_nothing_private(label: str) -> bool:
    """Not so "HE", which tells a gender and is refused."""
    return not any(private_attribute(text) for text in (label, f"About {label}"))


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30
).filter(tells_nothing_private)


def test_labels_hold_signs_and_no_entities_of_html() -> None:
    """Fault: entities of a shop's export stood in labels."""
    interest = {"label": "Pens &amp;amp; ink", "description": "d", "evidence": [SHOWN[0].item_id]}
    (found,) = read(json.dumps({"interests": [interest]})).interests
    assert found.label == "Pens & ink"


def test_a_mark_of_reasoning_in_a_label_is_a_word_of_the_answer() -> None:
    """Fault, found by Hypothesis: all before the mark was cut off a whole document."""
    interest = {"label": "</think>", "description": "d", "evidence": [SHOWN[0].item_id]}
    text = json.dumps({"interests": [interest]})
    for whole in (text, f"```json\n{text}\n```"):
        assert [one.label for one in read(whole).interests] == ["</think>"]


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(texts, st.sets(st.sampled_from([item.item_id for item in SHOWN]), min_size=1)),
        min_size=1,
        max_size=20,
        unique_by=lambda pair: normal_label(pair[0]),
    ),
    st.booleans(),
)
def test_what_is_accepted_is_what_was_said(pairs: list[tuple[str, set[str]]], fence: bool) -> None:
    said = [
        {"label": label, "description": f"About {label}", "evidence": sorted(ids)}
        for label, ids in pairs
    ]
    text = json.dumps({"interests": said})
    answer = read(f"```json\n{text}\n```" if fence else text)
    merged, _ = merge_same([Interest(**one) for one in said])
    assert list(answer.interests) == merged

"""Template files: what is refused, what overrides what, and the toolkit's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from prompts import list_templates, load_template, refuse_unused
from prompts.loader import earlier_templates, is_own
from store.errors import UserError

GOOD = """\
name: mine
purpose: A test.
task: interests
variables: {who: somebody}
user: |
  Hello {{ who }}.
output_schema:
  type: object
  properties:
    interests:
      type: array
      items:
        type: object
        properties: {label: {type: string}, description: {type: string}, evidence: {type: array}}
"""


def write(folder: Path, text: str, name: str = "mine") -> Path:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_toolkits_own_templates() -> None:
    tasks = {template.name: template.task for template in list_templates()}
    assert tasks == {
        "exemplar_interests": "interests",
        "allocate_items": "allocation",
        "describe_layer": "layers",
        "item_cards": "cards",
        "name_group": "naming",
        "reask": "reask",
        "rank_case": "rank",
        "recommend_items": "recommendation",
        "reflect_causes": "reflection",
        "reflect_hints": "reflection",
        "reflect_mistakes": "reflection",
        "teacher_lists": "teacher_lists",
    }


def test_templates_of_earlier_releases_are_kept_as_they_were() -> None:
    """What they asked was paid for: a changed letter would make another question of it."""
    digests = {name: one.digest[:17] for name, one in earlier_templates()[-1].items()}
    assert digests == {
        "allocate_items": "s256:e4f4d287a286",
        "exemplar_interests": "s256:300b54df350f",
        "reask": "s256:6a7801c696b1",
    }
    assert not any(map(is_own, earlier_templates()[-1].values()))
    assert is_own(load_template("reask"))


def test_a_folder_adds_and_overrides_by_name(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace("mine", "allocate_items"), "allocate_items")
    assert load_template("mine", tmp_path).user.strip() == "Hello {{ who }}."
    assert load_template("allocate_items", tmp_path).purpose == "A test."
    assert load_template("reask", tmp_path).digest == load_template("reask").digest
    assert [template.name for template in list_templates(tmp_path)] == [
        "allocate_items",
        "describe_layer",
        "exemplar_interests",
        "item_cards",
        "mine",
        "name_group",
        "rank_case",
        "reask",
        "recommend_items",
        "reflect_causes",
        "reflect_hints",
        "reflect_mistakes",
        "teacher_lists",
    ]


def test_comments_do_not_change_the_digest_but_texts_do(tmp_path: Path) -> None:
    one = load_template("mine", write(tmp_path, GOOD)).digest
    assert load_template("mine", write(tmp_path, "# a comment\n" + GOOD)).digest == one
    assert load_template("mine", write(tmp_path, GOOD.replace("Hello", "Hallo"))).digest != one


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("purpose", "porpoise"), "porpoise"),
        (("task: interests", "task: poem"), "task"),
        (("name: mine", "name: yours"), "must be the file's name"),
        (("{{ who }}", "{{ whom }}"), r"mine\.yaml:6\): the variable 'whom' is used but not"),
        (("{{ who }}", "you"), "'who' is declared but never used"),
        (("{{ who }}", "{{ who }"), r"mine\.yaml:6\): not a valid template text"),
        (("    interests:", "    answers:"), "'answers', which the reader.* takes: interests"),
        (("label: {type: string}, ", ""), "items must describe .* the property 'label'"),
        (("label:", "confidence: {type: number}, label:"), "'confidence', which the reader.* take"),
        (
            ("output_schema:", "examples: [{interests: []}]\noutput_schema:"),
            r"examples\.0\.interests",
        ),
        (("purpose: A test.", "purpose: A test.\npurpose: Two."), "2|appears twice"),
        (("{who: somebody}", "{who: &a x, b: *a}"), r"mine\.yaml:4: YAML aliases are not allowed"),
        (("purpose: A test.", "purpose: 2026-02-31"), "a value cannot be read"),
        (("purpose: A test.", "purpose: !!python/object/apply:os.getcwd []"), "not valid YAML"),
        (("purpose: A test.", "purpose: [unclosed"), "not valid YAML"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    write(tmp_path, GOOD.replace(*change))
    with pytest.raises(UserError, match=message):
        load_template("mine", tmp_path)


def test_an_alias_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 30)]
    write(tmp_path, "l0: &l0 [x]\n" + "\n".join(levels))
    with pytest.raises(UserError, match="aliases"):
        load_template("mine", tmp_path)


def test_deep_nesting_big_files_and_other_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="40 deep"):
        load_template("mine", write(tmp_path, "purpose: " + "[" * 5000))
    with pytest.raises(UserError, match="256 KiB"):
        load_template("mine", write(tmp_path, "#" * 300_000))
    (tmp_path / "mine.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(UserError, match="UTF-8"):
        load_template("mine", tmp_path)


@pytest.mark.parametrize("name", ["nothing", "../secret", "/etc/passwd", "a/b", ""])
def test_an_unknown_name_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    write(tmp_path, GOOD.replace("mine", "secret"), "secret")
    known = ", ".join(template.name for template in list_templates())
    with pytest.raises(UserError, match=known):
        load_template(name, folder)


@pytest.mark.parametrize("name", ["exemplar_interests.yml", "reask.YAML", "notes.txt"])
def test_a_file_that_would_be_passed_over_is_refused(tmp_path: Path, name: str) -> None:
    for harmless in (".DS_Store", ".hidden.yaml", "README.md"):
        (tmp_path / harmless).write_text("x", encoding="utf-8")
    (tmp_path / "old").mkdir()
    assert load_template("reask", tmp_path).digest == load_template("reask").digest
    assert len(list_templates(tmp_path)) == len(list_templates())
    (tmp_path / name).write_text(GOOD, encoding="utf-8")
    for look in (list_templates, lambda folder: load_template("reask", folder)):
        with pytest.raises(UserError, match=rf"{name}: not a template.*name_group, .*reask"):
            look(tmp_path)


def test_a_name_that_is_not_asked_with_is_refused_before_asking(tmp_path: Path) -> None:
    ours = ["exemplar_interests", "allocate_items"]
    (tmp_path / "README").write_text("x", encoding="utf-8")
    refuse_unused(None, ours)
    refuse_unused(tmp_path, ours)
    write(tmp_path, GOOD)
    refuse_unused(tmp_path, ["mine", "allocate_items"])
    used = ", ".join(template.name for template in list_templates())
    with pytest.raises(UserError, match=rf"mine\.yaml: no question is asked.*used are: {used}\."):
        refuse_unused(tmp_path, ours)  # of this folder nothing would be used
    write(tmp_path, GOOD.replace("mine", "reask"), "reask")
    refuse_unused(tmp_path, ours)  # one variant among others
    write(tmp_path, GOOD.replace("mine", "exemplar_interest"), "exemplar_interest")
    with pytest.raises(UserError, match=r"no question is asked.*\(exemplar_interests\?\)"):
        refuse_unused(tmp_path, ours)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no-such"):
        load_template("reask", tmp_path / "no-such")


@pytest.mark.parametrize("name", ["exemplar_interests", "allocate_items"])
def test_the_prompts_ask_for_tastes_only(name: str) -> None:
    template = load_template(name)
    text = template.system.replace("\n", " ")
    for attribute in ("age", "gender", "health", "religion", "origin"):
        assert attribute in text
    assert "do not state or guess" in text
    asked = str(template.output_schema)
    for attribute in ("age", "gender", "health", "religion", "country"):
        assert f"'{attribute}'" not in asked

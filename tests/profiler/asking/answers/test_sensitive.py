"""Statements about the person are found, tastes about items are left alone."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from profiler.asking.answers import sensitive
from profiler.asking.answers.private_words.rules import words_of
from profiler.asking.answers.sensitive import private_attribute, use_private_words
from store.errors import DataError
from tests.profiler.asking.answers.private_table import labelled, table
from tests.reading_store import fill, runner

STATEMENTS = [
    ("gender", "Is a Christian woman in her thirties."),
    ("gender", "is a Christian woman in her thirties"),
    ("gender", "The user is a young mother who likes baking."),
    ("gender", "This user is probably female."),
    ("gender", "Likely a man interested in grooming."),
    ("gender", "Buys razors and shaving cream, probably a man."),
    ("gender", "She enjoys romantic comedies."),
    ("gender", "He likes action films."),
    ("health", "Is pregnant and looks for prenatal vitamins."),
    ("health", "The customer appears to be diabetic."),
    ("health", "Suffers from eczema and needs gentle creams."),
    ("health", "Has diabetes and needs test strips."),
    ("health", "Was diagnosed with celiac disease."),
    ("origin", "Is of Indian descent and cooks with spices."),
    ("origin", "Comes from Mexico."),
    ("origin", "Lives in Texas and likes westerns."),
    ("age", "The user is in their sixties."),
    ("gender", "Shops for her husband."),
    ("gender", "Wants products for her sensitive skin and for her hair."),
    ("gender", "Enjoys toys, suggesting a mother of young children."),
    ("gender", "As a Muslim woman, looks for modest clothing."),
    ("age", "Appears to be an elderly person."),
    ("age", "Seems to be a teenager."),
    ("gender", "Might be a retired man with time to read."),
    ("age", "Is 35 years old and likes jazz."),
    ("age", "A 35-year-old woman who likes jazz."),
    ("religion", "The viewer may be Jewish."),
    ("religion", "The user is a devout Catholic."),
    ("origin", "Is Japanese and collects manga."),
    ("gender", "Is an African American woman who buys hair oil."),
    ("origin", "Is an immigrant."),
    ("gender", "Young mother"),
    ("gender", "Pregnant woman"),
    ("gender", "Elderly Catholic woman"),
    ("gender", "Single mother in her thirties"),
    ("gender", "Mother of two who bakes at weekends."),
    ("gender", "Enjoys gardening and is a grandmother."),
    ("gender", "The shopper likes perfumes and she prefers florals."),
    ("health", "Manages her diabetes with sugar-free food."),
    ("age", "The person is middle-aged."),
    ("age", "Is over 60 and enjoys classics."),
    ("health", "Is blind."),
    ("gender", "Is gay."),
    ("gender", "Is a gay man."),
    ("gender", "Teenage girl"),
    ("health", "A person with asthma."),
    ("gender", "Shops as a mother of three."),
    ("religion", "Reads because of his faith."),
    ("age", "Likely in her late twenties."),
    ("age", "The reviewer is probably a senior citizen."),
    ("origin", "Perhaps Hispanic."),
    ("religion", "Identifies as Buddhist."),
    ("religion", "Is religious and reads devotionals."),
    ("health", "Is overweight and tries diets."),
    ("health", "The user struggles with depression."),
]

TASTES = [
    "Gluten-free snacks",
    "Men's shaving",
    "Children's films",
    "Men's grooming basics. Shops men's dandruff and 2-in-1 shampoos.",
    "Enjoys films about a young mother who is pregnant.",
    "Is interested in women breaking free of routine.",
    "Is drawn to powerful male performances as men who break, obsess or change.",
    "Stories of unusual boys and men who do not fit in.",
    "Christian music and gospel choirs",
    "Is a fan of Christian rock.",
    "Is a Christian music fan.",
    "Is a Japanese cinema fan who likes Kurosawa.",
    "Is an African black soap buyer.",
    "African black soap",
    "Diabetes care supplies",
    "Sugar-free sweets for diabetics",
    "Wants acne treatments and gentle cleansers.",
    "Likes vitamins for pregnancy and nursing teas.",
    "Considers a sweet women's eau de parfum, perhaps as a gift.",
    "American Girl dolls",
    "Senior-friendly large-button phones",
    "Baby care and nappies",
    "Enjoys films of the late thirties and forties.",
    "Likes stories of women in their thirties who change their lives.",
    "Likes Hitchcock and his cool style.",
    "Anime and Asian action",
    "Iron Man and Spider-Man",
    "Little Women and other period dramas",
    "The Old Man and the Sea",
    "Grumpy old men comedies",
    "Teen comedies of the 1980s",
    "Robin Williams as a woman in disguise: cross-dressing comedies featuring men as women.",
    "Kosher snacks and Passover foods",
    "Halal meat",
    "Bibles and devotional reading",
    "Black hair care: oils for natural curls",
    "Anti-ageing creams for mature skin",
    "Looks after joints with glucosamine for arthritis.",
    "Is keen on male-ensemble war films.",
    "Is a kid at heart about toys.",
    "Wants glucose strips for managing diabetes.",
    "Dramas about families coping with cancer.",
    "Is looking for 12 packs.",
    "Is likely to enjoy more noir.",
    "May also like female-led thrillers.",
    "Films whose heroine is a young woman in New York.",
    "Books for new mothers",
    "Toys for 3-year-old children",
    "Prefers Korean skin care.",
    "Is from the same series of French comedies.",
    "Enjoys Jewish comedy and Woody Allen.",
    "Father and son dramas",
    "Strong female leads",
    "Prefers fresh scents marketed for men.",
    "Is comfortable with old films.",
    "Is loyal to old brands.",
    "Likely to look for black and white films.",
    "Likes old and black-and-white films.",
]


@pytest.mark.parametrize(("kind", "text"), STATEMENTS)
def test_a_statement_about_the_person_is_found(kind: str, text: str) -> None:
    found = private_attribute(text)
    assert found is not None
    assert found.kind == kind
    assert found.words.lower() in text.lower()


@pytest.mark.parametrize("text", TASTES)
def test_a_taste_is_left_alone(text: str) -> None:
    assert private_attribute(text) is None


@pytest.mark.parametrize("text", [text for _, text in STATEMENTS if len(text) > 25])
def test_a_statement_is_found_after_a_taste_and_in_other_spacing(text: str) -> None:
    assert private_attribute(f"Enjoys baking and garden books. {text}") is not None
    assert private_attribute(text.replace(" ", "  ").replace("'", "’")) is not None
    assert private_attribute(text.upper().replace("IS FROM", "is from")) is not None


def test_interests_written_by_a_large_model_on_real_shops_pass(shared_data: Path) -> None:
    texts = []
    for file in sorted(shared_data.glob("llm-interests-*/*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                for interest in json.loads(line)["interests"]:
                    texts += [interest["label"], interest["description"]]
    assert len(texts) > 10_000
    assert [text for text in texts if private_attribute(text)] == []


def test_the_quick_look_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for _, text in STATEMENTS] + TASTES
    texts += [f"{one[:40]} {two[-40:]}" for one in texts for two in texts[::7]]
    texts += [f"{rule} {text}" for rule in ("He", "Is 40.", "Her") for text in texts[:100]]
    quick = [sensitive._found.__wrapped__(text) for text in texts]
    rules = sensitive._rules()
    everywhere = frozenset(word for text in texts for word in words_of(text))
    languages = tuple(
        replace(
            one,
            needs=everywhere,
            rules=tuple(replace(rule, needs=everywhere) for rule in one.rules),
        )
        for one in rules.languages
    )
    monkeypatch.setattr(sensitive, "_rules", lambda: replace(rules, languages=languages))
    assert [sensitive._found.__wrapped__(text) for text in texts[::6]] == quick[::6]


def test_long_hostile_text_is_read_in_no_time() -> None:
    for unit in ("is a ", "the user is ", "probably a very ", "a" * 50, "in their "):
        private_attribute(unit * (800 // len(unit)))


def test_the_page_tells_what_the_labelled_list_measures() -> None:
    """Faults: "She-Hulk", "Black Widow" and "A Single Man" were taken for genders, and what was
    found was told for English alone. ``python -m tests.profiler.asking.answers.private_table``
    prints the table again."""
    page = Path("docs/privacy.md").read_text("utf-8")
    assert table() in page
    assert sum(len(texts) for lists in labelled().values() for texts in lists.values()) >= 300


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_no_taste_or_name_of_a_work_is_taken_for_a_person(language: str) -> None:
    lists = labelled()[language]
    assert [text for text in lists["taste"] if private_attribute(text)] == []
    for name in ("private", "private_unlike", "private_new"):
        found = [text for text in lists[name] if private_attribute(text)]
        assert len(found) >= 0.8 * len(lists[name]), name


def test_a_title_that_was_shown_is_a_name() -> None:
    """Fault: an interest in a film was asked again because its title reads like a person."""
    titles = ["She's the One (1996)", "Deaf Man, The (1972)", None, "She"]
    assert private_attribute("She's the One") is not None
    assert private_attribute("She's the One", titles) is None
    assert private_attribute("Is The Deaf Man or the like.", titles) is None
    assert private_attribute("She enjoys She's the One.", titles) is not None


@pytest.fixture
def own_words(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "words.yaml"
    use_private_words(None)


def test_words_of_ones_own_are_added_and_taken_away(own_words: Path) -> None:
    own_words.write_text(
        "en:\n  words: {health: [gluten sensitive]}\n  without: {origin: [french]}\n"
        "  names: [An Old Lady]\n"
        "it:\n  words: {women: [donna, madre]}\n"
        "  rules: [{kinds: {gender: women}, pattern: '^è una (?:<it>)'}]\n"
    )
    texts = [
        "The user is gluten sensitive.",
        "The user is french.",
        "Probably An Old Lady",
        "È una donna.",
        "The user is pregnant.",
    ]
    before = [bool(private_attribute(text)) for text in texts]
    use_private_words(own_words)
    after = [bool(private_attribute(text)) for text in texts]
    use_private_words(None)
    assert before == [False, True, True, False, True]
    assert after == [True, False, False, True, True]
    assert [bool(private_attribute(text)) for text in texts] == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("en: [", "not valid YAML"),
        ("[1]", "languages by their codes"),
        ("en: {word: {}}", "en.word: Extra inputs are not permitted; known fields: words"),
        ("en: {words: {health: pale}}", "en.words.health"),
        ("en: {rules: [{kinds: {gender: [x]}, pattern: '('}]}", "a pattern is not understood"),
        ("en: {rules: [{kinds: {gender: nobody}, pattern: x}]}", "nobody is no list of words"),
        ("en: {phrases: {a: <b>, b: <a>}, rules: [{kinds: {age: [x]}, pattern: <a>}]}", "circle"),
    ],
)
def test_a_file_of_words_that_cannot_be_used_is_named(
    own_words: Path, text: str, named: str
) -> None:
    own_words.write_text(text)
    with pytest.raises(DataError, match=re.escape(named)) as caught:
        use_private_words(own_words)
    assert "words.yaml" in str(caught.value)
    assert private_attribute("The user is pregnant.") is not None


def test_commands_take_words_by_option_and_environment(
    own_words: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = fill(tmp_path / "s.db")
    own_words.write_text("en: {without: {gender_nouns: [mother]}}")
    row = {"label": "Young mother", "description": "Pens.", "evidence": ["pen"]}
    file = tmp_path / "i.jsonl"
    file.write_text(json.dumps({"user_id": "customer-bob", "interests": [row]}))
    run = runner(capsys)
    usual = ("import-interests", file, "--store", path, "--dry-run", "--json")
    left_out, taken = (2, "private attribute"), (0, "")

    def told(*more: object) -> tuple[int, str]:
        code, _, said = run(*usual, *more)
        return code, "private attribute" if "private attribute" in said else ""

    assert told() == left_out
    assert told("--private-words", own_words) == taken
    assert told() == left_out
    monkeypatch.setenv("PROFILER_PRIVATE_WORDS", str(own_words))
    assert told() == taken
    code, _, said = run(*usual, "--private-words", tmp_path / "none.yaml")
    assert (code, "there is no such file" in said) == (2, True)

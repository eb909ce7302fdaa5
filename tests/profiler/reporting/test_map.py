"""The map: merged interests, places, themes that no map decides, names, colours."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from profiler.reporting.map.atlas import draw_atlas, nearest
from profiler.reporting.map.groups import Groups, load_groups
from profiler.reporting.map.hues import DARK, LIGHT, apart, assign_hues
from profiler.reporting.map.places import WIDTH, Places, place
from profiler.reporting.map.region_names import name_regions, phrases
from profiler.reporting.map.themes import find_themes
from store.store import Store, open_store
from tests.report_store import STYLES, THEMES, fill, labels, meaning

FRONT_END = Path(__file__).parents[3] / "profiler" / "reporting" / "frontend" / "src"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(fill(tmp_path_factory.mktemp("map") / "s.db"))


def made(vectors: np.ndarray, names: list[str], users: list[list[int]]) -> Groups:
    return Groups(
        ids=np.arange(1, len(vectors) + 1),
        labels=names,
        descriptions=[""] * len(vectors),
        people=np.array([len(own) for own in users]),
        members=[()] * len(vectors),
        indptr=np.concatenate([[0], np.cumsum([len(own) for own in users])]),
        users=np.array([user for own in users for user in own], dtype=np.int64),
        vectors=vectors.astype(np.float32),
        written=len(vectors),
        unplaced=0,
    )


def test_groups_come_with_those_first_that_most_people_show(store: Store) -> None:
    groups = load_groups(store)
    assert groups.own.tolist() == sorted(groups.own.tolist(), reverse=True)
    with store.read() as connection:
        counted = dict(
            connection.exec_driver_sql(
                "SELECT coalesce(n.canonical_id, n.interest_id), count(DISTINCT a.user_ix) "
                "FROM assignments a JOIN interests n USING (interest_id) GROUP BY 1"
            ).all()
        )
    assert {int(i): int(n) for i, n in zip(groups.ids, groups.own, strict=True)} == counted
    assert all(groups.people >= groups.own)


def test_near_twins_are_one_dot_and_their_people_are_counted_once(tmp_path: Path) -> None:
    # Made by a map on which 30 % of the dots were near-twins of another.
    with open_store(fill(tmp_path / "t.db", twins=4)) as opened:
        groups = load_groups(opened)
    assert groups.written == len(labels()) + 4
    assert len(groups) == len(labels())
    twin = next(place for place, members in enumerate(groups.members) if members)
    assert len(groups.members[twin]) == 4
    assert all(groups.index[one] == twin for one in groups.members[twin])


def test_a_floor_leaves_out_interests_that_reach_few(store: Store) -> None:
    groups = load_groups(store)
    least = int(np.median(groups.people)) + 1
    kept = groups.above(least)
    assert (kept.people >= least).all()
    assert len(kept) == int((groups.people >= least).sum())
    assert kept.own.tolist() == [int(groups.own[groups.index[int(i)]]) for i in kept.ids]
    assert groups.above(1) is groups


def test_neighbours_lie_together_and_the_same_store_gives_the_same_map(store: Store) -> None:
    groups = load_groups(store)
    found = place(groups.vectors)
    assert found.method.startswith("t-SNE")
    assert found.xy.min() >= 0
    assert found.xy[:, 0].max() == WIDTH
    assert found.xy[:, 1].max() == found.height
    again = place(groups.vectors)
    assert (found.xy == again.xy).all()
    gap = np.linalg.norm(found.xy[:, None] - found.xy[None], axis=2) + 1e9 * np.eye(len(found.xy))
    theme = [next(t for t, own in THEMES.items() if _is_of(label, own)) for label in groups.labels]
    alike = sum(theme[int(gap[i].argmin())] == theme[i] for i in range(len(theme)))
    assert alike > 0.95 * len(theme)


def _is_of(label: str, parts: tuple[str, ...]) -> bool:
    return any(label.casefold().endswith(part) for part in parts)


def test_few_are_placed_by_components_and_one_in_the_middle() -> None:
    vectors = np.eye(5, 8, dtype=np.float32)
    assert place(vectors).method.startswith("the first two principal components")
    assert place(vectors[:1]).xy.tolist() == [[WIDTH / 2, WIDTH / 2]]
    assert place(vectors[:0]).xy.shape == (0, 2)


def test_many_stand_among_the_landmarks_they_resemble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.reporting.map.places.LANDMARKS", 40)
    vectors = np.stack([meaning(label) for label in labels()])
    copies = np.concatenate([vectors[:40], vectors[:8]])
    found = place(copies)
    assert "40 that most show" in found.method
    gaps = np.linalg.norm(found.xy[:40, None] - found.xy[None, 40:], axis=2)
    spread = np.linalg.norm(found.xy[:40, None] - found.xy[None, :40], axis=2).mean()
    assert np.diag(gaps[:8]).max() < 0.25 * spread


def test_themes_are_the_planted_ones_and_no_map_decides_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made by theme sizes that changed with where regions of the map were cut.
    one = draw_atlas(store, most=None)

    def anywhere(vectors: np.ndarray, seed: int = 0) -> Places:
        return Places(np.random.default_rng(9).random((len(vectors), 2)) * 900, 900, "chance")

    monkeypatch.setattr("profiler.reporting.map.atlas.place", anywhere)
    other = draw_atlas(store, most=None)
    assert other.places.method == "chance"
    assert (one.themes.themes.of == other.themes.themes.of).all()
    assert one.themes.themes.people.tolist() == other.themes.themes.people.tolist()
    for theme in range(len(one.themes.themes.names)):
        members = [one.groups.labels[g] for g in np.flatnonzero(one.themes.themes.of == theme)]
        planted = {t for label in members for t, own in THEMES.items() if _is_of(label, own)}
        assert len(planted) == 1


def test_a_theme_reaches_whoever_shows_one_of_its_interests_drawn_or_not(store: Store) -> None:
    every, few = (draw_atlas(store, most=most) for most in (None, 10))
    assert few.drawn == 10
    assert few.themes.themes.people.tolist() == every.themes.themes.people.tolist()
    cut = every.themes.themes
    for theme in range(len(cut.names)):
        rows = np.flatnonzero(cut.of == theme)
        assert cut.people[theme] == len(every.groups.users_of(rows))
        assert cut.sizes[theme] == len(rows)
    assert cut.people.tolist() == sorted(cut.people.tolist(), reverse=True)
    assert [t.people for t in every.regions()[0]] == cut.people.tolist()


def test_parts_lie_within_their_theme(store: Store) -> None:
    found = find_themes(load_groups(store))
    for part, theme in enumerate(found.theme_of_part):
        assert set(found.themes.of[found.parts.of == part]) == {theme}


def test_the_order_of_interests_changes_no_theme() -> None:
    vectors = np.stack([meaning(label) for label in labels()])
    users = [[i % 7, i % 5 + 7] for i in range(len(vectors))]
    plain = find_themes(made(vectors, labels(), users))
    shuffled = np.random.default_rng(0).permutation(len(vectors))
    turned = find_themes(
        made(vectors[shuffled], [labels()[i] for i in shuffled], [users[i] for i in shuffled])
    )
    sizes = sorted(plain.themes.sizes.tolist())
    assert sorted(turned.themes.sizes.tolist()) == sizes
    assert sorted(turned.themes.names) == sorted(plain.themes.names)


def test_regions_are_named_by_phrases_they_share(store: Store) -> None:
    names = find_themes(load_groups(store)).parts.names
    assert len(set(names)) == len(names)
    planted = {part for own in THEMES.values() for part in own}
    found = {part for part in planted for name in names if part in name.casefold()}
    assert len(found) > 0.8 * len(planted)


def test_a_phrase_is_made_of_whole_words_at_the_edge_of_a_part() -> None:
    found = {" ".join(key): text for key, (text, _) in phrases("Gel pens, fine tip").items()}
    assert set(found) == {"gel", "pen", "gel pen", "fine", "tip", "fine tip"}
    assert found["gel pen"] == "Gel pens"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["ジェルペン", "万年筆とインク", "製図用鉛筆"], "万年筆とインク"),
        (["أقلام حبر جاف", "أقلام رصاص", "أقلام تلوين"], "أقلام"),
        (["Stylos à bille", "Stylos plume", "Stylos gel"], "Stylos"),
    ],
)
def test_names_in_other_scripts(names: list[str], wanted: str) -> None:
    # Made by theme names that were statistics of English phrases.
    found = name_regions(names, np.zeros(3, np.int64), {0: 1})
    assert wanted in found[0]


def test_no_two_regions_have_one_name_even_without_words() -> None:
    found = name_regions(["pens", "pens", "of", "the"], np.arange(4), {i: i for i in range(4)})
    assert len(set(found.values())) == 4


def test_colours_stay_apart_for_every_kind_of_sight_and_neighbours_differ_most() -> None:
    for colours, least in ((LIGHT, 0.1), (DARK, 0.12)):
        gaps = apart(colours) + np.eye(len(colours))
        assert gaps.min() > least
    # Two themes that touch and one far away: the two that touch look more unlike than most.
    xy = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0], [900, 900], [901, 900]])
    hues = assign_hues(xy, np.array([0, 0, 1, 1, 2, 2]), 3)
    assert len(set(hues)) == 3
    assert apart(LIGHT)[hues[0], hues[1]] > np.median(apart(LIGHT))
    assert assign_hues(xy[:1], np.zeros(1, np.int64), 1) == [0]


def test_the_front_end_has_the_same_colours() -> None:
    text = (FRONT_END / "palette.js").read_text("utf-8")
    for name, colours in (("LIGHT", LIGHT), ("DARK", DARK)):
        block = re.search(rf"{name} = \[(.*?)\]", text, re.S)
        assert block is not None
        assert tuple(re.findall(r"#[0-9a-f]{6}", block[1])) == colours


def test_neighbours_that_are_called_the_same_are_named_once() -> None:
    cosine = np.array([0.9, 0.8, 0.7, -1.0], dtype=np.float32)
    found = nearest(cosine, ["pens", "pens", "ink", "self"], {"self"}, 3)
    assert [row for row, _ in found] == [0, 2]


def test_the_planted_store_has_as_many_interests_as_it_says() -> None:
    assert len(labels()) == 12 * len(STYLES)

"""The sample shop: deterministic, readable, and with interests worth finding."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from store.data.prepare import prepare
from store.data.readers import read
from store.data.sample import FILES, SEED, USERS, load_truth, write_sample
from store.errors import DataError, UserError


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "shop"
    write_sample(folder)
    return folder


@pytest.fixture(scope="module")
def data(shop):
    return prepare(read(shop))


def histories(data):
    return [
        data.items[a:b].tolist() for a, b in zip(data.indptr[:-1], data.indptr[1:], strict=True)
    ]


def test_size_and_shape(shop, data):
    raw = read(shop)
    assert (raw.format, raw.files, raw.problems) == ("tsv", ["interactions.tsv", "items.tsv"], [])
    assert (data.after.users, data.after.items) == (400, 312)
    assert None not in data.titles
    assert len(set(data.titles)) == 312
    assert {name for names in data.categories for name in names} == {
        "Kitchen",
        "Outdoors",
        "Home & Garden",
        "Arts & Leisure",
    }
    lengths = np.diff(data.indptr)
    assert lengths.min() >= 8
    assert lengths.max() <= 40


def test_the_same_seed_gives_the_same_bytes(shop, tmp_path):
    written = write_sample(tmp_path / "again", users=USERS, seed=SEED)
    assert written.interactions == sum(1 for _ in (shop / "interactions.tsv").open()) - 1
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (shop / name).read_bytes()
    write_sample(tmp_path / "other", seed=SEED + 1)
    assert (tmp_path / "other" / FILES[0]).read_bytes() != (shop / FILES[0]).read_bytes()


def test_truth_describes_the_data(shop, data):
    truth = load_truth(shop)
    assert len(truth.interests) == 12
    assert set(truth.items) == set(data.item_ids)
    assert set(truth.users) == set(data.user_ids)
    assert set(Counter(truth.items.values()).values()) == {26}
    own = total = 0
    for user, history in zip(data.user_ids, histories(data), strict=True):
        tastes = truth.users[user]
        assert 2 <= len(tastes) <= 4
        assert sum(tastes.values()) == pytest.approx(1, abs=1e-3)
        assert len(set(history)) == len(history)
        own += sum(truth.items[data.item_ids[item]] in tastes for item in history)
        total += len(history)
    assert 0.93 < own / total < 0.98


def test_strengths_are_what_users_buy(shop, data):
    truth = load_truth(shop)
    planted, bought = [], []
    for user, history in zip(data.user_ids, histories(data), strict=True):
        counts = Counter(truth.items[data.item_ids[item]] for item in history)
        for interest, strength in truth.users[user].items():
            planted.append(strength)
            bought.append(counts[interest] / len(history))
    assert np.corrcoef(planted, bought)[0, 1] > 0.5


def test_popularity_is_skewed(data):
    counts = np.sort(np.bincount(data.items))[::-1]
    assert counts[:62].sum() > 0.3 * counts.sum()  # a fifth of the items


def test_departments_and_ids_do_not_give_interests_away(shop, data):
    truth = load_truth(shop)
    by_department = defaultdict(set)
    for item, names in zip(data.item_ids, data.categories, strict=True):
        by_department[names[0]].add(truth.items[item])
    assert {len(interests) for interests in by_department.values()} == {3}
    ordered = [truth.items[item] for item in sorted(truth.items)]
    same = np.mean([a == b for a, b in pairwise(ordered)])
    assert same < 0.2


def test_the_past_tells_the_next_item_far_better_than_popularity(data):
    """Hit rate at 20 of a first-order count model against popularity, last item left out."""
    follows: dict[int, Counter[int]] = defaultdict(Counter)
    popular: Counter[int] = Counter()
    for history in histories(data):
        popular.update(history[:-1])
        for now, after in pairwise(history[:-1]):
            follows[now][after] += 1
    ranked = [item for item, _ in popular.most_common()]
    hits = Counter()
    for history in histories(data):
        *past, target = history
        scores = Counter()
        for age, item in enumerate(reversed(past)):
            for after, count in follows[item].items():
                scores[after] += count * 0.8**age
        for name, ranking in (("popular", ranked), ("next", [i for i, _ in scores.most_common()])):
            hits[name] += target in [item for item in ranking if item not in past][:20]
    assert hits["next"] > 3 * hits["popular"]


def test_what_is_not_a_sample_is_left_alone(shop, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"already holds thesis\.txt"):
        write_sample(tmp_path)
    with pytest.raises(DataError, match="is a file"):
        write_sample(tmp_path / "thesis.txt")
    with pytest.raises(DataError, match="at least one user"):
        write_sample(tmp_path / "none", users=0)
    with pytest.raises(DataError, match="profiler sample"):
        load_truth(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_earlier_sample_is_replaced_where_that_was_allowed(tmp_path):
    """A sample that somebody had worked on was replaced without a word."""
    write_sample(tmp_path / "shop", users=3)
    with pytest.raises(UserError, match=r"interactions\.tsv exists already"):
        write_sample(tmp_path / "shop", users=2)
    assert len(load_truth(tmp_path / "shop").users) == 3
    assert write_sample(tmp_path / "shop", users=2, overwrite=True).users == 2
    assert len(load_truth(tmp_path / "shop").users) == 2

"""What a sentence may claim, and lists that follow an interest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recommender.backbones.base import BackboneConfig
from recommender.backbones.item_to_item.pop import Pop
from recommender.serving.reasons import LEAST_SHARE, NAMED, find_reason
from recommender.serving.service import Service
from recommender.serving.steering import can_steer, interest_vectors, steered
from recommender.serving.store_lists import StoreLists
from recommender.serving.top_k import recommend
from store.errors import UserError
from store.recommending import Recommending
from store.store import open_store
from store.views.interests.fitting import Fit, fitting_interests, interests_fitting_history
from store.views.shared.sentences import reason_sentence

PARTS = st.dictionaries(st.integers(0, 20), st.floats(-2, 2), min_size=1, max_size=12)
FITS = st.lists(
    st.builds(
        Fit,
        st.integers(1, 9),
        st.integers(1, 9),
        st.floats(0.55, 1),
        st.booleans(),
        st.frozensets(st.integers(0, 20), max_size=6),
    ),
    max_size=4,
)


@given(PARTS, FITS)
def test_the_colon_stands_only_where_items_raised_the_score_and_show_the_interest(
    parts: dict[int, float], fits: list[Fit]
) -> None:
    found = find_reason(list(parts.items()), fits)
    helped = {item: part for item, part in parts.items() if part > 0}
    assert set(found.because) <= set(helped)
    assert len(found.because) <= NAMED
    if found.tier == "shows":
        assert found.fit in fits
        assert found.because
        assert found.fit is not None
        assert set(found.because) <= found.fit.own_items
        proof = sum(part for item, part in helped.items() if item in found.fit.own_items)
        assert proof >= LEAST_SHARE * sum(helped.values())
    elif found.tier == "fits":
        assert found.fit == fits[0]
    else:
        assert fits == []
        assert found.fit is None


def test_an_interest_further_down_is_named_where_the_items_show_that_one() -> None:
    near = Fit(1, 1, 0.9, False, frozenset({7}))
    shown = Fit(2, 2, 0.6, False, frozenset({3}))
    parts = [(3, 1.0), (7, 0.05)]
    assert find_reason(parts, [near, shown]).fit == shown
    assert find_reason(parts, [near]).tier == "fits"
    assert find_reason([(3, 1.0), (4, 2.0)], []).because == (4, 3)


# --- lists that follow ---------------------------------------------------------------------------
@pytest.fixture(scope="module")
def lists(shop: Path, trained: Path) -> StoreLists:
    return StoreLists(trained, shop)


def test_it_is_what_pages_ask_for(lists: StoreLists) -> None:
    assert isinstance(lists, Recommending)
    assert lists.name == "remi"
    assert lists.can_steer


def test_reasons_are_those_of_the_list(lists: StoreLists, shop: Path) -> None:
    with open_store(shop) as store:
        data = store.datasets.load()
        vectors = store.vectors.items()
        user = data.user_ids[0]
        items = lists.recommend(user, 5)
        found = lists.reasons(user, items)
        assert [one.item_id for one in found] == items
        numbers = [data.item_index[item] for item in items]
        fits = fitting_interests(store, 0, numbers, vectors)
        history = set(data.history(0, (0, 1)).tolist())
        for one, number in zip(found, numbers, strict=True):
            assert sum(part for _, part in one.parts) + one.base == pytest.approx(
                one.score, abs=1e-4
            )
            assert {data.item_index[item] for item, _ in one.parts} <= history
            assert len({item for item, _ in one.parts}) == len(one.parts)
            assert (one.tier == "none") == (fits[number] == [])
            if one.interest_id is not None:
                near = next(fit for fit in fits[number] if fit.group == one.interest_id)
                assert one.similarity == pytest.approx(near.similarity)


def test_fits_are_the_cosines_of_the_words(shop: Path) -> None:
    with open_store(shop) as store:
        vectors = store.vectors.items()
        ids, words = store.vectors.interests()
        found = fitting_interests(store, 0, [3, 4], vectors, threshold=-1)
        assert {fit.interest_id for fit in found[3]} == {fit.interest_id for fit in found[4]}
        for item, fits in found.items():
            for fit in fits:
                row = words[np.flatnonzero(ids == fit.interest_id)[0]]
                assert fit.similarity == pytest.approx(float(vectors[item] @ row), abs=1e-5)
        assert fitting_interests(store, 0, [], vectors) == {}
        proven = fitting_interests(store, 0, [3], None)
        assert all(fit.proven for fit in proven[3])


def test_without_an_interest_its_items_go_and_with_more_of_it_they_come(
    lists: StoreLists, shop: Path
) -> None:
    with open_store(shop) as store:
        data = store.datasets.load()
        catalogue = store.interests.catalogue()
        indptr, rows = store.interests.of_users("exemplar")
    user = next(u for u in range(data.n_users) if indptr[u + 1] - indptr[u] >= 2)
    name = data.user_ids[user]
    table = lists._service.model.item_embeddings().detach()
    moved = []
    for row in rows[indptr[user] : indptr[user + 1]]:
        interest = int(catalogue.ids[row])
        vector = interest_vectors(
            table,
            [int(row)],
            catalogue.indptr,
            catalogue.items.astype(np.int64),
            lists._service.projected,
        )[0]

        def near(items: list[str], vector: torch.Tensor = vector) -> float:
            numbers = torch.tensor([data.item_index[item] + 1 for item in items])
            return float(torch.cosine_similarity(table[numbers], vector[None]).mean())

        plain = near(lists.recommend(name, 10))
        off = near(lists.recommend(name, 10, without=[interest]))
        more = near(lists.recommend(name, 10, more=[interest]))
        assert off <= plain + 1e-6
        assert more >= plain - 1e-6
        moved.append(more - off)
    assert max(moved) > 0.05


def test_nothing_off_and_nothing_more_is_the_plain_list(lists: StoreLists) -> None:
    model = lists._service.model
    none = torch.zeros(0, model.item_embeddings().shape[1])
    history = np.array([1, 2, 3])
    plain = recommend(model, [history], 8)
    same = steered(model, history, 8, off=none, more=none)
    assert same.items.tolist() == plain.items.tolist()
    assert same.interests.tolist() == plain.interests.tolist()
    assert not {2, 3, 4} & set(same.items[0].tolist())


def test_a_model_without_a_space_cannot_be_steered() -> None:
    assert not can_steer(Pop(9, BackboneConfig()))


def test_an_unknown_interest_user_or_item_is_named(lists: StoreLists) -> None:
    with pytest.raises(UserError, match="no interest 99999"):
        lists.recommend("U001", 3, without=[99999])
    with pytest.raises(UserError, match="'nobody'"):
        lists.recommend("nobody", 3)
    with pytest.raises(UserError, match="item 'nothing'"):
        lists.reasons("U001", ["nothing"])


def test_the_command_takes_ids_and_says_where_nothing_changes(
    shop: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    import cli

    with open_store(shop) as store:
        ids = store.interests.catalogue().ids.tolist()

    def run(*more: str) -> tuple[int, str, str]:
        words = ["recommend", str(trained), "--store", str(shop), "--user", "U001", "--json"]
        code = cli.run(cli.recommender_app, "recommender", [*words, *more])
        out, error = capsys.readouterr()
        return code, out, error

    def items(out: str) -> list[str]:
        return [one["item_id"] for one in json.loads(out)["recommendations"]]

    plain = items(run()[1])
    said = [run("--without", f"i{one}") for one in ids[:4]]
    for code, out, error in said:
        assert code == 0
        assert ("stays as it is" in error) == (items(out) == plain)
    assert any(items(out) != plain for _, out, _ in said)
    assert items(run("--without", f"i{ids[0]},{ids[1]}")[1])
    code, _, error = run("--more", "pens")
    assert (code, "write its id" in error) == (2, True)
    code, _, error = run("--more", "999999")
    assert (code, "no interest 999999" in error) == (2, True)
    code, _, error = run("--more", str(ids[0]), "--diversity", "1")
    assert (code, "exclude each other" in error) == (2, True)


# --- sentences -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("shows", ["A", "B"], "C"), "Because of “A” and “B”: an interest in C."),
        (("fits", ["A"], "C"), "Because of “A”; it fits the interest in C."),
        (
            ("none", ["A", "B"], None),
            "Because of “A” and “B”; none of the stored interests fits it.",
        ),
        (("fits", [], "C"), "No item of the history speaks for it; it fits the interest in C."),
    ],
)
def test_a_sentence_claims_what_its_tier_allows(said: tuple[Any, ...], expected: str) -> None:
    assert reason_sentence(*said) == expected


def test_a_sentence_says_what_a_model_without_history_cannot_know() -> None:
    said = reason_sentence("none", [], None, reads_history=False)
    assert said.startswith("The model does not look at the history; none of")
    assert reason_sentence("none", ["A"], None, stored=False) == "Because of “A”."


@pytest.mark.parametrize("history", [None, 6])
def test_explanation_and_page_claim_the_same(
    shop: Path, trained: Path, history: int | None
) -> None:
    """Made by two rules: the commands named the model's nearest vector, the report did not."""
    with open_store(shop) as store, Service(trained, store) as service:
        user = "U001"
        items, user_ix = service.history(user, None)
        if history is not None:
            items, user_ix = items[:history], None
        for item in [one.item_id for one in service.recommend(user=user, k=12)]:
            (explained,) = service.explainer.reasons(items, user_ix, [service.index[item]])
            (full,) = service.explainer.explain(items, user_ix, [service.index[item]])
            reason, said = explained.reason, full.reason
            assert said.tier == reason.tier
            assert [one.item_id for one in said.because] == [
                service.item_ids[one] for one in reason.because
            ]
            assert (said.interest is None) == (reason.fit is None)
            if said.interest is not None:
                assert said.interest.label in said.sentence
                assert (": an interest in" in said.sentence) == (said.tier == "shows")


def test_interests_of_a_raw_history_are_those_its_items_prove(shop: Path) -> None:
    with open_store(shop) as store:
        data, vectors = store.datasets.load(), store.vectors.items()
        catalogue = store.interests.catalogue()
        history = data.history(0).tolist()
        found = interests_fitting_history(store, history, [5], vectors, threshold=-1)[5]
        proven = {
            int(catalogue.ids[row])
            for row in range(len(catalogue.ids))
            if set(catalogue.items[catalogue.indptr[row] : catalogue.indptr[row + 1]])
            & set(history)
        }
        assert {fit.interest_id for fit in found} == proven
        assert all(fit.own_items and fit.own_items <= set(history) for fit in found)
        assert interests_fitting_history(store, [], [5], vectors) == {5: []}

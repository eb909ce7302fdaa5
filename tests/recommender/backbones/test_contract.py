"""What every backbone promises, whatever it is."""

from __future__ import annotations

import pytest
import torch

from recommender.backbones.create import create
from recommender.backbones.registry import BACKBONES
from recommender.data.sequences import Batch
from store.errors import UserError

V, L = 15, 6
HISTORY = torch.tensor(
    [[3, 1, 4, 1, 5, 9], [2, 6, 5, 0, 0, 0], [7, 0, 0, 0, 0, 0], [8, 8, 8, 8, 0, 0]]
)
LEARNED = [name for name in BACKBONES.built_in if BACKBONES.get_known(name).trains_on != "none"]
CAUSAL = ["dnn", "gru4rec", "sasrec", "facet"]


def small(name: str, **config):
    return create(name, V, seed=1, **({"d": 8, "length": L} | config)).eval()


@pytest.mark.parametrize("name", LEARNED)
class TestEveryModel:
    def test_shapes(self, name):
        model = small(name)
        encoded = model(HISTORY)
        assert encoded.interests.shape == (4, model.k, 8)
        assert encoded.history_vectors.shape == (4, L, 8)
        if encoded.attention is not None:
            assert encoded.attention.shape == (4, model.k, L)
            assert (encoded.attention[HISTORY[:, None].expand(-1, model.k, -1) == 0] == 0).all()
        assert model.item_embeddings().shape == (V + 1, 8)
        assert model.score(encoded.interests).shape == (4, V)

    def test_score_is_the_maximum_over_interests_and_skips_padding(self, name):
        model = small(name)
        with torch.no_grad():
            interests = model(HISTORY).interests
            table = model.items
            if name == "facet":  # cosines over its temperature, .1
                table = table / table.norm(dim=1, keepdim=True).clamp(min=1e-12) / 0.1**0.5
            expected = [
                [max(float(u @ table[item]) for u in interests[row]) for item in range(1, V + 1)]
                for row in range(4)
            ]
            assert torch.allclose(model.score(interests), torch.tensor(expected), atol=1e-5)

    def test_width_of_padding_does_not_matter(self, name):
        model = small(name)
        with torch.no_grad():
            whole = model(HISTORY).interests
            for row, size in enumerate([6, 3, 1, 4]):
                alone = model(HISTORY[row : row + 1, :size]).interests
                assert torch.allclose(alone[0], whole[row], atol=1e-5), row

    def test_the_vector_of_padding_does_not_matter(self, name):
        model = small(name)
        with torch.no_grad():
            before = model(HISTORY).interests
            model.items[0] = 100.0
            assert torch.allclose(model(HISTORY).interests, before, atol=1e-5)

    def test_a_history_shorter_than_k_gives_finite_interests(self, name):
        setting = {"concepts": 12} if name == "sine" else {"k": 12}
        if not {*setting} & {*BACKBONES.get_known(name).Config.model_fields}:
            setting = {}
        model = small(name, **setting)
        interests = model(HISTORY[2:3, :1]).interests
        assert torch.isfinite(interests).all()

    def test_all_positions_see_nothing_later(self, name):
        if name == "bert4rec":
            pytest.skip("BERT4Rec is bidirectional; its own tests cover what it sees")
        model = small(name)
        changed = HISTORY.clone()
        changed[:, 3:] = torch.where(HISTORY[:, 3:] > 0, 11, 0)
        with torch.no_grad():
            before, after = model.all_positions(HISTORY), model.all_positions(changed)
        assert torch.allclose(before[:, :3], after[:, :3], atol=1e-5)
        assert not torch.allclose(before[0, 3:], after[0, 3:], atol=1e-3)

    def test_all_positions_agree_with_encoding_each_prefix(self, name):
        if name == "bert4rec":
            pytest.skip("BERT4Rec is trained on hidden items, not on prefixes")
        model = small(name)
        with torch.no_grad():
            everywhere = model.all_positions(HISTORY)
            for row, size in [(0, 1), (0, 4), (0, 6), (1, 3), (3, 2)]:
                prefix = model(HISTORY[row : row + 1, :size]).interests[0]
                assert torch.allclose(everywhere[row, size - 1], prefix, atol=1e-5)

    def test_padding_row_gets_no_gradient(self, name):
        model = small(name).train()
        interests = model(HISTORY).interests
        (interests @ model.item_embeddings()[1:].T).square().sum().backward()
        assert model.items.grad is not None
        assert not model.items.grad[0].any()

    def test_one_seed_one_model_and_the_global_state_untouched(self, name):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        one, two, other = small(name), small(name), create(name, V, seed=2, d=8, length=L)
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(one.items, two.items)
        assert not torch.equal(one.items, other.items)

    def test_an_item_table_of_one(self, name):
        model = create(name, 1, d=8, length=3).eval()
        encoded = model(torch.tensor([[1, 1, 0]]))
        assert model.score(encoded.interests).shape == (1, 1)
        assert torch.isfinite(model.score(encoded.interests)).all()

    def test_one_gather_gives_what_separate_ones_give(self, name):
        model = small(name)
        ids = (HISTORY, torch.tensor([1, 2]), torch.tensor([], dtype=torch.long))
        for part, found in zip(ids, model.lookup(*ids), strict=True):
            assert torch.equal(found, model.items[part])


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_models_train_on_all_positions(name):
    assert small(name).trains_on == "all"


@pytest.mark.parametrize("name", ["mind", "comirec_sa", "comirec_dr", "remi"])
def test_multi_interest_models_train_on_one_target_and_have_k_vectors(name):
    model = small(name, k=3)
    assert model.trains_on == "one"
    assert model(HISTORY).interests.shape[1] == model.k == 3


class TestRefusals:
    def test_unknown_model(self):
        with pytest.raises(UserError, match=r"unknown backbone 'svd'.*remi"):
            create("svd", V)

    @pytest.mark.parametrize("config", [{"k": 0}, {"widht": 3}, {"d": "wide"}])
    def test_unknown_or_impossible_setting_is_named(self, config):
        with pytest.raises(UserError, match=next(iter(config))):
            create("remi", V, **config)

    def test_no_items(self):
        with pytest.raises(ValueError, match="at least one item"):
            create("remi", 0)

    def test_heads_must_divide_the_width(self):
        with pytest.raises(UserError, match="heads"):
            create("sasrec", V, d=10, heads=3)

    def test_more_concepts_than_the_pool(self):
        with pytest.raises(UserError, match="concepts"):
            create("sine", V, pool=3, concepts=4)


class TestBert4RecWindows:
    def batch(self) -> Batch:
        history = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0]])
        return Batch(torch.arange(2), history, torch.tensor([3, 1]), torch.tensor([5, 6]))

    def test_hidden_items_are_the_targets_and_the_last_is_always_hidden(self):
        model = create("bert4rec", V, d=8, length=4, mask=0.5)
        window = torch.tensor([[1, 2, 3, 5, 0], [4, 6, 0, 0, 0]])
        for _ in range(20):
            batch = model.corrupt(self.batch())
            hidden = batch.history == model.mask_id
            assert torch.equal(hidden, batch.targets > 0)
            assert torch.equal(torch.where(hidden, batch.targets, batch.history), window)
            assert hidden[0, 3]
            assert hidden[1, 1]
            assert batch.lengths.tolist() == [4, 2]

    def test_hidden_positions_see_both_sides(self):
        model = create("bert4rec", V, d=8, length=4).eval()
        window = torch.tensor([[1, model.mask_id, 3, 0, 0]])
        later = torch.tensor([[1, model.mask_id, 9, 0, 0]])
        with torch.no_grad():
            one, two = model.all_positions(window), model.all_positions(later)
        assert not torch.allclose(one[0, 1], two[0, 1], atol=1e-4)

    def test_the_mask_has_a_row_that_is_no_item(self):
        model = create("bert4rec", V, d=8, length=4)
        assert len(model.items) == V + 2
        assert len(model.item_embeddings()) == V + 1


class TestPop:
    def test_scores_by_training_count_for_everyone(self):
        from recommender.data.sequences import Sequences

        model = create("pop", 4)
        indptr, items = torch.tensor([0, 3, 6]).numpy(), torch.tensor([0, 1, 2, 1, 2, 2]).numpy()
        parts = torch.tensor([0, 0, 0, 0, 0, 3], dtype=torch.int8).numpy()
        model.prepare(Sequences(4, indptr, items, parts))
        scores = model.score(model(torch.tensor([[1, 2], [3, 0]])).interests)
        expected = torch.tensor([1.0, 2.0, 2.0, 0.0]).log1p()
        assert torch.allclose(scores, expected.expand(2, 4))

"""HyMiRec: its coarse part and its refiner against steps written out, its codes, its options."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.backbones.coded.refiners import TransformerRefiner
from recommender.backbones.create import create
from recommender.data.sequences import Sequences
from store.errors import UserError


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(0))
    return e / e.sum(0)


def histories() -> Sequences:
    """Twelve users of two tastes over 30 items."""
    random = np.random.default_rng(0)
    rows = [random.permutation(15)[:10] + 15 * (user % 2) for user in range(12)]
    indptr = np.arange(0, 121, 10)
    return Sequences(30, indptr, np.concatenate(rows), np.zeros(120, dtype=np.int8))


def test_coarse_interests_are_attention_over_the_decoded_codes(padded, known, weights):
    model = create("hymirec", 30, d=6, length=7, coarse=3, centres=5, code_layers=2).eval()
    model.prepare(histories())
    codes, lengths, centres = model.codes.clone(), model.code_lengths.clone(), model.centres.clone()
    w = weights(model)
    rows = []
    for at, item in enumerate(known):
        content = sum(
            float(lengths[item, layer]) * centres[layer, int(codes[item, layer])].double().numpy()
            for layer in range(2)
        )
        age = int(np.log2(len(known) - at))
        rows.append(w["adapter.weight"] @ content + w["adapter.bias"] + w["ages"][age])
    x = np.array(rows)
    hidden = np.tanh(x @ w["inner.weight"].T + w["inner.bias"])
    share = softmax(hidden @ w["head.weight"].T + w["head.bias"])
    with torch.no_grad():
        coarse = model._coarse(padded, padded > 0)[0]
    assert np.allclose(coarse, share.T @ x, atol=1e-5)


def test_the_refiner_reads_as_if_missing_tokens_had_never_been():
    torch.manual_seed(0)
    refiner = TransformerRefiner(8, 2, 2, 0.0, 9).eval()
    tokens = torch.randn(3, 9, 8)
    there = torch.ones(3, 9, dtype=torch.bool)
    there[0, 3:6] = False
    there[1, 2] = False
    with torch.no_grad():
        whole = refiner(tokens, there)
        for row in range(3):
            alone = refiner(
                tokens[row : row + 1, there[row]], torch.ones(1, int(there[row].sum())) > 0
            )
            assert torch.allclose(whole[row, there[row]], alone[0], atol=1e-5)
            assert not whole[row, ~there[row]].any()


def test_an_old_item_counts_through_its_codes_and_a_recent_one_as_a_vector():
    model = create("hymirec", 30, d=8, length=12, recent=3, centres=8, code_layers=2).eval()
    model.prepare(histories())
    history = torch.tensor([[1, 20, 3, 4, 5, 6, 7, 8]])
    other = history.clone()
    other[0, 1] = 25
    with torch.no_grad():
        before = model(history).interests
        model.items[20, :4] += 1.0
        assert torch.allclose(model(history).interests, before), (
            "an old item is read from its codes"
        )
        assert not torch.allclose(model(other).interests, before, atol=1e-6)
        model.items[8, :4] += 1.0
        assert not torch.allclose(model(history).interests, before, atol=1e-4)


def test_codes_keep_who_took_what_and_no_layers_keep_the_vectors():
    """The codes of items that the same users took are near; those of the others are not."""
    exact = create("hymirec", 30, d=8, code_layers=0)
    coded = create("hymirec", 30, d=8, centres=8, code_layers=3)
    for model in (exact, coded):
        model.prepare(histories())
    assert float(exact.reconstruction) == 1.0
    assert 0.8 < float(coded.reconstruction) <= 1.0
    assert coded.bytes_per_item == 9
    assert exact.bytes_per_item == 32
    content = exact.centres[0, 1:]
    same = float((content[:15] @ content[:15].T).mean())
    assert same > float((content[:15] @ content[15:].T).mean()) + 0.3


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=20,
        hidden_size=12,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("language-model")
    transformers.LlamaModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_language_model_refines_and_keeps_its_weights(language_model):
    model = create("hymirec", 30, d=8, length=6, language_model=str(language_model))
    before = {name: value.clone() for name, value in model.refiner.model.state_dict().items()}
    history = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 0, 0, 0, 0]])
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    model.train()
    model(history).interests.square().sum().backward()
    optimiser.step()
    assert model.queries.grad is not None
    assert model.queries.grad.any()
    assert all(torch.equal(v, before[k]) for k, v in model.refiner.model.state_dict().items())
    with torch.no_grad():
        whole = model.eval()(history).interests
        assert torch.allclose(model(history[1:, :2]).interests[0], whole[1], atol=1e-5)


def test_a_folder_without_a_language_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"language_model .*nothing-here"):
        create("hymirec", 30, language_model=str(tmp_path / "nothing-here"))

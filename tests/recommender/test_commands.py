"""The commands, on a small store: what they print, as text and as JSON, and what they refuse."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import typer
from typer.testing import CliRunner

from recommender.backbones.create import create
from recommender.backbones.registry import BACKBONES
from recommender.commands.compare import compare
from recommender.commands.evaluate import evaluate, shown, verdict
from recommender.commands.explain import explain
from recommender.commands.export import export
from recommender.commands.recommend import recommend
from recommender.commands.train import train
from recommender.model_folder.artefacts import load_model
from recommender.serving.export import write_onnx
from recommender.serving.service import Service
from store.errors import UserError
from store.store import open_store

TRAIN = ["train", "--store", "STORE", "--out", "OUT"]
COMMANDS = (train, evaluate, recommend, explain, compare, export)


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer(add_completion=False)
    for command in COMMANDS:
        app.command(command.__name__)(command)
    return app


def run(app: typer.Typer, *args: object) -> str:
    result = CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(app: typer.Typer, *args: object) -> Any:
    return json.loads(run(app, *args, "--json"))


@pytest.fixture(scope="module")
def user(shop: Path) -> str:
    with open_store(shop) as store:
        return store.datasets.load().user_ids[4]


def test_train_prints_one_document(app: typer.Typer, shop: Path, tmp_path: Path) -> None:
    found = run_json(
        app, "train", "--store", shop, "--out", tmp_path / "m", "--backbone", "sasrec", "--align",
        "none", "--crowd", "--steps", 4, "--seed", 3, "--set", "model.length=10", "--set",
        "crowd.pairs=16",
    )  # fmt: skip
    assert found["backbone"] == "sasrec"
    assert found["steps"] == 4
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text())
    assert manifest["config"]["length"] == 10
    assert manifest["training"]["crowd_settings"] == {"pairs": 16}
    assert manifest["training"]["training"]["seed"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--all", "x.parquet", "--diversity", "0.5"], "--all writes plain lists"),
        (["--all", "x.parquet", "--user", "U001"], "--all writes plain lists"),
        (["--user", "U001", "--diversity", "-1"], "--diversity -1"),
    ],
)
def test_recommend_refuses_what_it_would_have_to_ignore(
    app: typer.Typer, trained: Path, options: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(app, ["recommend", str(trained), *options], catch_exceptions=False)


def test_remis_regularisation_is_set_by_name(app: typer.Typer, shop: Path, tmp_path: Path) -> None:
    run(app, "train", "--store", shop, "--out", tmp_path, "--steps", 2, "--set", "routing=7")
    assert json.loads((tmp_path / "manifest.json").read_text())["training"]["routing"] == 7
    with pytest.raises(UserError, match="routing=WEIGHT"):
        run(app, "train", "--store", shop, "--out", tmp_path, "--set", "rooting=7")


def test_every_training_setting_can_be_given_by_set(
    app: typer.Typer, shop: Path, tmp_path: Path
) -> None:
    asked = {"steps": 3, "seed": 5, "learning_rate": 0.01, "batch_size": 32, "patience": 2}
    options = [f"--set=training.{name}={value}" for name, value in asked.items()]
    found = run_json(app, "train", "--store", shop, "--out", tmp_path / "m", *options)
    assert found["steps"] == 3
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text())
    assert manifest["training"]["training"] == asked
    run(app, "train", "--store", shop, "--out", tmp_path / "n", *options, "--steps", 2)
    assert json.loads((tmp_path / "n" / "manifest.json").read_text())["training"]["steps"] == 2
    args = ("compare", "pop", "remi", "--store", shop, "--out", tmp_path / "c", "--seeds", 1)
    run(app, *args, "--metrics", "recall@10", "--set", "training.steps=4")
    kept = tmp_path / "c" / "remi" / "seed-0" / "manifest.json"
    assert json.loads(kept.read_text())["training"]["steps"] == 4


@pytest.mark.parametrize("option", ["crowd.weight=1", "ldmi.tau=1", "model.k=2,eimf.gamma=1"])
def test_a_setting_of_a_part_that_is_off_is_refused(
    app: typer.Typer, shop: Path, tmp_path: Path, option: str
) -> None:
    options = [f"--set={one}" for one in option.split(",")]
    with pytest.raises(UserError, match="does nothing without --"):
        run(app, "train", "--store", shop, "--out", tmp_path, "--align", "none", *options)


def test_a_folder_in_use_is_not_trained_into_by_accident(
    app: typer.Typer, shop: Path, tmp_path: Path
) -> None:
    args = ("train", "--store", shop, "--out", tmp_path / "m", "--steps", 2)
    run(app, *args)
    before = (tmp_path / "m" / "model.safetensors").read_bytes()
    with pytest.raises(UserError, match=r"holds a model already; .*`resume`.*`overwrite`"):
        run(app, *args)
    (tmp_path / "m" / "manifest.json").unlink()
    with pytest.raises(UserError, match="holds a stopped run already"):
        run(app, *args, "--seed", 1)
    assert (tmp_path / "m" / "model.safetensors").read_bytes() == before
    assert (tmp_path / "m" / "interests.safetensors").is_file()
    run(app, *args, "--overwrite", "--align", "none")
    assert (tmp_path / "m" / "model.safetensors").read_bytes() != before
    # What the model before had learned of the interests does not explain this one.
    assert not (tmp_path / "m" / "interests.safetensors").exists()


def test_evaluate(app: typer.Typer, trained: Path) -> None:
    found = run_json(app, "evaluate", trained, "-k", 5, "-k", 10, "--metrics", "recall,ndcg")
    assert set(found["metrics"]) == {"recall@5", "recall@10", "ndcg@5", "ndcg@10"}
    assert set(found["popularity"]) == set(found["metrics"])
    assert found["protocol"]["seen_items"] == "removed"
    assert found["interests"]["interests"] == 4
    text = run(app, "evaluate", trained, "--no-diagnose")
    assert "all" in text.splitlines()[0]
    assert "recall@50\t" in text
    assert "popularity" in text
    kept = run_json(app, "evaluate", trained, "--seen", "keep", "--no-baseline")
    assert kept["protocol"]["seen_items"] == "kept"
    assert "popularity" not in kept


def test_figures_are_shown_alike() -> None:
    assert shown(0.794356107711792) == "0.7944"
    assert shown([0.27, -0.0]) == "0.2700, 0.0000"
    assert (shown(math.nan), shown(4)) == ("–", "4")


def test_popularity_and_a_split_that_hides_nothing_say_what_they_are(
    app: typer.Typer, shop: Path, tmp_path: Path, shop_maker: Callable[..., Path]
) -> None:
    said = run(app, "train", "--store", shop, "--out", tmp_path / "pop", "--backbone", "pop")
    assert "pop, counted" in said
    assert "validation: recall@10" in said
    whole = shop_maker(tmp_path / "data", "none")
    quick = "--align none --steps 2 --evaluate-every 1"
    result = CliRunner().invoke(
        app,
        ["train", "--store", str(whole), "--out", str(tmp_path / "m"), *quick.split()],
        catch_exceptions=False,
    )
    assert "validation: nothing is held back" in result.stdout
    assert "step 2.0000" not in result.output


def test_a_write_that_fails_leaves_nothing_beside(
    app: typer.Typer, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    for option in ("--faiss", "--parquet"):
        if option == "--faiss":
            pytest.importorskip("faiss")
        with pytest.raises(UserError, match="is a folder"):
            run(app, "export", trained, option, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def shape(value: object) -> object:
    """A document with each number and text replaced by its type, each list by its first element."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return "number" if isinstance(value, float) else type(value).__name__


EXPLAINED: object = {
    "model": "str",
    "user": "str",
    "item_id": "str",
    "title": "str",
    "score": "number",
    "interest": "int",
    "interests": "int",
    "how": "str",
    "base": "number",
    "parts": [{"item_id": "str", "title": "str", "part": "number"}],
    "like": [],
    "reason": {
        "sentence": "str",
        "tier": "str",
        "because": [{"item_id": "str", "title": "str"}],
        "interest": "str",
    },
    "semantic": [
        {
            "interest_id": "int",
            "label": "str",
            "description": "str",
            "subject": "str",
            "kind": "str",
            "source": "str",
            "response_id": "NoneType",
            "evidence": [{"item_id": "str", "title": "str"}],
            "similarity": "number",
        }
    ],
    "compared_in": "str",
    "chosen_from": "str",
}
"""What `recommender explain --json` says: names and kinds, since the figures are a model's."""


def test_recommend_and_explain(app: typer.Typer, trained: Path, user: str) -> None:
    found = run_json(app, "recommend", trained, "--user", user, "-k", 3, "--explain")
    assert [r["rank"] for r in found["recommendations"]] == [1, 2, 3]
    first = found["recommendations"][0]
    why = run_json(app, "explain", trained, "--user", user, "--item", first["item_id"])
    assert why["parts"] == first["explanation"]["parts"]
    named = why["reason"]["interest"]
    why["reason"]["interest"] = "dict"
    if named is not None:
        assert set(named) == set(why["semantic"][0]) | {"proven"}
    assert shape(why) == EXPLAINED
    assert sum(p["part"] for p in why["parts"]) == pytest.approx(why["score"], abs=1e-5)
    text = run(app, "recommend", trained, "--user", user, "-k", 2, "--explain")
    assert first["explanation"]["reason"]["sentence"] in text
    assert "behavioural" not in text
    text = run(app, "recommend", trained, "--user", user, "-k", 2, "--explain", "--detail")
    assert "by behavioural interest" in text
    assert "shown by" in text
    assert "from exemplar:" in text
    text = run(app, "explain", trained, "--user", user, "--item", first["item_id"], "--detail")
    assert text.count("shown by") == len(why["semantic"]) + (named is not None)
    history = ",".join(p["item_id"] for p in why["parts"][:2])
    raw = run_json(app, "recommend", trained, "--history", history, "-k", 2)
    assert len(raw["recommendations"]) == 2
    assert "explanation" not in raw["recommendations"][0]


def test_compare(app: typer.Typer, shop: Path, tmp_path: Path) -> None:
    args = ("compare", "pop", "remi", "--store", shop, "--out", tmp_path, "--steps", 2)
    found = run_json(app, *args, "--seeds", 2, "--metrics", "recall@10")
    assert found["seeds"] == [0, 1]
    assert {d["metric"] for d in found["differences"]} == {"recall@10"}
    text = run(app, *args, "--seeds", 1, "--metrics", "recall@10")
    assert "minus pop" in text
    assert "one seed" in text


def test_batch_output(app: typer.Typer, trained: Path, user: str, tmp_path: Path) -> None:
    found = run_json(app, "recommend", trained, "--all", tmp_path / "lists.parquet", "-k", 4)
    table = pq.read_table(tmp_path / "lists.parquet").to_pylist()
    assert found["rows"] == len(table)
    mine = [row["item_id"] for row in table if row["user_id"] == user]
    single = run_json(app, "recommend", trained, "--user", user, "-k", 4)
    assert mine == [r["item_id"] for r in single["recommendations"]]
    assert not list(tmp_path.glob("*.partial"))
    result = CliRunner().invoke(
        app, ["recommend", str(trained), "--all", str(tmp_path / "x.parquet")]
    )
    assert "the split leave-one-out hides the rest" in result.stderr


def test_faiss_index_finds_the_same_items(
    app: typer.Typer, trained: Path, user: str, tmp_path: Path
) -> None:
    faiss = pytest.importorskip("faiss")
    assert run_json(app, "export", trained, "--faiss", tmp_path / "i.faiss")["faiss"]["items"] > 0
    index = faiss.read_index(str(tmp_path / "i.faiss"))
    model, _ = load_model(trained)
    with Service(trained) as service:
        items, _ = service.history(user, None)
        exact = service.recommend(user=user, k=5, filter_seen=False)
    history = torch.from_numpy(items[-model.length :].astype("int64")) + 1
    with torch.inference_mode():
        interests = model(history[None]).interests[0].numpy()
    scores, found = index.search(interests, 5)
    best: dict[int, float] = {}
    for item, score in zip(found.ravel().tolist(), scores.ravel().tolist(), strict=True):
        best[item] = max(score, best.get(item, score))
    pooled = sorted(best, key=lambda item: -best[item])[:5]
    assert [service.item_ids[item] for item in pooled] == [r.item_id for r in exact]


@pytest.mark.parametrize("kind", ["IVF4,Flat", "HNSW16"])
def test_another_faiss_index_holds_the_same_vectors(
    app: typer.Typer, trained: Path, tmp_path: Path, kind: str
) -> None:
    faiss = pytest.importorskip("faiss")
    path = tmp_path / "i.faiss"
    facts = run_json(app, "export", trained, "--faiss", path, "--faiss-index", kind)["faiss"]
    assert facts["index"] == kind
    index = faiss.read_index(str(path))
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    model, _ = load_model(trained)
    vectors = model.item_embeddings()[1:].detach().numpy()
    if kind.startswith("IVF"):
        index.nprobe = 4  # all cells, so that nothing is missed
        scores, found = index.search(vectors[:7], 3)
        exact = torch.from_numpy(vectors[:7] @ vectors.T).topk(3)
        assert found.tolist() == exact.indices.tolist()
    else:
        scores, found = index.search(vectors[:7], 3)
    for row, (numbers, values) in enumerate(zip(found, scores, strict=True)):
        assert values == pytest.approx(vectors[numbers] @ vectors[row], rel=1e-5, abs=1e-6)


def test_a_kind_of_faiss_index_without_a_file_is_refused(app: typer.Typer, trained: Path) -> None:
    arguments = ["export", str(trained), "--onnx", "x.onnx", "--faiss-index", "HNSW32"]
    result = CliRunner().invoke(app, arguments)
    assert "`faiss_index` HNSW32 does nothing without `faiss` FILE" in str(result.exception)


def test_a_long_stretch_without_an_evaluation_is_not_silent(
    app: typer.Typer, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.commands.train.EVERY_S", 0.0)
    arguments = ["train", "--store", str(shop), "--out", str(tmp_path / "m"), "--align", "none"]
    result = CliRunner().invoke(app, [*arguments, "--steps", "200", "--evaluate-every", "200"])
    lines = [line for line in result.stderr.splitlines() if line.startswith("step ")]
    assert [line.split(",")[0] for line in lines] == ["step 100", "step 200", "step 200"]
    assert "recall@50" not in lines[0]
    assert "recall@50" in lines[2]


@pytest.mark.parametrize("kind", ["IVF99999,Flat", "Nonsense", ""])
def test_a_faiss_index_that_cannot_be_made_is_refused_in_words(
    app: typer.Typer, trained: Path, tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("faiss")
    path = tmp_path / "i.faiss"
    arguments = ["export", str(trained), "--faiss", str(path), "--faiss-index", kind]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UserError)
    assert f"faiss makes no index {kind!r}" in str(result.exception)
    assert not path.exists()


@pytest.mark.parametrize(
    "name",
    ["remi", *(pytest.param(n, marks=pytest.mark.slow) for n in BACKBONES.built_in if n != "remi")],
)
def test_onnx_tower_gives_the_same_interests(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    model = create(name, 50, seed=1, length=8).eval()
    write_onnx(model, tmp_path / "tower.onnx")
    history = torch.zeros(5, 8, dtype=torch.long)
    history[:, :3] = torch.randint(1, 51, (5, 3))
    history[2, 3:6] = 7
    session = runtime.InferenceSession(str(tmp_path / "tower.onnx"))
    got = session.run(None, {"history": history.numpy()})[0]
    with torch.inference_mode():
        expected = model(history).interests
    assert torch.allclose(torch.from_numpy(got), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "MODEL", "--metrics", "precision"], "no metric 'precision'"),
        (["recommend", "MODEL"], "give either .* or .*history"),
        (["recommend", "MODEL", "--user", "nobody"], "no user 'nobody'"),
        (["recommend", "MODEL", "--history", "nothing"], "does not know item 'nothing'"),
        (["recommend", "MODEL", "--user", "USER", "-k", "0"], "-k 0"),
        (["explain", "MODEL", "--user", "USER", "--item", "'; DROP TABLE items"], "DROP TABLE"),
        (["export", "MODEL"], "nothing to export"),
        (["evaluate", "/nowhere"], "no model at /nowhere"),
        (["train", "--store", "/nowhere.db", "--out", "x"], "no store at /nowhere.db"),
        (["train", "--store", "STORE", "--out", "OUT", "--set", "eimf"], "write NAME=VALUE"),
        (["train", "--store", "STORE", "--out", "OUT", "--set", "x.y=1"], "PART one of"),
        (["train", "--store", "STORE", "--out", "OUT", "--align", "emif"], "no alignment 'emif'"),
        (["train", "--store", "STORE", "--out", "OUT", "--align", "none,eimf"], "write none, or"),
        (["train", "--store", "STORE", "--out", "OUT", "--align", "eimf,eimf"], "twice"),
        (
            [*TRAIN, "--align", "none", "--interests", "catalogue"],
            "nothing without an alignment",
        ),
        (
            ["train", "--store", "STORE", "--out", "OUT", "--backbone", "pop", "--crowd"],
            "is computed",
        ),
        (
            [*TRAIN, "--backbone", "pop", "--set", "eimf.gamma=1"],
            "does nothing for pop",
        ),
        (["train", "--store", "STORE", "--out", "OUT", "--seed", str(2**63)], "seed"),
        (["explain", "MODEL", "--user", "USER", "--item", "ZZZ"], "does not know item 'ZZZ'; th"),
        (["export", "MODEL", "--faiss", "OUT", "--faiss-index", "HNSW0"], "2 neighbours or more"),
        (["export", "MODEL", "--parquet", "OUT", "-k", "0"], "ask for at least one item"),
    ],
)
def test_refusals_are_plain(
    app: typer.Typer,
    trained: Path,
    shop: Path,
    user: str,
    tmp_path: Path,
    args: list[str],
    message: str,
) -> None:
    place = {"MODEL": trained, "STORE": shop, "USER": user, "OUT": tmp_path / "out"}
    with pytest.raises(UserError, match=message):
        run(app, *(place.get(arg, arg) for arg in args))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--part", "train", "'train' is not one of 'test', 'valid'"),
        ("--seen", "maybe", "'maybe' is not one of 'protocol', 'keep', 'remove'"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(
    app: typer.Typer, trained: Path, option: str, value: str, told: str
) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(trained), option, value])
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("mean", "popular", "words"),
    [
        (0.4, 0.2, "better than popularity, 2.0 times as high"),
        (0.2, 0.4, "worse than popularity"),
        (0.2, 0.21, "no better and no worse"),
        (0.2, 0.0, "better than popularity"),
    ],
)
def test_the_verdict_says_which_is_better(mean: float, popular: float, words: str) -> None:
    means = {"recall@10": 0.0, "ndcg@10": 0.0, "recall@20": mean, "ndcg@20": 0.0}
    told = verdict(means, dict.fromkeys(means, 0.05), {**means, "recall@20": popular})
    assert told.startswith(f"verdict: recall@20 {mean:.4f} against {popular:.4f}, higher is better")
    assert words in told


def test_the_result_is_kept_beside_the_model(app: typer.Typer, trained: Path) -> None:
    told = run(app, "evaluate", trained, "-k", 5, "--no-diagnose", "--no-where")
    assert told.splitlines()[-1].startswith("verdict: recall@5 ")
    assert "hr@5: the same as recall" in told
    kept = json.loads((trained / "evaluation.json").read_text("utf-8"))
    assert set(kept["metrics"]) == {"recall@5", "ndcg@5", "hr@5", "mrr@5"}
    assert "recall@5" in kept["popularity"]


@pytest.mark.parametrize("option", ["--steps", "--epochs"])
def test_a_training_of_no_steps_is_refused(
    app: typer.Typer, shop: Path, tmp_path: Path, option: str
) -> None:
    """Once it saved a model that was never trained."""
    with pytest.raises(UserError, match="would keep a model that was never trained"):
        run(app, "train", "--store", shop, "--out", tmp_path / "m", option, 0)
    assert not (tmp_path / "m").exists()


def test_a_file_in_the_place_of_the_model_folder_is_named(
    app: typer.Typer, shop: Path, tmp_path: Path
) -> None:
    """Once it said "file exists", after the store had been read."""
    (tmp_path / "m").write_text("mine")
    for extra in ([], ["--overwrite"]):
        with pytest.raises(UserError, match=r"m is a file; a model is a folder"):
            run(app, "train", "--store", shop, "--out", tmp_path / "m", *extra)
    assert (tmp_path / "m").read_text() == "mine"

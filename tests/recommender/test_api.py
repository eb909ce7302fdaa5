"""From a store to a model, its figures, recommendations and explanations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recommender
from recommender import api
from recommender.base.tensors import write_tensors
from recommender.data.semantics import read_semantics
from recommender.data.sequences import Sequences
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import read_manifest
from recommender.model_folder.weights import load_item_ids
from recommender.serving.service import Service
from store.data.prepare import prepare
from store.data.readers import read
from store.errors import LeakageError, StoreError, UserError
from store.store import open_store

ShopMaker = Callable[..., Path]
QUICK = {"steps": 6, "evaluate_every": 3}


def test_the_model_folder_is_whole_and_remembers_where_it_is_from(
    trained: Path, shop: Path
) -> None:
    manifest = read_manifest(trained)
    assert manifest.training["store"] == str(shop.resolve())
    assert manifest.training["align"] == ["eimf"]
    assert manifest.encoder == "test"
    assert 0 < manifest.metrics["valid"]["recall@50"] <= 1
    assert manifest.metrics["protocol"] == {
        "split": "leave-one-out", "part": "valid", "seen_items": "removed", "ranked": "all items",
    }  # fmt: skip
    assert manifest.configuration_digest.startswith("s256:")
    assert (trained / "interests.safetensors").is_file()


@pytest.mark.parametrize(
    ("backbone", "settings"),
    [
        ("remi", {"align": ("eimf", "ldmi"), "crowd": True}),
        ("sasrec", {"align": (), "crowd": True, "text_start": True}),
        ("facet", {"align": ("eimf",), "crowd": True}),
        ("comirec_dr", {"align": ("ldmi",)}),
        ("pop", {}),
    ],
)
def test_alignments_compose_on_any_backbone(
    shop: Path, backbone: str, settings: dict[str, object]
) -> None:
    result = recommender.train(
        shop, backbone=backbone, training={**QUICK, "batch_size": 64}, **settings
    )
    assert result.folder is None
    assert all(torch.isfinite(p).all() for p in result.model.parameters())
    assert "recall@50" in result.fit.metrics


@pytest.mark.parametrize("backbone", ["remi", "comirec_sa", "comirec_dr", "mind", "sine", "facet"])
def test_more_interests_than_the_history_is_long(shop: Path, backbone: str) -> None:
    many = backbone != "sine"  # which pools its concepts into one
    number = {"k" if many else "concepts": 9}
    result = recommender.train(
        shop, backbone=backbone, align=("eimf", "ldmi"), crowd=True,
        model={**number, "length": 4, "d": 16}, training=QUICK,
    )  # fmt: skip
    assert all(torch.isfinite(p).all() for p in result.model.parameters())
    assert result.model(torch.tensor([[3, 0, 0, 0]])).interests.shape == (1, 9 if many else 1, 16)


def test_interests_of_the_catalogue_align_as_those_of_the_exemplar_do(
    tmp_path: Path, shop_maker: ShopMaker
) -> None:
    """Where the catalogue gives every user exactly its exemplar's, the models are the same."""
    shop = shop_maker(tmp_path, "leave-one-out")
    with open_store(shop) as store, store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO assignments SELECT user_ix, interest_id, position, 1 FROM memberships "
            "JOIN interests USING (subject_id)"
        )
    models = [
        recommender.train(shop, align=("eimf", "ldmi"), interests=interests, training=QUICK).model
        for interests in ("exemplar", "catalogue")
    ]
    assert torch.equal(models[0].items, models[1].items)


def test_a_text_start_without_text_vectors_is_refused(
    tmp_path: Path, shop_maker: ShopMaker
) -> None:
    bare = shop_maker(tmp_path, "leave-one-out", words=False)
    with pytest.raises(UserError, match="profiler build"):
        recommender.train(bare, align=(), text_start=True, training=QUICK)


def test_the_same_seed_gives_the_same_model(shop: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        recommender.train(shop, tmp_path / name, align=("eimf", "ldmi"), crowd=True, training=QUICK)
    first, second = (load_model(tmp_path / name)[0] for name in ("a", "b"))
    assert torch.equal(first.items, second.items)


def test_alignment_changes_the_model_but_not_what_serving_needs(shop: Path) -> None:
    plain = recommender.train(shop, align=(), training=QUICK, loss="full").model
    aligned = recommender.train(shop, align=("eimf",), training=QUICK).model
    assert set(plain.state_dict()) == set(aligned.state_dict())
    assert not torch.equal(plain.items, aligned.items)


def test_evaluate_agrees_with_the_validation_of_training(trained: Path) -> None:
    found = recommender.evaluate(trained, part="valid")
    card = read_manifest(trained).metrics["valid"]
    assert found.means == pytest.approx(card)
    assert found.protocol["split"] == "leave-one-out"
    assert found.protocol["changed_since_training"] == []


def test_evaluate_adds_diagnostics(trained: Path) -> None:
    found = recommender.evaluate(trained, ks=[5, 10], names=["recall"], diagnose=True)
    assert set(found.values) == {"recall@5", "recall@10"}
    assert 0 < found.quality["coverage@10"] <= 1
    assert {"ild@10", "novelty@10", "category_diversity@10"} < set(found.quality)
    assert found.interests["interests"] == 4
    assert sum(found.interests["usage"]) == pytest.approx(1, abs=1e-5)
    json.dumps(found.to_json())


def test_recommendations_of_a_user_and_of_the_same_raw_history_are_the_same(
    trained: Path, shop: Path
) -> None:
    with open_store(shop) as store:
        data = store.datasets.load()
    user = data.user_ids[4]
    history = [data.item_ids[i] for i in data.history(4)]
    mine = recommender.recommend(trained, user=user, k=5)
    raw = recommender.recommend(trained, history=history, k=5)
    assert [r.item_id for r in mine] == [r.item_id for r in raw]
    assert [r.rank for r in mine] == [1, 2, 3, 4, 5]
    assert not {r.item_id for r in mine} & set(history)
    varied = recommender.recommend(trained, user=user, k=5, diversity=5.0)
    assert len(varied) == 5


def test_an_explanation_leads_back_to_words_and_items(trained: Path, shop: Path) -> None:
    with open_store(shop) as store:
        data = store.datasets.load()
        semantics = read_semantics(store)
    found = recommender.recommend(trained, user=data.user_ids[4], k=3, explain=True)
    for item in found:
        why = item.explanation
        assert why is not None
        assert why.score == pytest.approx(item.score, abs=1e-5)
        assert sum(p.part for p in why.parts) == pytest.approx(why.score, abs=1e-5)
        assert why.how == "attention"
        assert why.compared_in == "alignment"
        assert why.chosen_from == "user"
        own = semantics.interest_ids[semantics.rows[semantics.indptr[4] : semantics.indptr[5]]]
        for interest in why.semantic:
            assert interest.interest_id in own
            assert interest.label
            assert interest.evidence
            assert interest.subject.startswith("exemplar:")
            assert interest.source == "offline"
            with pytest.warns(FutureWarning, match=r"write \.evidence"):  # as in 0.1
                assert interest["evidence"][0]["item_id"] == interest.evidence[0].item_id
        json.dumps(item.to_json())
    raw = recommender.explain(trained, found[0].item_id, history=[data.item_ids[3]])
    assert raw.chosen_from == "all"
    assert len(raw.parts) == 1


def test_a_model_serves_a_raw_history_without_its_store(
    shop: Path, trained: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("model.safetensors", "items.json"):
        (alone / name).write_bytes((trained / name).read_bytes())
    manifest = json.loads((trained / "manifest.json").read_text())
    manifest["training"]["store"] = str(tmp_path / "gone.db")
    (alone / "manifest.json").write_text(json.dumps(manifest))
    known = load_item_ids(alone)[:2]
    found = recommender.recommend(alone, history=known, k=3, explain=True)
    assert len(found) == 3
    assert found[0].title is None
    assert found[0].explanation is not None
    assert found[0].explanation.semantic == []
    with pytest.raises(UserError, match=r"needs the store.*gone\.db"):
        recommender.recommend(alone, user="u1")


def test_a_store_that_has_changed_leaves_raw_histories_served(
    trained: Path, tmp_path: Path, shop_maker: ShopMaker
) -> None:
    shop = shop_maker(tmp_path / "data", "leave-one-out")
    recommender.train(shop, tmp_path / "m", align=(), training=QUICK)
    known = load_item_ids(tmp_path / "m")[:2]
    before = recommender.recommend(tmp_path / "m", history=known, k=3)
    with open_store(shop) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE items SET item_id = 'renamed' WHERE item_ix = 0")
    with Service(tmp_path / "m") as service:
        assert "'renamed'" in service.without_store
        found = service.recommend(history=known, k=3)
        assert [one.item_id for one in found] == [one.item_id for one in before]
        assert service.notes() == [f"without titles and words: {service.without_store}"]
        with pytest.raises(UserError, match=r"needs the store: .*'renamed'"):
            service.recommend(user="u1")
    with pytest.raises(UserError, match="'renamed'"):
        Service(tmp_path / "m", store=shop)


def test_what_the_store_lacks_is_said_before_training(
    tmp_path: Path, shop_maker: ShopMaker
) -> None:
    bare = shop_maker(tmp_path, "leave-one-out", words=False)
    with pytest.raises(StoreError, match=r"holds no interests.*--align none"):
        recommender.train(bare, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(StoreError, match="by the method 'catalogue'"):
        recommender.train(shop_maker(tmp_path / "x", "leave-one-out"), interests="catalogue")
    recommender.train(bare, align=(), training=QUICK)


def test_targets_that_all_are_known_items_are_refused_before_training(tmp_path: Path) -> None:
    store = store_of(tmp_path, [f"u{user},only,{day}" for user in range(4) for day in range(4)])
    told: list[Any] = []
    with pytest.raises(UserError, match="no user has a validation target that is not among"):
        recommender.train(store, align=(), progress=told.append)
    assert told == []


def store_of(folder: Path, rows: list[str]) -> Path:
    """A store of these interactions: user, item, time."""
    data = folder / "rows.csv"
    data.write_text("\n".join(["user_id,item_id,timestamp", *rows]), encoding="utf-8")
    with open_store(folder / "rows.db", create=True) as store:
        store.datasets.save(prepare(read(data), split="leave-one-out"), "rows")
    return folder / "rows.db"


def test_split_none_trains_but_is_not_evaluated(tmp_path: Path, shop_maker: ShopMaker) -> None:
    store = shop_maker(tmp_path, "none", words=False)
    result = recommender.train(store, tmp_path / "out", align=(), training=QUICK)
    assert result.fit.best_step == 6  # the last weights are kept
    with pytest.raises(UserError, match="nothing is left to evaluate on"):
        recommender.evaluate(tmp_path / "out")


def test_a_model_of_another_split_is_not_measured(tmp_path: Path, shop_maker: ShopMaker) -> None:
    whole = shop_maker(tmp_path / "whole", "none", words=False)
    apart = shop_maker(tmp_path / "apart", "leave-one-out", words=False)
    recommender.train(whole, tmp_path / "out", align=(), training=QUICK)
    with pytest.raises(LeakageError, match="trained on split none, the store has leave-one-out"):
        recommender.evaluate(tmp_path / "out", apart)


def test_users_dealt_anew_are_not_measured(tmp_path: Path, shop_maker: ShopMaker) -> None:
    store = shop_maker(tmp_path / "dealt", "users-811", words=False)
    recommender.train(store, tmp_path / "out", align=(), training=QUICK)
    recommender.evaluate(tmp_path / "out", store)
    with open_store(store) as opened, opened.write() as connection:
        connection.exec_driver_sql(
            "UPDATE users SET split = iif(split = 'test', 'valid', 'test') WHERE split <> 'train'"
        )
    with pytest.raises(LeakageError, match="dealt anew"):
        recommender.evaluate(tmp_path / "out", store)


def test_a_leak_stops_training(tmp_path: Path, shop_maker: ShopMaker) -> None:
    path = shop_maker(tmp_path, "leave-one-out")
    with open_store(path) as store:
        data = store.datasets.load()
        subject = store.subjects.load()[0]
        canary = int(data.history(subject.user_ix, (3,))[0])
        seen = set(data.history(subject.user_ix).tolist())
        if canary in seen:
            pytest.skip("the canary was bought before")
        with store.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO responses (request_digest, subject_id, model, shown, raw_text, "
                "created_at) VALUES ('x', ?, 'offline', ?, '', '')",
                (subject.subject_id, json.dumps([canary])),
            )
    with pytest.raises(LeakageError, match="test target"):
        recommender.train(path, training=QUICK)


def test_settings_are_refused_by_name(shop: Path) -> None:
    for settings, message in [
        ({"align": ("emif",)}, "no alignment 'emif'"),
        ({"backbone": "sas"}, "unknown backbone 'sas'"),
        ({"eimf": {"gama": 1}}, "eimf: no setting gama"),
        ({"training": {"epoch": 1}}, "training: no setting epoch"),
        ({"model": {"k": 0}}, "'remi', k"),
        ({"model": {"k": 10**14}}, "'remi' cannot be made so"),
        ({"interests": "cluster"}, "train, interests"),
    ]:
        with pytest.raises(UserError, match=message):
            recommender.train(shop, **settings)


def test_training_reads_only_what_the_split_shows(shop: Path) -> None:
    with open_store(shop) as store:
        data = store.datasets.load()
    sequences = Sequences.from_dataset(data)
    indptr, items = data.visible()
    assert np.array_equal(sequences.indptr.numpy(), indptr)
    assert np.array_equal(sequences.items.numpy() - 1, items)


def test_a_stopped_run_keeps_its_model_and_resumes(shop: Path, tmp_path: Path) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= 4

    settings = {"align": ("eimf",), "training": {"steps": 9, "evaluate_every": 3}}
    with pytest.raises(UserError) as stopped:
        api.train(shop, tmp_path / "a", stop=stop, **settings)
    assert stopped.value.exit_code == 3
    load_model(tmp_path / "a")
    for other in ({"eimf": {"gamma": 0.5}}, {"crowd": True}, {"text_start": True}):
        with pytest.raises(UserError, match=f"{next(iter(other))} is .* now and was"):
            api.train(shop, tmp_path / "a", resume=True, **settings, **other)
    api.train(shop, tmp_path / "a", resume=True, **settings)
    api.train(shop, tmp_path / "b", **settings)
    first, second = (load_model(tmp_path / name)[0] for name in ("a", "b"))
    assert torch.equal(first.items, second.items)
    files = [tmp_path / name / "interests.safetensors" for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_run_is_not_resumed_on_other_interests(tmp_path: Path, shop_maker: ShopMaker) -> None:
    shop = shop_maker(tmp_path, "leave-one-out")
    settings = {"align": ("eimf",), "training": {"steps": 4, "evaluate_every": 2}}
    api.train(shop, tmp_path / "a", **settings)
    with open_store(shop) as store:
        before = read_semantics(store)
        with store.write() as connection:  # as many interests as before
            connection.exec_driver_sql("DELETE FROM evidence WHERE interest_id = 1")
    with open_store(shop) as store:
        assert read_semantics(store).digest != before.digest
    with pytest.raises(UserError, match=r"the stored interests is .* now and was"):
        api.train(shop, tmp_path / "a", resume=True, **settings)


def test_any_metric_decides_and_one_that_does_not_exist_is_refused_at_once(shop: Path) -> None:
    asked = {**QUICK, "monitor": "ndcg@5"}
    result = recommender.train(shop, align=(), training=asked)
    assert "ndcg@5" in result.fit.metrics
    for wrong in ("ndgc@5", "recall@", "recall"):
        with pytest.raises(UserError, match=f"metric '{wrong}'"):
            recommender.train(shop, align=(), training={**QUICK, "monitor": wrong})


@pytest.mark.parametrize(
    ("every", "said"),
    [(3, "loss is not a number at step 2"), (1, "scores are not numbers after step 1")],
)
def test_a_step_size_beyond_all_numbers_leaves_the_model_that_was_there(
    shop: Path, tmp_path: Path, every: int, said: str
) -> None:
    steps = {"steps": 6, "evaluate_every": every, "learning_rate": 1e38}
    with pytest.raises(UserError, match=rf"{said} .*so none is kept; lower"):
        recommender.train(shop, tmp_path / "m", align=(), training=steps)
    with pytest.raises(UserError, match="no model at"):
        load_model(tmp_path / "m")
    recommender.train(shop, tmp_path / "m", align=(), training=QUICK)
    before = digest_of(tmp_path / "m")
    with pytest.raises(UserError, match="so none is kept"):
        recommender.train(shop, tmp_path / "m", overwrite=True, align=(), training=steps)
    assert digest_of(tmp_path / "m") == before


def digest_of(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("model.safetensors", "manifest.json")]


def test_a_model_is_readable_for_whom_other_new_files_are(shop: Path, tmp_path: Path) -> None:
    recommender.train(shop, tmp_path / "m", align=("eimf",), training=QUICK)
    (tmp_path / "other").touch()
    wanted = (tmp_path / "other").stat().st_mode
    assert {file.name: file.stat().st_mode for file in (tmp_path / "m").iterdir()} == {
        file.name: wanted for file in (tmp_path / "m").iterdir()
    }


def test_what_cannot_be_written_is_found_out_before_training(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    steps: list[Any] = []
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises((OSError, UserError), match="file"):
            recommender.train(shop, out, align=(), training=QUICK, progress=steps.append)
    assert steps == []


def test_a_full_disk_is_a_plain_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    signals = pytest.importorskip("signal")
    before = signals.signal(signals.SIGXFSZ, signals.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(UserError, match=r"cannot write .*a\.safetensors"):
            write_tensors(tmp_path / "a.safetensors", {"x": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signals.signal(signals.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


def test_popularity_has_no_run_to_resume_and_replaces_no_model_by_it(
    shop: Path, tmp_path: Path
) -> None:
    recommender.train(shop, tmp_path / "m", align=(), training=QUICK)
    before = digest_of(tmp_path / "m")
    with pytest.raises(UserError, match="pop is computed"):
        recommender.train(shop, tmp_path / "m", resume=True, backbone="pop")
    with pytest.raises(UserError, match="give one of them"):
        recommender.train(shop, tmp_path / "m", resume=True, overwrite=True)
    assert digest_of(tmp_path / "m") == before
    recommender.train(shop, tmp_path / "m", overwrite=True, backbone="pop")
    files = {file.name for file in (tmp_path / "m").iterdir()}
    assert files == {"model.safetensors", "items.json", "manifest.json", "README.md"}


@pytest.mark.parametrize("device", ["cuda", "foo", "meta"])
def test_a_device_that_is_not_here_is_refused_at_once(device: str, tmp_path: Path) -> None:
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("it is here")
    with pytest.raises(UserError, match=f"--device '?{device}"):
        recommender.train(tmp_path / "no-store.db", device=device)


def test_among_few_items_the_monitor_can_tell_models_apart(tmp_path: Path) -> None:
    rows = [f"u{u},i{(u * 7 + day * 3) % 20},{day}" for u in range(30) for day in range(6)]
    told: list[Any] = []
    recommender.train(store_of(tmp_path, rows), align=(), training=QUICK, progress=told.append)
    assert {report.monitor for report in told} == {"ndcg@10"}


def test_what_cannot_be_measured_is_refused(trained: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"ks": []}, "nothing to measure"),
        ({"ks": [10, 0]}, "no metric 0; there are recall.*k of 1 or more"),
        ({"names": ["recall", "foo"]}, "no metric 'foo'; there are recall"),
        ({"part": "train"}, "part 'train'"),
    ]
    for options, said in wrong:
        with pytest.raises(UserError, match=said):
            recommender.evaluate(trained, **options)


def test_the_crowd_loss_needs_nobodys_own_interests(tmp_path: Path, shop_maker: ShopMaker) -> None:
    shop = shop_maker(tmp_path, "leave-one-out")
    with open_store(shop) as store, store.write() as connection:
        connection.exec_driver_sql("DELETE FROM memberships")
    recommender.train(shop, align=(), crowd=True, training=QUICK)
    with pytest.raises(StoreError, match="no user has interests"):
        recommender.train(shop, align=("eimf",), crowd=True, training=QUICK)

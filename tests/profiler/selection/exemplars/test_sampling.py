"""A sample is as the crowd is, keeps who was asked, and stands for users who were not in it."""

from __future__ import annotations

import numpy as np

import profiler
from profiler.config import BuildConfig
from profiler.selection.exemplars.sampling import stratified_sample
from profiler.vectors.histories import unit_rows
from store.data.sample import write_sample
from store.store import open_store
from store.views.subjects.exemplars import list_exemplars


def test_each_stratum_has_its_share_and_those_kept_are_in():
    rng = np.random.default_rng(0)
    vectors = unit_rows(rng.normal(size=(1000, 8)).astype(np.float32))
    vectors[:50] = 0
    lengths = np.where(np.arange(1000) % 10 == 0, 64, 8)
    keep = np.zeros(1000, dtype=bool)
    keep[[60, 777]] = True
    rows = stratified_sample(vectors, lengths, 200, keep=keep, seed=1)
    assert len(rows) == 200
    assert (np.diff(rows) > 0).all()
    assert {60, 777} <= set(rows.tolist())
    assert rows.min() >= 50
    assert 15 <= (lengths[rows] == 64).sum() <= 25
    assert rows.tolist() == stratified_sample(vectors, lengths, 200, keep=keep, seed=1).tolist()
    assert rows.tolist() != stratified_sample(vectors, lengths, 200, keep=keep, seed=2).tolist()


def test_a_sample_larger_than_the_crowd_is_the_crowd():
    vectors = np.eye(5, dtype=np.float32)
    vectors[2] = 0
    keep = np.zeros(5, dtype=bool)
    found = stratified_sample(vectors, np.ones(5, int), 9, keep=keep)
    assert found.tolist() == [0, 1, 3, 4]


def test_everybody_joins_exemplars_that_were_chosen_among_some(tmp_path):
    write_sample(tmp_path / "shop", users=120)
    config = BuildConfig(exemplar_sample=40, share=0.05, synthetic_users=0, assign=False)
    report = profiler.build(
        tmp_path / "shop", tmp_path / "s.db", config=config, dry_run=True, progress=False
    )
    assert report.chosen is not None
    assert any("a sample of 40 of 120 users" in note for note in report.chosen.notes)
    with open_store(tmp_path / "s.db") as store:
        found = list_exemplars(store)
    assert 5 <= len(found.exemplars) <= 6  # 5 % of all users, within one
    assert sum(one.members for one in found.exemplars) == 120

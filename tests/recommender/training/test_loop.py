"""The loop: exact resume, early stopping, interruption, divergence, and that it learns."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.base.config_checks import checked
from recommender.data.sequences import Sequences
from recommender.losses.recommendation import create_loss
from recommender.objectives.base import Objective
from recommender.objectives.routing import RoutingRegularisation
from recommender.training import checkpoint
from recommender.training.loop import fit
from recommender.training.settings import Settings
from store.errors import InterruptedRunError, UserError

ROOT = Path(__file__).resolve().parents[3]


def planted(users: int = 120, groups: int = 4, size: int = 10, seed: int = 0) -> Sequences:
    """Each user takes items of two groups; the last item comes from one of them."""
    rng = np.random.default_rng(seed)
    items, parts = [], []
    for _ in range(users):
        mine = rng.choice(groups, 2, replace=False)
        history = [int(rng.choice(mine)) * size + int(rng.integers(size)) for _ in range(12)]
        items += history
        parts += [0] * 10 + [2, 3]
    indptr = np.arange(users + 1) * 12
    return Sequences(groups * size, indptr, np.array(items, np.int32), np.array(parts, np.int8))


def recall_at(sequences: Sequences, k: int = 20, part: str = "valid"):
    """Plain evaluator: share of users whose targets are among the best k."""
    cases = sequences.eval_histories(part, 8)

    def measure(model: Backbone) -> dict[str, float]:
        with torch.inference_mode():
            best = model.score(model(cases.histories).interests).topk(k, dim=1).indices
        hits = (best == cases.targets[cases.targets_indptr[:-1], None]).any(1)
        return {"recall@50": float(hits.float().mean())}

    return measure


class Pull(Objective):
    """A term with a weight of its own, to be trained and resumed along."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, model, batch, encoded):
        noise = torch.rand(8)
        return {"pull": 0.01 * ((encoded.interests * self.weight).mean() - noise.mean()).square()}


RECIPES = {
    "remi": ("interest-aware", {"negatives": 30}, {"k": 3}),
    "sasrec": ("full", {}, {"dropout": 0.2}),
    "bert4rec": ("full", {}, {}),
    "mind": ("sampled", {"negatives": 30}, {}),
    "facet": ("full", {"readout": "soft"}, {"k": 2}),
}


def run(
    name: str,
    out: Path,
    epochs: int,
    *,
    resume: bool = False,
    seed: int = 0,
    facts: dict | None = None,
    **more,
):
    loss, setting, config = RECIPES[name]
    sequences = planted()
    model = create(name, sequences.n_items, seed=seed, d=8, length=8, **config)
    objectives = [Pull(), RoutingRegularisation()] if name == "remi" else [Pull()]
    settings = Settings(epochs=epochs, batch_size=50, seed=seed, **more)
    result = fit(
        model,
        sequences,
        loss=create_loss(loss, **setting),
        objectives=objectives,
        evaluator=recall_at(sequences),
        settings=settings,
        out=out,
        resume=resume,
        facts=facts,
    )
    return model, objectives, result


class Anchor(Objective):
    """A weight that moves in every step, whether or not the model gets better."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, model, batch, encoded):
        return {"anchor": (self.weight - 5).square()}


def test_objectives_end_with_the_weights_of_the_best_evaluation():
    sequences = planted()
    objective, seen = Anchor(), []

    def evaluator(model):
        seen.append(float(objective.weight.detach()))
        return {"recall@50": [0.2, 0.6, 0.5, 0.4][len(seen) - 1]}

    fit(
        create("dnn", sequences.n_items, d=8, length=8),
        sequences,
        loss=create_loss("full"),
        evaluator=evaluator,
        objectives=[objective],
        settings=Settings(batch_size=50, steps=8, evaluate_every=2),
    )
    assert len(set(seen)) == 4
    assert float(objective.weight.detach()) == seen[1]


def test_tensorboard_is_written_beside_the_log(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run("remi", tmp_path, 2, tensorboard=True)
    found = accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    assert {"valid/recall@50", "train/loss", "train/pull"} <= set(found.Tags()["scalars"])
    assert len(found.Scalars("valid/recall@50")) == 2


@pytest.mark.slow  # compiling takes a minute, and needs a C++ compiler
def test_a_compiled_step_is_the_plain_one():
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("no C++ compiler")
    models = []
    for compiled in (False, True):
        sequences = planted()
        models.append(create("dnn", sequences.n_items, d=8, length=8))
        fit(
            models[-1],
            sequences,
            loss=create_loss("full"),
            evaluator=recall_at(sequences),
            settings=Settings(batch_size=50, steps=3, window="last", compile=compiled),
        )
    assert torch.allclose(models[0].items, models[1].items, atol=1e-4)


class TestResume:
    @pytest.mark.parametrize("name", sorted(RECIPES))
    @pytest.mark.parametrize("average", [0.0, 0.9])
    def test_ten_epochs_are_four_and_six_bitwise(self, name, average, tmp_path):
        whole, whole_objectives, _ = run(name, tmp_path / "whole", 10, average=average)
        run(name, tmp_path / "parts", 4, average=average)
        torch.rand(17)  # the state of the process does not matter
        parts, parts_objectives, _ = run(name, tmp_path / "parts", 10, resume=True, average=average)
        for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
            assert torch.equal(one, other)
        assert torch.equal(whole_objectives[0].weight, parts_objectives[0].weight)
        files = [tmp_path / part / "metrics.jsonl" for part in ("whole", "parts")]
        assert files[0].read_text() == files[1].read_text()
        tensors = [checkpoint.read(tmp_path / p / checkpoint.NAME)[0] for p in ("whole", "parts")]
        assert tensors[0].keys() == tensors[1].keys()
        for key, value in tensors[0].items():
            assert torch.equal(value, tensors[1][key]), key

    def test_after_a_kill(self, tmp_path):
        """``kill -9`` in the middle of an epoch, then resume: the weights of an unbroken run."""
        script = textwrap.dedent(
            f"""
            import os, signal, sys
            sys.path.insert(0, {str(ROOT)!r})
            from pathlib import Path
            from tests.recommender.training import test_loop as t
            from recommender.training import loop
            whole = loop._Run.step
            def step(self, users):
                if self.count.step == 13:
                    os.kill(os.getpid(), signal.SIGKILL)
                return whole(self, users)
            loop._Run.step = step
            t.run("remi", Path({str(tmp_path / "killed")!r}), 10)
            """
        )
        environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        done = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
        assert done.returncode == -signal.SIGKILL
        resumed, _, _ = run("remi", tmp_path / "killed", 10, resume=True)
        whole, _, _ = run("remi", tmp_path / "whole", 10)
        for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
            assert torch.equal(one, other)

    def test_another_run_is_refused_by_name(self, tmp_path):
        run("sasrec", tmp_path, 1)
        with pytest.raises(UserError, match=r"training\.learning_rate is 0\.5 now and was 0\.001"):
            run("sasrec", tmp_path, 2, resume=True, learning_rate=0.5)

    def test_other_settings_of_an_objective_are_refused_by_name(self, tmp_path):
        run("sasrec", tmp_path, 1, facts={"crowd_settings": {"weight": 0.1}})
        with pytest.raises(UserError, match=r"crowd_settings is \{'weight': 0\.3\} now and was"):
            run("sasrec", tmp_path, 2, resume=True, facts={"crowd_settings": {"weight": 0.3}})

    def test_nothing_to_resume(self, tmp_path):
        with pytest.raises(UserError, match="nothing to resume"):
            run("sasrec", tmp_path / "none", 2, resume=True)

    def test_a_damaged_checkpoint_is_refused(self, tmp_path):
        run("sasrec", tmp_path, 1)
        path = tmp_path / checkpoint.NAME
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(UserError, match="not a readable checkpoint"):
            run("sasrec", tmp_path, 2, resume=True)


class TestSeeds:
    def test_one_seed_one_result(self, tmp_path):
        one, _, _ = run("remi", tmp_path / "a", 2)
        two, _, _ = run("remi", tmp_path / "b", 2)
        other, _, _ = run("remi", tmp_path / "c", 2, seed=1)
        assert torch.equal(one.items, two.items)
        assert not torch.equal(one.items, other.items)


class TestStopping:
    def fit(self, values, **settings):
        """Run with an evaluator that returns these values in turn."""
        sequences = planted()
        model = create("dnn", sequences.n_items, d=8, length=8)
        found, seen = iter(values), []

        def evaluator(m):
            seen.append({name: value.clone() for name, value in m.state_dict().items()})
            return {"recall@50": next(found)}

        result = fit(
            model,
            sequences,
            loss=create_loss("full"),
            evaluator=evaluator,
            settings=Settings(batch_size=50, **settings),
        )
        return model, seen, result

    def test_patience_and_the_best_weights(self):
        model, seen, result = self.fit([0.1, 0.5, 0.4, 0.3, 0.2, 0.9], epochs=9, patience=3)
        assert result.reason == "patience"
        assert (result.metrics, result.best_step, result.epochs) == ({"recall@50": 0.5}, 6, 5)
        for name, value in model.state_dict().items():
            assert torch.equal(value, seen[1][name])

    def test_an_equal_value_is_not_better(self):
        assert self.fit([0.5] * 4, epochs=9, patience=3)[2].best_step == 3

    def test_steps_end_the_run_with_an_evaluation(self):
        _, seen, result = self.fit([0.1, 0.2], epochs=99, steps=7, evaluate_every=5)
        assert (result.steps, len(seen), result.reason) == (7, 2, "finished")

    def test_no_epochs_measures_the_fresh_model(self):
        assert self.fit([0.3], epochs=0)[2].metrics == {"recall@50": 0.3}

    def test_a_missing_monitor_is_named(self):
        with pytest.raises(UserError, match=r"no metric 'ndcg@5'.*recall@50"):
            self.fit([0.3] * 3, epochs=1, monitor="ndcg@5")


class TestTwoPhases:
    def test_auxiliary_losses_act_in_the_first_steps_only_the_models_own_in_all(self):
        sequences, seen = planted(), []
        fit(
            create("remi", sequences.n_items, d=8, length=8),
            sequences,
            loss=create_loss("full"),
            evaluator=lambda model: {"recall@50": 0.0},
            objectives=[Pull(), RoutingRegularisation()],
            settings=Settings(batch_size=50, steps=4, evaluate_every=1, auxiliary_steps=2),
            progress=lambda report: seen.append(set(report.terms)),
        )
        assert [terms - {"loss", "routing"} for terms in seen] == [{"pull"}, {"pull"}, set(), set()]
        assert all("routing" in terms for terms in seen)


class TestInterruption:
    def fit(self, stop, out=None, evaluate_every=2):
        sequences = planted()
        model = create("dnn", sequences.n_items, d=8, length=8)
        result = fit(
            model,
            sequences,
            loss=create_loss("full"),
            evaluator=recall_at(sequences),
            settings=Settings(batch_size=50, epochs=50, evaluate_every=evaluate_every),
            out=out,
            stop=stop,
        )
        return model, result

    # SIGTERM of a scheduler and SIGHUP of a closed terminal once ended a run without its model.
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_keeps_the_best_model_and_says_how_to_go_on(self, number, tmp_path):
        if signal.getsignal(number) is signal.SIG_IGN:
            pytest.skip("the tests were started with this signal ignored, as nohup does")
        count = iter(range(100))

        def press() -> bool:
            if next(count) == 6:
                os.kill(os.getpid(), number)
            return False

        before = signal.getsignal(number)
        model, result = self.fit(press, tmp_path)
        assert signal.getsignal(number) is before
        assert result.reason == "interrupted"
        assert result.steps == 7
        tensors, facts = checkpoint.read(tmp_path / checkpoint.NAME)
        assert facts["counters"]["step"] == 7
        assert torch.equal(model.items, tensors["best.model.items"])
        with pytest.raises(InterruptedRunError, match=r"step 7.*--resume") as stopped:
            result.raise_if_stopped()
        assert stopped.value.exit_code == 3

    def test_a_second_signal_stops_at_once(self, tmp_path):
        def press() -> bool:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            return False

        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            self.fit(press, tmp_path)
        assert signal.getsignal(signal.SIGTERM) is before

    def test_what_was_ignored_stays_ignored(self):
        """As under nohup."""
        count = iter(range(1000))

        def press() -> bool:
            if next(count) == 3:
                os.kill(os.getpid(), signal.SIGHUP)
            return next(count) > 20

        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            _, result = self.fit(press)
        finally:
            signal.signal(signal.SIGHUP, before)
        assert result.steps > 7

    def test_a_stop_after_the_last_step_leaves_its_evaluation_to_the_resumed_run(self, tmp_path):
        def train(out, stop_at=None, **more):
            sequences = planted()
            asked = iter(range(1, 100))
            return fit(
                create("dnn", sequences.n_items, d=8, length=8),
                sequences,
                loss=create_loss("full"),
                evaluator=recall_at(sequences),
                settings=Settings(batch_size=50, steps=7, evaluate_every=5),
                out=out,
                stop=lambda: next(asked) == stop_at,
                **more,
            )

        assert train(tmp_path / "parts", stop_at=7).reason == "interrupted"
        train(tmp_path / "parts", resume=True)
        train(tmp_path / "whole")
        logs = [(tmp_path / part / "metrics.jsonl").read_text() for part in ("parts", "whole")]
        assert logs[0] == logs[1]
        assert '"step": 7' in logs[0]

    def test_before_the_first_evaluation_the_last_weights_are_kept(self):
        model, result = self.fit(lambda: True, evaluate_every=1000)
        fresh = create("dnn", model.n_items, d=8, length=8)
        assert result.steps == 1
        assert not torch.equal(model.items, fresh.items)


class Counted(Objective):
    """Knows how often it was called."""

    calls = 0

    def __call__(self, *batch):
        self.calls += 1
        return super().__call__(*batch)


class Poison(Counted):
    """A term that stops being a number at its fifth call."""

    def forward(self, model, batch, encoded):
        return {"poison": encoded.interests.mean() * (float("nan") if self.calls == 5 else 0.0)}


class SteepAtNought(Counted):
    """A term of value 0 whose gradient is not a number, from its third call on."""

    def forward(self, model, batch, encoded):
        still = encoded.interests.sum() * 0
        return {"steep": still.sqrt() if self.calls >= 3 else still}


class TestDivergence:
    def fit(self, evaluate_every: int, objective=Poison):
        sequences = planted()
        model = create("dnn", sequences.n_items, d=8, length=8)
        kept = []

        def evaluator(m):
            kept.append(m.items.detach().clone())
            return {"recall@50": float(len(kept))}

        settings = Settings(batch_size=50, evaluate_every=evaluate_every)
        loss = create_loss("full")
        objectives = [objective()]
        result = fit(
            model,
            sequences,
            loss=loss,
            evaluator=evaluator,
            objectives=objectives,
            settings=settings,
        )
        return model, kept, result

    def test_says_where_and_keeps_the_last_good_state(self):
        model, kept, result = self.fit(2)
        assert result.reason == "diverged"
        assert torch.equal(model.items, kept[-1])
        with pytest.raises(UserError, match=r"step 5 in epoch 2 .*poison nan.*user_ix"):
            result.raise_if_stopped()

    def test_weights_that_stop_being_numbers_are_never_evaluated(self):
        model, kept, result = self.fit(1, SteepAtNought)
        assert result.reason == "diverged"
        assert len(kept) == 2
        assert torch.equal(model.items, kept[-1])
        wanted = r"weights or scores are not numbers after step 3 .*the model of step 2 is kept"
        with pytest.raises(UserError, match=wanted):
            result.raise_if_stopped()

    def test_where_all_is_lost_no_model_is_kept(self):
        model, kept, result = self.fit(1000, SteepAtNought)
        assert not kept
        assert torch.equal(model.items, create("dnn", model.n_items, d=8, length=8).items)
        assert "step 4" in result.detail
        assert "no model was measured before, so none is kept" in result.detail
        assert result.metrics == {}

    def test_before_any_evaluation_no_state_is_known_to_be_good(self):
        model, kept, result = self.fit(1000)
        assert not kept
        assert torch.equal(model.items, create("dnn", model.n_items, d=8, length=8).items)
        assert "none is kept" in result.detail


class TestLearning:
    @pytest.mark.parametrize("name", sorted(RECIPES))
    def test_recovers_planted_groups(self, name):
        """Two groups of ten are a user's: 20 of 40 items should hold nearly every target."""
        sequences = planted(users=300)
        loss, setting, config = RECIPES[name]
        model = create(name, sequences.n_items, d=16, length=8, **config)
        rate = 0.002 if name == "bert4rec" else 0.01
        before = recall_at(sequences, part="test")(model.eval())["recall@50"]
        fit(
            model.train(),
            sequences,
            loss=create_loss(loss, **setting),
            evaluator=recall_at(sequences),
            settings=Settings(epochs=60, batch_size=64, learning_rate=rate, patience=60),
        )
        after = recall_at(sequences, part="test")(model)["recall@50"]
        assert before < 0.7
        assert after > 0.78

    def test_popularity_needs_no_training(self):
        sequences = planted()
        model = create("pop", sequences.n_items)
        result = fit(model, sequences, loss=create_loss("full"), evaluator=recall_at(sequences))
        assert result.steps == 0
        assert model.items[1:].min() > 0

    def test_multi_interest_model_on_all_positions(self):
        sequences = planted()
        model = create("remi", sequences.n_items, d=8, length=8)
        result = fit(
            model,
            sequences,
            loss=create_loss("sampled", negatives=20),
            evaluator=recall_at(sequences),
            objectives=[RoutingRegularisation()],
            settings=Settings(epochs=2, positions="all", clip=1.0, bf16=True),
        )
        assert np.isfinite(result.metrics["recall@50"])

    @pytest.mark.parametrize("name", ["sasrec", "facet", "remi"])
    def test_consistency_brings_two_passes_together(self, name):
        sequences = planted()
        apart, ticks = {}, itertools.count()  # ever better: the last weights are kept
        for weight in (0.001, 20.0):
            model = create(name, sequences.n_items, d=8, length=8)
            fit(
                model,
                sequences,
                loss=create_loss("full", readout="hard" if name == "remi" else "soft"),
                evaluator=lambda _: {"recall@50": next(ticks)},
                settings=Settings(epochs=30, positions="all", consistency=weight),
            )
            history = sequences.all_targets(sequences.users, 8).history
            model.train()
            with torch.no_grad():
                p, r = (model.score(model(history).interests).log_softmax(1) for _ in range(2))
            apart[weight] = float((p.exp() * (p - r)).sum(1).mean())
        if name == "remi":  # no dropout, nothing to bring together
            assert apart[20.0] == apart[0.001] == 0
        else:
            assert apart[20.0] < 0.7 * apart[0.001]

    def test_consistency_needs_scores_of_all_items(self):
        sequences = planted()
        with pytest.raises(UserError, match=r"consistency=1 .* SampledSoftmax"):
            fit(
                create("sasrec", sequences.n_items, d=8, length=8),
                sequences,
                loss=create_loss("sampled", negatives=20),
                evaluator=recall_at(sequences),
                settings=Settings(epochs=1, consistency=1.0),
            )

    @pytest.mark.parametrize("loss", ["full", "sampled", "interest-aware", "gbce"])
    @pytest.mark.parametrize("name", ["remi", "sasrec"])
    def test_an_item_table_of_one(self, name, loss):
        """With a single item every negative is the target."""
        items, parts = np.zeros(8, np.int32), np.array([0, 0, 2, 3] * 2, np.int8)
        sequences = Sequences(1, np.array([0, 4, 8]), items, parts)
        model = create(name, 1, d=4, length=8)
        result = fit(
            model,
            sequences,
            loss=create_loss(loss),
            evaluator=recall_at(sequences, k=1),
            settings=Settings(epochs=3),
        )
        assert result.reason == "finished"
        assert result.metrics == {"recall@50": 1.0}
        assert all(torch.isfinite(p).all() for p in model.parameters())

    def test_a_model_given_in_serving_mode_is_trained_with_dropout(self):
        sequences = planted()
        models = [create("sasrec", sequences.n_items, d=8, length=8) for _ in range(2)]
        for model in (models[0].train(), models[1].eval()):
            fit(
                model,
                sequences,
                loss=create_loss("full"),
                evaluator=recall_at(sequences),
                settings=Settings(epochs=1),
            )
        assert torch.equal(models[0].items, models[1].items)
        assert not models[0].training

    def test_nothing_to_train_on(self):
        empty = Sequences(3, np.array([0, 1]), np.array([1], np.int32), np.array([3], np.int8))
        with pytest.raises(UserError, match="nothing to train on"):
            fit(
                create("remi", 3),
                empty,
                loss=create_loss("full"),
                evaluator=lambda model: {"recall@50": 0.0},
            )


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"batch_size": 0}, "training, batch_size = 0: at least 1"),
        ({"epoch": 3}, "training: no setting epoch; did you mean 'epochs'"),
        ({"positions": "some"}, "training, positions = 'some': .*'one' or 'all'"),
    ],
)
def test_settings_are_refused_by_name(values, wrong):
    with pytest.raises(UserError, match=wrong):
        checked(Settings, values, "training")


def test_progress_has_rates_and_metrics(tmp_path):
    reports = []
    sequences = planted()
    fit(
        create("dnn", sequences.n_items, d=8, length=8),
        sequences,
        loss=create_loss("full"),
        evaluator=recall_at(sequences),
        settings=Settings(epochs=3, batch_size=50),
        out=tmp_path,
        progress=reports.append,
    )
    assert all(report.steps_per_second > 0 for report in reports)
    assert [report.step for report in reports if report.metrics] == [3, 6, 9]
    losses = [report.terms["loss"] for report in reports if report.metrics]
    assert len(set(losses)) == 3  # each evaluation's own, not an earlier step's
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 9]


def test_a_run_is_traced_by_its_figures(monkeypatch):
    """Fault: a trace of training said neither how good nor how long it was."""
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'interest-profiler[otel]'")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr("store.telemetry.spans.tracer", lambda: provider.get_tracer("tests"))
    sequences = planted(20)
    model = create("ease", sequences.n_items)
    found = fit(model, sequences, loss=create_loss("full"), evaluator=recall_at(sequences))
    (one,) = memory.get_finished_spans()
    assert one.name == "train"
    assert one.attributes["interest_profiler.recall@50"] == found.metrics["recall@50"]
    assert one.attributes["interest_profiler.end"] == "finished"

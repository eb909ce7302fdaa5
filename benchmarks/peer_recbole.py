"""Steps per second of RecBole's SASRec on its own loader, for ``bench_training.py --peer``.

    PYTHON benchmarks/peer_recbole.py --length 50

PYTHON has RecBole 1.2.1. Settings as in our case ``sasrec 50 one``: the histories of
``bench_training.py``, d 64, 2 layers, 1 head, inner size 64, ReLU, dropout .3, cross-entropy over
all items, batch 128. RecBole makes a sample of every prefix and predicts its next item, one target
a row; so does our case.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from _histories import BATCH, random_rows


class _EnoughError(Exception):
    """The loop has run the steps that were asked for."""


def write_histories(folder: Path, length: int) -> None:
    """RecBole's atomic file ``random.inter``."""
    (folder / "random").mkdir()
    with (folder / "random" / "random.inter").open("w") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for row in random_rows(length):
            file.write("\t".join(map(str, row)) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.trainer import Trainer
    from recbole.utils import get_model, init_seed

    with tempfile.TemporaryDirectory() as folder:
        write_histories(Path(folder), asked.length)
        config = Config(
            model="SASRec",
            dataset="random",
            config_dict={
                "data_path": folder,
                "checkpoint_dir": folder,
                "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
                "USER_ID_FIELD": "user_id",
                "ITEM_ID_FIELD": "item_id",
                "TIME_FIELD": "timestamp",
                "MAX_ITEM_LIST_LENGTH": asked.length,
                "hidden_size": 64,
                "inner_size": 64,
                "hidden_act": "relu",
                "n_layers": 2,
                "n_heads": 1,
                "hidden_dropout_prob": 0.3,
                "attn_dropout_prob": 0.3,
                "loss_type": "CE",
                "train_neg_sample_args": None,
                "train_batch_size": BATCH,
                "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
                "use_gpu": False,
                "show_progress": False,
                "state": "ERROR",
                "seed": 0,
                "reproducibility": False,
            },
        )
        init_seed(0, False)
        dataset = create_dataset(config)
        train, _, _ = data_preparation(config, dataset)
        model = get_model("SASRec")(config, train.dataset)
        trainer = Trainer(config, model)
        torch.set_num_threads(asked.threads)
        times: list[float] = []
        forward = model.calculate_loss

        def counting(batch: object) -> torch.Tensor:
            times.append(time.perf_counter())
            if len(times) > asked.steps:
                raise _EnoughError
            loss: torch.Tensor = forward(batch)
            return loss

        model.calculate_loss = counting
        with contextlib.suppress(_EnoughError):
            trainer._train_epoch(train, 0)
    warm = len(times) // 5
    print((len(times) - 1 - warm) / (times[-1] - times[warm]))


if __name__ == "__main__":
    main()

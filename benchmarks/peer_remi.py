"""Steps per second of the public REMI training loop, for ``bench_training.py --peer``.

    PYTHON benchmarks/peer_remi.py --checkout REMI --length 20

REMI is a checkout of github.com/Tokkiu/REMI; PYTHON has torch, faiss-cpu and NumPy. The loop is run
as it is, on the histories of ``bench_training.py``, with the authors' settings (d 64, K 4, batch
128, 1,280 uniform negatives, beta .1, lambda 100); only what needs a GPU is led to the processor.
With ``--lean`` the two matrices per sample, which REMI never reads, are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from _histories import BATCH, ITEMS, random_rows

SETTINGS = "--model_type REMI --hidden_size 64 --interest_num 4 --rbeta 0.1 --rlambda 100"


class _EnoughError(Exception):
    """The loop has run the steps that were asked for."""


class _Counted:
    """A loader that stops after so many batches and remembers when each was asked for."""

    def __init__(self, loader: Any, steps: int) -> None:
        self.loader, self.steps = loader, steps
        self.times: list[float] = []

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            self.times.append(time.perf_counter())
            if len(self.times) > self.steps:
                raise _EnoughError
            yield batch


def write_histories(path: Path, length: int) -> None:
    """Lines ``user,item,order,time``; items from 1, as the loop wants them."""
    with path.open("w") as file:
        for user, item, place in random_rows(length):
            file.write(f"{user},{item},{place},{86_400 * place}\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lean", action="store_true", help="without the matrices nobody reads")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.Tensor.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
    sys.path.insert(0, str((asked.checkout / "src").resolve()))
    import evalution
    import utils

    counted: list[_Counted] = []
    loader = evalution.get_DataLoader

    def counting(*args: Any, **options: Any) -> _Counted:
        counted.append(_Counted(loader(*args, **options), asked.steps))
        return counted[-1]

    evalution.get_DataLoader = counting
    if asked.lean:
        utils.DataIterator.compute_time_matrix = lambda *_: [0]
        utils.DataIterator.compute_adj_matrix = lambda *_: [0]
    arguments = utils.get_parser().parse_args(SETTINGS.split())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        file = Path(folder) / "train.txt"
        write_histories(file, asked.length)
        with contextlib.suppress(_EnoughError):
            evalution.train(
                device=torch.device("cpu"),
                train_file=str(file),
                valid_file=str(file),
                test_file=str(file),
                dataset="random",
                model_type="REMI",
                item_count=ITEMS + 1,
                batch_size=BATCH,
                lr=1e-3,
                seq_len=asked.length,
                hidden_size=64,
                interest_num=4,
                topN=50,
                max_iter=1000,
                test_iter=10**9,
                decay_step=30,
                lr_decay=0.1,
                patience=50,
                exp="speed",
                args=arguments,
            )
    times = counted[0].times
    warm = len(times) // 5
    print((len(times) - 1 - warm) / (times[-1] - times[warm]))


if __name__ == "__main__":
    main()

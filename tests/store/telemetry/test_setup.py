"""Where traces go: told by OpenTelemetry's own variables, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.errors import UserError
from store.telemetry.setup import EXPORTER, exporting

ROOT = Path(__file__).resolve().parents[3]
ENTER = "import sys, cli; sys.exit(cli.profiler_main())"


def run(*words, **env):
    paths = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", ENTER, *map(str, words)],
        env=os.environ | paths | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_imported_unless_it_is_asked_for(monkeypatch):
    monkeypatch.delenv(EXPORTER, raising=False)
    with exporting("profiler"):
        pass
    monkeypatch.setenv(EXPORTER, "none")
    with exporting("profiler"):
        pass


def test_an_exporter_that_is_not_installed(monkeypatch):
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'interest-profiler[otel]'")
    monkeypatch.setenv(EXPORTER, "carrier_pigeon")
    said = r"carrier_pigeon: no installed package .* or use one of"
    with pytest.raises(UserError, match=said), exporting("profiler"):
        pass


def test_the_sdk_is_not_installed(monkeypatch):
    monkeypatch.setenv(EXPORTER, "console")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(UserError, match=r"interest-profiler\[otel\]"), exporting("profiler"):
        pass


def test_a_build_on_the_console(tmp_path):
    """Fault: spans on standard output were in the middle of the JSON document."""
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'interest-profiler[otel]'")
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp\nann,pen,tomorrow\n")
    done = run("build", log, "--store", tmp_path / "s.db", "--json", OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 2
    assert done.stdout == ""
    assert '"name": "build: reading the data"' in done.stderr
    assert '"service.name": "profiler"' in done.stderr
    assert "tomorrow" not in done.stderr.partition('{"error"')[0]
    document = next(line for line in done.stderr.splitlines() if line.startswith('{"error"'))
    assert json.loads(document)["error"]["kind"] == "data"

"""The notebook of the five minutes runs from its first cell to its last, with plots."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.notebooks import run_notebook

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "five_minutes.ipynb"


def test_the_notebook_reaches_an_explanation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ML_LATEST_SMALL", raising=False)
    plt.close("all")
    started = time.perf_counter()
    shown = run_notebook(NOTEBOOK)
    seconds = time.perf_counter() - started
    assert len(plt.get_fignums()) == 3
    plt.close("all")
    assert "<th>interactions</th>" in shown[0]
    assert any("Because of “" in page for page in shown)
    assert "Because of “" in capsys.readouterr().out
    assert (tmp_path / "report.html").is_file()
    with capsys.disabled():
        print(f"\nthe notebook took {seconds:.0f} s")


def test_the_notebook_is_kept_without_outputs() -> None:
    """Outputs of films must not be published with it, and would differ at every run."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]

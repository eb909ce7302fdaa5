"""A section of the report of somebody else's package, shown by the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import profiler
from store.data.sample import write_sample
from tests.outside_package import install

ROOT = Path(__file__).resolve().parents[3]
MODULE = """
from profiler.reporting.sections.section import ReportSection


class Vectors(ReportSection):
    def title(self, material):
        return "Text vectors"

    def rows(self, material):
        items = material.store.vectors.items()
        who = material.names.of(0)
        return [("items with a place", f"{len(items)} & <{items.shape[1]}>"), ("first", who)]


class Nothing(Vectors):
    def rows(self, material):
        return []


VECTORS, NOTHING = Vectors(), Nothing()
"""


def report(store: Path, out: Path, outside: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import cli; cli.profiler_main()", "report"]
    return subprocess.run(
        [*command, "--store", str(store), "--out", str(out), "--users", "ids"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{outside}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": str(out.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_section_of_another_package_is_shown(tmp_path: Path) -> None:
    shop, path = tmp_path / "shop", tmp_path / "s.db"
    write_sample(shop, users=60)
    profiler.build(shop, store=path, config=profiler.BuildConfig(synthetic_users=0))
    outside, broken = tmp_path / "outside", tmp_path / "broken"
    outside.mkdir()
    broken.mkdir()
    points = {"vectors": "sections:VECTORS", "nothing": "sections:NOTHING"}
    install(outside, "sections", MODULE, {"interest_profiler.report_sections": points})
    run = report(path, tmp_path / "page.html", outside)
    assert run.returncode == 0, run.stderr
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("Text vectors") == 1  # a section without rows is left out
    assert "items with a place" in page
    assert page.index("Commands that wrote to the store") < page.index("Text vectors")

    install(broken, "broken", "1 / 0", {"interest_profiler.report_sections": {"bad": "broken:B"}})
    run = report(path, tmp_path / "other.html", broken)
    assert run.returncode == 2
    assert "report section 'bad' cannot be loaded from 'broken:B' of broken" in run.stderr

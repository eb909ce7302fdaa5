"""Write the packages of the demonstration with their hashes: ``make hashes``.

pip is asked which files it would take, from whatever index it is set up with; the file names
packages, versions and digests, and no host. A digest that an earlier run found for the same version
stays: another machine, or a wheel from a local folder, may rightly have another file.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "requirements-hashes.txt"
EXTRAS = ("offline",)
"""What the demonstration needs beside the dependencies."""
HEADER = """\
# Written by `make hashes`; used by `make demo HASHES=requirements-hashes.txt`.
# Digests of the files that pip was given where this was made, on that kind of machine alone.
"""
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\\n]+)((?:\s*\\\n\s+--hash=\S+)+)", re.M)


def wanted() -> list[str]:
    """Requirements of the demonstration and of building the package itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    torch = re.findall(r"torch==[\w.]+", (ROOT / "Makefile").read_text("utf-8"))[0]
    return [
        torch,
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(one for extra in EXTRAS for one in extras[extra]),
    ]


def taken(requirements: Iterable[str], *, constraints: Path | None) -> dict[tuple[str, str], str]:
    """Digest of the file that pip would take for each package, by name and version.

    Raises
    ------
    SystemExit
        pip finds no set of versions that fits; its own words are shown.
    """
    limits = [] if constraints is None else ["--constraint", str(constraints)]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-", *limits, *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return read_report(json.loads(done.stdout))


def read_report(report: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Digests of an installation report of pip, by name and version.

    A version's local part, as in ``2.13.0+cpu``, is left out: it says who built the file, which
    the digest says better.
    """
    found = {}
    for one in report["install"]:
        name = re.sub(r"[-_.]+", "-", one["metadata"]["name"]).lower()
        version = one["metadata"]["version"].partition("+")[0]
        found[name, version] = _digest(one["download_info"])
    return found


def _digest(info: Mapping[str, Any]) -> str:
    digest = info.get("archive_info", {}).get("hashes", {}).get("sha256")
    if digest is None:
        file = Path(unquote(urlsplit(info["url"]).path))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return str(digest)


def read_file(text: str) -> dict[tuple[str, str], set[str]]:
    """Digests of a file that this module wrote."""
    return {
        (name, version): set(re.findall(r"--hash=sha256:([0-9a-f]{64})", hashes))
        for name, version, hashes in _ENTRY.findall(text)
    }


def written(found: Mapping[tuple[str, str], str], earlier: str = "") -> str:
    """The file's text: every package with its digests, those of an earlier file included."""
    before = read_file(earlier)
    lines = [HEADER]
    for (name, version), digest in sorted(found.items()):
        digests = sorted({digest, *before.get((name, version), ())})
        hashes = "".join(f" \\\n    --hash=sha256:{one}" for one in digests)
        lines.append(f"{name}=={version}{hashes}\n")
    return "".join(lines)


def main() -> None:
    """Write the file, or the one that is named."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    found = taken(wanted(), constraints=ROOT / "constraints.txt")
    out.write_text(written(found, out.read_text("utf-8") if out.exists() else ""), "utf-8")
    sys.stdout.write(f"{out}: {len(found)} packages with their digests\n")


if __name__ == "__main__":
    main()

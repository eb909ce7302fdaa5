"""Which files Python takes for this distribution's packages, and who else put some in their place.

The names ``store``, ``profiler``, ``prompts``, ``recommender`` and ``cli`` are common: another
distribution installed later writes over ours, and a file of the user's own shadows it. This module
imports none of them and nothing beyond the standard library, so that it works where they do not.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION = "interest-profiler"
PACKAGES = ("store", "prompts", "profiler", "recommender")
ROOT = Path(__file__).resolve().parent.parent
ADVICE = (
    f"install {DISTRIBUTION} into a virtual environment of its own, or with pipx; "
    "see Install in the README"
)


def problems(root: Path = ROOT) -> list[str]:
    """Return what is wrong with the packages as Python finds them, one sentence each.

    Parameters
    ----------
    root
        The folder that holds our packages and ``cli.py``.
    """
    found = []
    for name in PACKAGES:
        file = _file_of(name)
        if file is None or file.parent.parent.resolve() != root:
            found.append(_shadowed(name, file))
        elif not _is_ours(file):
            found.append(_overwritten(name, file))
    if not _is_ours(root / "cli.py"):
        found.append(_overwritten("cli", root / "cli.py"))
    return found


def _file_of(name: str) -> Path | None:
    """The file that Python would import or has imported, without importing it."""
    spec = find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _is_ours(file: Path) -> bool:
    """Whether a file bears the mark that each of our packages begins with."""
    try:
        return f'__distribution__ = "{DISTRIBUTION}"'.encode() in file.read_bytes()
    except OSError:
        return False


def _shadowed(name: str, file: Path | None) -> str:
    if file is None:
        return f"the package {name!r} is missing; {ADVICE}"
    owners = _owners(name)
    if owners:
        return f"{file} of the distribution {owners} stands before our {name!r}; {ADVICE}"
    return (
        f"{file} stands before our {name!r}; rename it, or take its folder off PYTHONPATH and go "
        "to another folder"
    )


def _overwritten(name: str, file: Path) -> str:
    owners = _owners(name)
    whose = f"the distribution {owners}" if owners else "somebody"
    return f"{whose} wrote over our {name!r} ({file}); {ADVICE}"


def _owners(name: str) -> str:
    """Other distributions that have files of this name."""
    from importlib.metadata import packages_distributions

    names = dict.fromkeys(packages_distributions().get(name, []))
    return ", ".join(one for one in names if one != DISTRIBUTION)

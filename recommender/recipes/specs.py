"""Settings as a user writes them, read into those of a recipe: ``--set``, ``--align``, models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.backbones.base import MODELS
from recommender.recipes.recipe import ALIGNMENTS, Recipe
from store.errors import UserError

PARTS = {
    "model": "model",
    "loss": "loss_settings",
    "eimf": "eimf",
    "ldmi": "ldmi",
    "crowd": "crowd_settings",
    "training": "training",
}


def parse_spec(spec: str) -> dict[str, Any]:
    """Read a model of a comparison: a backbone, what is added to it, settings of its own.

    Such as ``remi``, ``sasrec+crowd+text``, ``sasrec:loss=sampled`` or
    ``remi+eimf:eimf.predict=false,interests=catalogue``.

    Raises
    ------
    UserError
        For an unknown part, or a setting that cannot be read.
    """
    named, _, own = spec.partition(":")
    backbone, *parts = named.split("+")
    known = (*ALIGNMENTS, "crowd", "text")
    for part in parts:
        if part not in known:
            raise UserError(
                f"model {spec!r}: {part!r} is not one of {', '.join(known)}; write for example "
                f"remi+eimf; backbones are {', '.join(MODELS)}"
            )
    for place, part in enumerate(parts):
        if part in parts[:place]:
            raise UserError(f"model {spec!r}: +{part} stands there twice")
    if backbone == "pop" and parts:
        raise UserError(f"model {spec!r}: pop only counts; it takes no +{parts[0]}")
    pairs = [pair for pair in own.split(",") if pair]
    whole = [pair for pair in pairs if pair.partition("=")[0] in ("interests", "loss")]
    return {
        "backbone": backbone,
        "align": tuple(part for part in parts if part in ALIGNMENTS),
        "crowd": "crowd" in parts,
        "text_start": "text" in parts,
        **parse_settings(whole, "model"),
        **split_settings([pair for pair in pairs if pair not in whole]),
    }


def split_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``--set PART.NAME=VALUE`` options, and ``routing=WEIGHT``, into a recipe's settings.

    Raises
    ------
    UserError
        For an unknown part, or an option without a dot or ``=``.
    """
    found: dict[str, Any] = {}
    for path, value in parse_settings(pairs, "--set").items():
        part, dot, name = path.partition(".")
        if path == "routing":
            found[path] = value
        elif dot and part in PARTS:
            found.setdefault(PARTS[part], {})[name] = value
        else:
            raise UserError(
                f"{path}: write PART.NAME=VALUE, with PART one of {', '.join(PARTS)}; "
                "or routing=WEIGHT"
            )
    return found


def parse_settings(pairs: Sequence[str], where: str) -> dict[str, Any]:
    """Read ``NAME=VALUE`` options; values are JSON where they can be, otherwise text.

    Raises
    ------
    UserError
        For an option without ``=``.
    """
    import json

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"{where} {pair!r}: write NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def merge_settings(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of one model over those of all; parts such as ``training`` are merged inside."""
    merged = {**common, **own}
    for name in PARTS.values():
        if name in common and name in own:
            merged[name] = {**common[name], **own[name]}
    return merged


def join_training(parts: Mapping[str, Any], **flags: Any) -> dict[str, Any]:
    """Settings with a command's own training flags over those of ``--set training.NAME=VALUE``.

    A flag that is None was not given and leaves the setting alone.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    return {**parts, "training": {**parts.get("training", {}), **given}}


def refuse_idle(recipe: Recipe, model: str | None = None) -> None:
    """Refuse settings of a part that is off: whoever gives them thinks that it is on.

    Parameters
    ----------
    recipe
        Of a training run, or of one model of a comparison by its own settings.
    model
        The model as it was written, in a comparison.

    Raises
    ------
    UserError
        Naming the part and how it is switched on.
    """
    parts = (
        (recipe.eimf, "eimf" in recipe.align, "eimf", "--align eimf"),
        (recipe.ldmi, "ldmi" in recipe.align, "ldmi", "--align ldmi"),
        (recipe.crowd_settings, recipe.crowd, "crowd", "--crowd"),
    )
    for settings, on, name, flag in parts:
        if settings and not on:
            first = next(iter(settings))
            if recipe.backbone == "pop":
                raise UserError(f"{name}.{first} does nothing for pop, which only counts")
            if model is not None:
                raise UserError(
                    f"model {model!r}: {name}.{first} does nothing without +{name}; write for "
                    f"example {recipe.backbone}+{name}:{name}.{first}=…, or leave it out"
                )
            raise UserError(f"--set {name}.{first} does nothing without {flag}; give both or none")
    if recipe.interests != "exemplar" and not recipe.align:
        raise UserError(
            f"interests={recipe.interests} does nothing without an alignment (eimf, ldmi)"
        )

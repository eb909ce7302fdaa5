"""Settings as a user writes them, read into those of a recipe: ``--set``, ``--align``, models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.backbones.registry import BACKBONES, DEFAULT
from recommender.base.config_checks import SettingValues
from recommender.objectives.registry import OBJECTIVES
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
"""Where a recipe keeps settings of a part; those of other objectives: ``objective_settings``."""


def parse_spec(spec: str) -> SettingValues:
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
    known = (*OBJECTIVES, "text")
    for place, part in enumerate(parts):
        if part not in known:
            raise UserError(
                f"model {spec!r}: {part!r} is not one of {', '.join(known)}; write for example "
                f"{DEFAULT}+eimf; backbones are {', '.join(BACKBONES)}"
            )
        if part in parts[:place]:
            raise UserError(f"model {spec!r}: +{part} stands there twice")
    if parts and BACKBONES.get_known(backbone).trains_on == "none":
        raise UserError(
            f"model {spec!r}: {backbone} is computed from the histories, without training steps; "
            f"it takes no +{parts[0]}"
        )
    pairs = [pair for pair in own.split(",") if pair]
    whole = [pair for pair in pairs if pair.partition("=")[0] in ("interests", "loss")]
    return {
        "backbone": backbone,
        "align": tuple(part for part in parts if part in ALIGNMENTS),
        "objectives": tuple(p for p in parts if p not in (*ALIGNMENTS, "crowd", "text")),
        "crowd": "crowd" in parts,
        "text_start": "text" in parts,
        **parse_settings(whole, "model"),
        **split_settings([pair for pair in pairs if pair not in whole]),
    }


def split_settings(pairs: Sequence[str]) -> SettingValues:
    """Read ``--set PART.NAME=VALUE`` options, and ``routing=WEIGHT``, into a recipe's settings.

    Raises
    ------
    UserError
        For an unknown part, or an option without a dot or ``=``.
    """
    settings: SettingValues = {}
    for path, value in parse_settings(pairs, "--set").items():
        part, dot, name = path.partition(".")
        if path == "routing":
            settings[path] = value
        elif dot and part in PARTS:
            settings.setdefault(PARTS[part], {})[name] = value
        elif dot and part in OBJECTIVES:
            settings.setdefault("objective_settings", {}).setdefault(part, {})[name] = value
        else:
            known = dict.fromkeys([*PARTS, *OBJECTIVES])
            raise UserError(
                f"{path}: write PART.NAME=VALUE, with PART one of {', '.join(known)}; "
                "or routing=WEIGHT"
            )
    return settings


def parse_settings(pairs: Sequence[str], where: str) -> SettingValues:
    """Read ``NAME=VALUE`` options; values are JSON where they can be, otherwise text.

    Raises
    ------
    UserError
        For an option without ``=``.
    """
    import json

    settings: SettingValues = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"{where} {pair!r}: write NAME=VALUE")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings


def merge_settings(common: Mapping[str, Any], own: Mapping[str, Any]) -> SettingValues:
    """Settings of one model over those of all; parts such as ``training`` are merged inside.

    Parameters
    ----------
    common, own
        Settings of a recipe by part; where both have one, ``own`` counts.
    """
    merged = {**common, **own}
    for name in PARTS.values():
        if name in common and name in own:
            merged[name] = {**common[name], **own[name]}
    of_all, of_one = common.get("objective_settings", {}), own.get("objective_settings", {})
    if of_all and of_one:
        names = {**of_all, **of_one}
        merged["objective_settings"] = {
            name: {**of_all.get(name, {}), **of_one.get(name, {})} for name in names
        }
    return merged


def join_training(parts: Mapping[str, Any], **flags: Any) -> SettingValues:
    """Settings with a command's own training flags over those of ``--set training.NAME=VALUE``.

    A flag that is None was not given and leaves the setting alone.

    Parameters
    ----------
    parts
        Settings of a recipe by part.
    flags
        Training settings by name.
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
    for name, settings in recipe.asked_settings.items():
        if not settings or recipe.alone or name in recipe.active:
            continue  # a model that learns one thing alone keeps the settings it was trained with
        first = next(iter(settings))
        if recipe.kind.trains_on == "none":
            raise UserError(
                f"{name}.{first} does nothing for {recipe.backbone}, which is computed from the "
                "histories, without training steps"
            )
        if model is not None:
            raise UserError(
                f"model {model!r}: {name}.{first} does nothing without +{name}; write for "
                f"example {recipe.backbone}+{name}:{name}.{first}=…, or leave it out"
            )
        flag = f"--align {name}" if name in ALIGNMENTS else f"--objective {name}"
        flag = "--crowd" if name == "crowd" else flag
        raise UserError(f"--set {name}.{first} does nothing without {flag}; give both or none")
    if recipe.interests != "exemplar" and not recipe.align:
        raise UserError(
            f"interests={recipe.interests} does nothing without an alignment (eimf, ldmi)"
        )

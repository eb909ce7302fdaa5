"""Prompt templates: one YAML file each, validated, rendered in a sandbox, addressed by content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prompts.loader import list_templates, load_template, refuse_unused
    from prompts.template import Rendered, Template

__all__ = ["Rendered", "Template", "list_templates", "load_template", "refuse_unused"]

_HOMES = {
    "Rendered": "prompts.template",
    "Template": "prompts.template",
    "list_templates": "prompts.loader",
    "load_template": "prompts.loader",
    "refuse_unused": "prompts.loader",
}


def __getattr__(name: str) -> Any:
    """Import on first use: jinja2, pydantic and YAML cost more than a command's help may take."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'prompts' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

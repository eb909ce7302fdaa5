"""Prompt templates: one YAML file each, validated, rendered in a sandbox, addressed by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from store.version import __version__ as __version__

if TYPE_CHECKING:
    from prompts.loader import list_templates as list_templates
    from prompts.loader import load_template as load_template
    from prompts.loader import refuse_unused as refuse_unused
    from prompts.template import Rendered as Rendered
    from prompts.template import Template as Template

__distribution__ = "interest-profiler"  # read by store/installation.py

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "loader": ["list_templates", "load_template", "refuse_unused"],
        "template": ["Rendered", "Template"],
    },
)

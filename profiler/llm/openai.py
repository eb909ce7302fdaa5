"""One chat completion of OpenAI's protocol, sent by the provider's own HTTP client.

LangChain's chat model is still what is opened, and it decides the address, the headers and the
body of every call. What is left out is its way back: three conversions of an answer, and a thread
for one of them, cost more processor time than all the rest of a call, and with 64 calls under way
that is what a run waits for. Models whose calls look otherwise (another API or another class) go
through LangChain.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from profiler.llm.port import CallError, Method, Reply

PATH = "chat/completions"


class Direct:
    """Sends bodies to one service.

    Parameters
    ----------
    http
        The HTTP client that the provider's client was given.
    url
        Address of the call.
    headers
        Sent with each call; they hold the key.
    """

    def __init__(self, http: Any, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = dict(headers)

    async def send(self, payload: Mapping[str, Any], name: str, method: Method) -> Reply:
        """Make one call and read what came back.

        Parameters
        ----------
        payload
            As LangChain hands it to the provider's client.
        name, method
            Of the port, for the reply.

        Raises
        ------
        openai.APIStatusError
            The service answered with an error.
        CallError
            The service's answer is no chat completion.
        """
        body = {key: value for key, value in payload.items() if key != "extra_body"}
        body |= payload.get("extra_body") or {}
        started = time.perf_counter()
        response = await self._http.post(
            self._url, content=json.dumps(body, ensure_ascii=False).encode(), headers=self._headers
        )
        if response.status_code >= 400:
            raise _status_error(response)
        return read_completion(
            response.content, response.headers, name, method, time.perf_counter() - started
        )


def direct_for(model: Any, http: Any | None) -> Direct | None:
    """How to send to an opened LangChain model without it; None if only LangChain knows.

    Parameters
    ----------
    model
        From ``init_chat_model``.
    http
        The HTTP client it was given, None for its own.
    """
    if http is None or type(model).__name__ != "ChatOpenAI":
        return None
    client: Any = getattr(model, "root_async_client", None)
    query = getattr(client, "default_query", None)
    headers = _headers(client)
    probe = _payload_of(model)
    if query or "authorization" not in {name.lower() for name in headers} or probe is None:
        return None
    return Direct(http, f"{str(client.base_url).rstrip('/')}/{PATH}", headers)


def _headers(client: Any) -> dict[str, str]:
    both = {**getattr(client, "auth_headers", {}), **getattr(client, "default_headers", {})}
    # What is not a text marks a header to be left out.
    return {name: value for name, value in both.items() if isinstance(value, str)}


def _payload_of(model: Any) -> Mapping[str, Any] | None:
    """A body as the model would make it; None if it is not one of chat completions."""
    make = getattr(model, "_get_request_payload", None)
    payload = None if make is None else make([("user", "?")], stop=None, max_tokens=1)
    return payload if isinstance(payload, dict) and "messages" in payload else None


def read_completion(
    content: bytes, headers: Mapping[str, str], name: str, method: Method, latency_s: float
) -> Reply:
    """Read a chat completion; its text stays as it came.

    Raises
    ------
    CallError
        It is not one: a gateway's page, half a body, an error in the place of an answer.
    """
    try:
        document = json.loads(content)
        if document.get("error"):
            raise CallError("server_error", f"the answer holds an error: {document['error']}"[:300])
        choice = document["choices"][0]
        message, usage = choice["message"], document.get("usage") or {}
        return Reply(
            text=_text(message.get("content")),
            finish_reason=choice.get("finish_reason"),
            refusal=message.get("refusal"),
            tokens_in=usage.get("prompt_tokens"),
            tokens_out=usage.get("completion_tokens"),
            model=document.get("model") or name,
            method=method,
            latency_s=latency_s,
            headers={key.lower(): value for key, value in headers.items()},
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise CallError(
            "server_error", f"the service answered with {len(content)} bytes that are no completion"
        ) from None


def _text(content: Any) -> str:
    """Text of an answer: a text, nothing, or parts of which some are texts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content if part.get("type") == "text")


def _status_error(response: Any) -> Exception:
    """The provider's own exception, which the rest of the room knows how to read."""
    from openai import APIStatusError

    try:
        body: Any = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        body = body.get("error", body)
    said = body.get("message") if isinstance(body, dict) else None
    told = f"Error code: {response.status_code} - {said or body or response.text}"
    return APIStatusError(told, response=response, body=body)

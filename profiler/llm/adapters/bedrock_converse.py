"""Models of Amazon Bedrock, called by Amazon's own client through the Converse API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from profiler.llm.adapters.planned import ClientPort, need_package
from profiler.llm.adapters.reading import Received, arguments_of, count_of, total_of
from profiler.llm.model_options import merged
from profiler.llm.port import Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.registry import NO_KEY, Adapter, Opening
from profiler.llm.timeouts import LONGEST_S
from store.errors import UserError

CONNECTIONS = 64
TOP_LEVEL = ("performanceConfig", "serviceTier", "guardrailConfig", "requestMetadata")
"""Options of the API; all others are handed to the model."""


class BedrockPort(ClientPort):
    """One model of Bedrock."""

    def body(self, request: Request, method: Method) -> dict[str, Any]:
        """Arguments of a call."""
        wording, given = self._wording, self._wording.options
        told = [turn for turn in request.messages if turn.role != "system"]
        found: dict[str, Any] = {
            "modelId": wording.model,
            "messages": [
                {"role": role, "content": [part for turn in turns for part in _parts(turn)]}
                for role, turns in groupby(told, key=_role)
            ],
            "inferenceConfig": {"maxTokens": request.max_tokens, **wording.sampling(request)},
        }
        system = [{"text": turn.content} for turn in request.messages if turn.role == "system"]
        if system:
            found["system"] = system
        if request.tools:
            found["toolConfig"] = {"tools": [_tool(tool["function"]) for tool in request.tools]}
        elif method == "json_schema":
            schema = {
                "name": request.schema_name,
                "schema": json.dumps(wording.schema(request), ensure_ascii=False),
            }
            text = {"type": "json_schema", "structure": {"jsonSchema": schema}}
            found["outputConfig"] = {"textFormat": text}
        top = {name: value for name, value in given.items() if name in TOP_LEVEL}
        own = {name: value for name, value in given.items() if name not in TOP_LEVEL}
        return merged(found, {**top, "additionalModelRequestFields": own} if own else top)

    def open_client(self) -> Any:
        """Amazon's client."""
        return open_client(self._opening)

    async def send(self, client: Any, request: Request, body: Mapping[str, Any]) -> Received:
        """Send a call in a thread of its own: the client waits where it is called."""
        document = await in_thread(lambda: client.converse(**body))
        headers = document.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return Received(document, headers, read_document)

    def parameters(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What may be refused by its name stands in the configuration, or is the model's own."""
        own = body.get("additionalModelRequestFields", {})
        return {**body, **body["inferenceConfig"], **own}


class Bedrock(Adapter):
    """Amazon Bedrock."""

    def open(self, opening: Opening) -> BedrockPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The package ``boto3`` is missing, or there is no region.
        """
        need_package("boto3", "aws", opening)
        if opening.key != NO_KEY:  # whoever sends nothing needs no region either
            open_client(opening)
        return BedrockPort(opening)


BEDROCK = Bedrock()


def open_client(opening: Opening) -> Any:
    """Amazon's client for an opened model, which makes no call again by itself.

    Raises
    ------
    UserError
        The region is not said.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    config = Config(
        retries={"total_max_attempts": 1},
        read_timeout=opening.timeout or LONGEST_S,
        connect_timeout=30,
        max_pool_connections=CONNECTIONS,
    )
    try:
        return boto3.client("bedrock-runtime", endpoint_url=opening.address, config=config)
    except NoRegionError:
        raise UserError(f"--llm {opening.name}: no region is set; set AWS_REGION") from None


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a thread that nobody waits for when the program ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():  # given up meanwhile
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="bedrock", daemon=True).start()
    return await future


def read_document(document: Mapping[str, Any]) -> Reply:
    """Read the answer of a conversation.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It is none.
    """
    parts, usage = document["output"]["message"]["content"], document.get("usage") or {}
    thoughts = [
        (part["reasoningContent"].get("reasoningText") or {}).get("text") or ""
        for part in parts
        if "reasoningContent" in part
    ]
    calls = [part["toolUse"] for part in parts if "toolUse" in part]
    return Reply(
        text="".join(part["text"] for part in parts if "text" in part),
        finish_reason=document.get("stopReason"),
        tokens_in=total_of(usage, "inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
        tokens_out=count_of(usage.get("outputTokens")),
        tokens_cached=count_of(usage.get("cacheReadInputTokens")),
        reasoning="\n".join(thoughts) or None,
        tool_calls=tuple(
            ToolCall(call["toolUseId"], storable(call["name"]), arguments_of(call["input"]))
            for call in calls
        ),
    )


def _role(turn: Message) -> str:
    return "assistant" if turn.role == "assistant" else "user"


def _parts(turn: Message) -> list[dict[str, Any]]:
    if turn.role == "tool":
        content = [{"text": turn.content}]
        return [{"toolResult": {"toolUseId": turn.tool_call_id, "content": content}}]
    said: list[dict[str, Any]] = [{"text": turn.content}] if turn.content else []
    calls = [
        {"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments or {}}}
        for call in turn.tool_calls
    ]
    return [*said, *calls]


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "toolSpec": {
            "name": function["name"],
            "description": function.get("description") or function["name"],
            "inputSchema": {"json": function["parameters"]},
        }
    }

"""Providers that only LangChain opens: by the package's name, through the same port."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from profiler.asking.runner import run_asking
from profiler.llm.registry import open_chat
from prompts import Template, load_template
from store.errors import UserError
from tests.asking_store import fast, make_store

ANSWER = {"interests": [{"label": "Pens", "description": "Writes.", "evidence": ["1"]}]}


class ChatFireworks(BaseChatModel):
    """Stands in for a provider's package, which LangChain finds by its name."""

    model: str
    max_tokens: int | None = None
    temperature: float | None = None
    timeout: float | None = None
    max_retries: int | None = None

    @property
    def _llm_type(self) -> str:
        return "stand-in"

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        assert (self.max_tokens, self.max_retries) == (2000, 0)
        message = AIMessage(
            json.dumps(ANSWER),
            response_metadata={"finish_reason": "stop", "model_name": "the-one"},
            usage_metadata={"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
            additional_kwargs={"reasoning_content": "pens, so writing"},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("langchain_fireworks")
    module.ChatFireworks = ChatFireworks  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain_fireworks", module)


@pytest.fixture
def template() -> Template:
    return load_template("exemplar_interests")


@pytest.mark.usefixtures("package")
def test_a_provider_that_only_langchain_knows_answers(tmp_path: Path, template: Template) -> None:
    """The promise of the page: any provider whose LangChain package is installed."""
    with make_store(tmp_path / "a.db", 2) as store:
        port = open_chat("fireworks:some-model")
        summary = run_asking(store, store.subjects.load(), port, template=template, options=fast())
        assert (summary.ok, summary.calls, summary.tokens_out) == (2, 2, 14)
        assert store.responses.reasoning(1) == "pens, so writing"
        found = store.responses.get(1)
        assert found is not None
        assert (found.model, found.finish_reason) == ("fireworks:some-model", "stop")


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(UserError, match=r"langchain.together"):
        open_chat("together:some-model")

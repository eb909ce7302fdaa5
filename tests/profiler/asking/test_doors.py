"""An LLM task and an LLM adapter of somebody else's package, each used by a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store.data.sample import write_sample
from store.store import open_store
from tests.asking_store import scalar
from tests.outside_package import install

ROOT = Path(__file__).resolve().parents[3]

MODULE = '''
import json

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.tasks.interests import Interests
from profiler.llm.port import Reply
from profiler.llm.registry import Adapter
from prompts.answer import Interest


class Favourite(Interests):
    """The one item that says most about somebody."""

    name = "favourite"
    purpose = "the item that says most"
    template = "favourite_item"
    schema_name = "favourite"

    def read(self, document, request):
        shown = {item.item_id: item for item in request.subject.items}
        if document.get("item") not in shown:
            raise AnswerError("grounding", ("name one of the items shown",))
        item = document["item"]
        label = (shown[item].title or item)[:100]
        return (Interest(label=label, description="The favourite.", evidence=[item]),), ()


FAVOURITE = Favourite()


class EchoPort:
    """Answers with the first item shown, first wrongly."""

    name, base_url, params = "echo:parrot", None, {"method": "text"}

    def method_for(self, request):
        return "text"

    async def ask(self, request):
        corrected = "=== Correction ===" in request.messages[-1].content
        item = request.subject.items[0].item_id if corrected else "no such item"
        return Reply(json.dumps({"item": item}), "stop", tokens_in=3, tokens_out=2)


class Echo(Adapter):
    def open(self, opening):
        return EchoPort()


ECHO = Echo()
'''

TEMPLATE = """\
name: favourite_item
purpose: The one item that says most.
task: favourite
user: |
  Which of these says most? Answer with JSON: {"item": "its id"}.
  {{ items }}
variables:
  items: the items shown
output_schema:
  type: object
  properties:
    item: {type: string}
  required: [item]
  additionalProperties: false
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    points = {
        "interest_profiler.tasks": {"favourite": "somebodys_tasks:FAVOURITE"},
        "interest_profiler.llm": {"echo": "somebodys_tasks:ECHO"},
    }
    return install(folder, "somebodys-tasks", MODULE, points)


def test_a_task_and_an_adapter_from_outside_are_used_by_a_command(
    tmp_path: Path, outside: Path
) -> None:
    shop, path, prompts = tmp_path / "shop", tmp_path / "s.db", tmp_path / "prompts"
    write_sample(shop, users=60)
    prompts.mkdir()
    (prompts / "favourite_item.yaml").write_text(TEMPLATE, encoding="utf-8")
    command = [sys.executable, "-c", "import cli; cli.profiler_main()", "build", str(shop)]
    command += ["--store", str(path), "--llm", "echo:parrot", "--prompts", str(prompts)]
    command += ["--exemplar-prompt", "favourite_item", "--synthetic-users", "0"]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": f"{outside}:{ROOT}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    with open_store(path) as store:
        subjects = scalar(store, "SELECT count(*) FROM subjects")
        assert subjects > 0
        assert scalar(store, "SELECT count(*) FROM interests") == subjects
        assert scalar(store, "SELECT group_concat(DISTINCT source) FROM interests") == "echo:parrot"
        assert scalar(store, "SELECT count(*) FROM responses") == 2 * subjects
        assert scalar(store, "SELECT count(*) FROM responses WHERE outcome = 'ok'") == subjects

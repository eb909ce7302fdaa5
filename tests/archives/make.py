"""Make the archive of a release with the release's own code: stores, model folders, what it says.

Run from the root of a checkout of that release, in its environment::

    python -m tests.archives.make

It writes ``tests/archives/VERSION/archive.tar.xz`` and ``outputs.json``; see the README beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

import cli
from tests.docs_preparations import shop_interests
from tests.llm_server import Call, LlmServer, Step

APPS = {"profiler": cli.profiler_app, "recommender": cli.recommender_app}
MODEL = "openai:gpt-4o-mini"
PROMPTS = ["--prompts", "prompts"]
SMALL = ["--filter", "core:5", "--exemplars", "6", "--synthetic-users", "4"]
# What a rebuild of paid.db is typed as; the templates are the archive's, so that a later release
# with better ones asks the same questions and finds every answer.
REBUILD = ["build", "shop", "--store", "paid.db", *SMALL, "--llm", MODEL, *PROMPTS]
TEMPLATES = ("exemplar_interests", "allocate_items", "reask")

# Every backbone, and between them every alignment, loss and start. A new backbone gets a line.
TINY = ["--set", "model.d=16", "--set", "model.length=10"]
MODELS: dict[str, list[str]] = {
    "pop": ["--align", "none"],
    "dnn": [*TINY, "--align", "eimf"],
    "gru4rec": [*TINY, "--align", "none", "--set", "model.hidden=16", "--loss", "sampled"],
    "sasrec": [*TINY, "--align", "eimf", "--text-start"],
    "bert4rec": [*TINY, "--align", "none"],
    "mind": [*TINY, "--align", "ldmi"],
    "comirec_sa": [*TINY, "--align", "ldmi", "--set", "ldmi.assignment=sinkhorn"],
    "comirec_dr": [*TINY, "--align", "eimf,ldmi", "--crowd"],
    "remi": [*TINY, "--align", "eimf", "--interests", "catalogue"],
    "sine": [*TINY, "--align", "none", "--crowd"],
    "facet": [*TINY, "--align", "eimf", "--crowd", "--set", "model.gated=true"],
}
STEPS = ["--steps", "24", "--evaluate-every", "12", "--lr", "0.01"]
STOPPED = "gru4rec"  # keeps its checkpoint, so that a later release can go on with the run
CLEAR = 1e-3  # scores this far apart keep their order on every processor


def main() -> None:
    """Make the archive and say how large it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    root = Path(cli.__file__).resolve().parent
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / version)
    out = parser.parse_args().out.resolve()
    if out.exists():
        sys.exit(f"{out} is there already: an archive is made once and never changed")
    portable()
    with tempfile.TemporaryDirectory() as work, contextlib.chdir(work):
        make_data(root)
        make_offline()
        make_paid()
        make_models()
        outputs = {
            "release": version,
            "rebuild": REBUILD,
            "resume": make_resumable(),
            "commands": Recorder().record(),
        }
        refuse_paths(Path(work).resolve())
        out.mkdir(parents=True)
        pack(out / "archive.tar.xz")
    (out / "outputs.json").write_text(lines_of(outputs), encoding="utf-8")
    for path in sorted(out.iterdir()):
        print(f"{path}: {path.stat().st_size:,} bytes")


def portable() -> None:
    """Compute as every machine can: fp32 vectors also where the processor has bfloat16."""
    for check in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        setattr(torch.cpu, check, lambda: False)
    torch.cuda.is_available = lambda: False
    torch.set_num_threads(1)
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1", OPENAI_API_KEY="sk-TEST")


def run(program: str, *arguments: str, code: int = 0) -> str:
    """Run a command as typed and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        left_with = cli.run(APPS[program], program, list(arguments))
    if left_with != code:
        sys.exit(f"{program} {' '.join(arguments)}: left with {left_with}, not {code}")
    return printed.getvalue()


def document(program: str, *arguments: str, code: int = 0) -> Any:
    """What a command prints with ``--json``."""
    return json.loads(run(program, *arguments, "--json", code=code))


def make_data(root: Path) -> None:
    """A small shop, and the release's own templates."""
    run("profiler", "sample", "shop", "--users", "60")
    Path("prompts").mkdir()
    for name in TEMPLATES:
        shutil.copy(root / "prompts" / "templates" / f"{name}.yaml", "prompts")


def make_offline() -> None:
    """``offline.db``: no model was asked; other split, other vectors, one user forgotten."""
    choices = ["--split", "users-811", "--history", "text", "--item-text", "title"]
    run("profiler", "build", "shop", "--store", "offline.db", *SMALL, *choices)
    user = first_users("offline.db")[3]
    run("profiler", "forget", user, "--store", "offline.db")


def make_paid() -> None:
    """``paid.db``: the extractor's interests replaced by bought ones, in every way they can come.

    Ten subjects: three are answered through a file, seven by a model that misbehaves, one of them
    to the end. Then interests made elsewhere, and edits by hand, one of them taken back.
    """
    store = ["--store", "paid.db"]
    run("profiler", "build", "shop", *store, *SMALL)
    run("profiler", "requests", *store, "--out", "asked.jsonl", "--llm", MODEL, *PROMPTS)
    lines = [json.loads(line) for line in Path("asked.jsonl").read_text().splitlines()]
    answers = [
        {
            "custom_id": line["custom_id"],
            "text": json.dumps(shop_interests(items_in(line["body"]["messages"]))),
            "tokens_in": 700,
            "tokens_out": 200,
        }
        for line in (lines[0], lines[1], lines[-1])
    ]
    Path("answers.jsonl").write_text("".join(json.dumps(a) + "\n" for a in answers))
    run("profiler", "import-responses", "answers.jsonl", *store)
    with LlmServer(Misbehaving()) as server:
        os.environ["OPENAI_BASE_URL"] = server.base_url  # so no store holds the address
        run("profiler", *REBUILD, "--concurrency", "1", code=1)
        make_interests_elsewhere()
        elsewhere = ["elsewhere.jsonl", "--name", "hand", "--kind", "user"]
        run("profiler", "import-interests", *elsewhere, *store)
        edit(store)
        paid = server.record.total
        run("profiler", *REBUILD, code=1)  # groups anew what was edited; nothing is asked
        if server.record.total != paid:
            sys.exit("the release itself asks again what it has paid for")
    for file in ("asked.jsonl", "answers.jsonl", "elsewhere.jsonl"):
        Path(file).unlink()


class Misbehaving:
    """Answers subjects in turn with what a service gets wrong, then rightly; the third never."""

    first = ("valid", "fenced", "prose", "truncated", "refusal", "rate_limited", "foreign_evidence")

    def __init__(self) -> None:
        self.asked: dict[tuple[str, ...], int] = {}

    def __call__(self, call: Call) -> Step:
        items = items_in(call.body["messages"])
        times = self.asked[items] = self.asked.get(items, 0) + 1
        kind = self.first[list(self.asked).index(items) % len(self.first)]
        answer = shop_interests(items)
        whole = json.dumps(answer)
        if kind == "prose":
            return Step(text="This person enjoys a good many different things.")
        if kind == "fenced":
            return Step(text=f"```json\n{whole}\n```")
        if times > 1:
            return Step(text=whole)
        if kind == "foreign_evidence":
            answer["interests"][0]["evidence"].append("P999")
            return Step(text=json.dumps(answer))
        return Step(kind, text={"truncated": whole[:40], "refusal": ""}.get(kind, whole))


def items_in(messages: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Numbers of the items that the first question lists, by which an answer cites them."""
    text = "\n".join(m["content"] for m in messages if m["role"] != "assistant")
    return tuple(dict.fromkeys(re.findall(r"^\[(\d+)\] ", text, re.M)))


def make_interests_elsewhere() -> None:
    """``elsewhere.jsonl``: two users' interests as somebody else would hand them over."""
    rows = []
    for user in first_users("paid.db")[:2]:
        own = document("profiler", "show", user, "--store", "paid.db")["own"][0]
        items = [item["item_id"] for item in own["items"]]
        interests = [
            {"label": f"Things such as {items[0]}", "description": "", "evidence": items[:2]},
            {"label": "By title", "evidence": [own["items"][-1]["title"]]},
        ]
        rows.append({"user_id": user, "interests": interests})
    Path("elsewhere.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def edit(store: Sequence[str]) -> None:
    """A rename, a pin, a merge, and a rename taken back."""
    found = document("profiler", "interests", *store)
    ids = [str(interest["interest_id"]) for interest in found if interest["source"] == MODEL]
    run("profiler", "rename", ids[0], "Named by hand", *store)
    run("profiler", "pin", ids[1], *store)
    run("profiler", "merge", ids[2], ids[1], *store)
    mistake = document("profiler", "rename", ids[3], "Named by mistake", *store)
    run("profiler", "undo", str(mistake["edit_id"]), *store)


def first_users(store: str) -> list[str]:
    """Ids of the users in a store, in order."""
    run("profiler", "export", "--store", store, "--out", "export")
    lines = Path("export/user_interests.jsonl").read_text().splitlines()
    shutil.rmtree("export")
    return sorted({json.loads(line)["user_id"] for line in lines})


def make_models() -> None:
    """A few steps of each; one on the store of another split."""
    for name, options in MODELS.items():
        store = "offline.db" if name == "bert4rec" else "paid.db"
        steps = [] if name == "pop" else STEPS
        train = ["train", "--store", store, "--backbone", name, *options, *steps]
        run("recommender", *train, "--out", f"models/{name}")
        if name != STOPPED:
            Path(f"models/{name}/checkpoint.safetensors").unlink(missing_ok=True)
        manifest = Path(f"models/{name}/manifest.json")
        # The store's folder is nobody's business and will not be there: its name is kept.
        manifest.write_text(manifest.read_text().replace(f"{Path.cwd().resolve()}/", ""))


class Recorder:
    """Runs every command that reads a store or serves a model, and keeps what it printed."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def record(self) -> list[dict[str, Any]]:
        """All of it; a later release runs the same commands."""
        for store in ("offline.db", "paid.db"):
            self.read(store)
        for name in MODELS:
            self.serve(name, "offline.db" if name == "bert4rec" else "paid.db")
        return self.commands

    def keep(self, program: str, *arguments: str) -> Any:
        output = document(program, *arguments)
        self.commands.append(
            {"program": program, "arguments": [*arguments, "--json"], "output": output}
        )
        return output

    def read(self, store: str) -> None:
        """What people read of a store."""
        at = ["--store", store]
        for command in ("verify", "status", "interests", "exemplars"):
            self.keep("profiler", command, *at)
        self.keep("profiler", "evaluate", *at)
        self.keep("profiler", "search", "coffee", *at, "-k", "3")
        users = first_users(store)
        for user in (users[0], users[9]):
            shown = self.keep("profiler", "show", user, *at)
            items = [item["item_id"] for item in shown["history"]]
            self.keep("profiler", "explain", user, "--item", items[0], *at)
            self.keep("profiler", "compare", user, *at)

    def serve(self, name: str, store: str) -> None:
        """What a model recommends, to whom its scores are clear, and why."""
        model = f"models/{name}"
        for user in first_users(store):
            top = document("recommender", "recommend", model, "--user", user, "-k", "6")
            scores = [item["score"] for item in top["recommendations"]]
            clear = [a - b > CLEAR for a, b in pairwise(scores)]
            k = clear.index(False) if False in clear else len(clear)
            if k >= (1 if name == "pop" else 5):
                break
        else:
            sys.exit(f"{model}: no user has clear scores; train it for longer")
        item = top["recommendations"][0]["item_id"]
        self.keep("recommender", "recommend", model, "--user", user, "-k", str(k))
        shown = document("profiler", "show", user, "--store", store)["history"]
        history = ",".join(one["item_id"] for one in shown)
        self.keep("recommender", "recommend", model, "--history", history, "-k", str(k))
        self.keep("recommender", "explain", model, "--user", user, "--item", item, "--store", store)
        figures = ["-k", "10", "--no-diagnose", "--no-where", "--no-baseline"]
        self.keep("recommender", "evaluate", model, *figures)


def make_resumable() -> dict[str, Any]:
    """The command that goes on with the run whose checkpoint is kept, and where it comes to."""
    longer = [*STEPS[:1], "36", *STEPS[2:]]
    train = ["train", "--store", "paid.db", "--backbone", STOPPED, *MODELS[STOPPED], *longer]
    command = [*train, "--out", f"models/{STOPPED}", "--resume"]
    shutil.copytree(f"models/{STOPPED}", "kept")
    run("recommender", *command)
    log = Path(f"models/{STOPPED}/metrics.jsonl").read_text().splitlines()
    shutil.rmtree(f"models/{STOPPED}")
    Path("kept").rename(f"models/{STOPPED}")
    return {"command": command, "last": json.loads(log[-1])}


def lines_of(outputs: dict[str, Any]) -> str:
    """JSON with each recorded command on a line of its own."""
    commands = ",\n".join(json.dumps(one, ensure_ascii=False) for one in outputs["commands"])
    head = json.dumps(outputs | {"commands": []}, ensure_ascii=False)
    return head.removesuffix("]}") + "\n" + commands + "\n]}\n"


def refuse_paths(work: Path) -> None:
    """Stop where a file holds the path of this machine's folder."""
    for path in sorted(Path().rglob("*")):
        if path.is_file() and str(work).encode() in path.read_bytes():
            sys.exit(f"{path} holds {work}")


def pack(target: Path) -> None:
    """All files, in the order of their names, without times and owners."""
    with tarfile.open(target, "w:xz", preset=9) as archive:
        for path in sorted(path for path in Path().rglob("*") if path.is_file()):
            if path.suffix in (".db-wal", ".db-shm"):
                sys.exit(f"{path}: a store was left open")
            member = tarfile.TarInfo(path.as_posix())
            member.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(member, content)


if __name__ == "__main__":
    main()

"""Calls a second: our run, storing included, beside the bare client and LangChain's batch.

A loopback server of its own process answers after 200 ms. Each way asks about the same subjects
with the same prompts; the order of ways is turned from one repetition to the next. Ours renders
the prompts, keeps the ledger, stores every answer with a FULL commit before reading it, reads it
and stores the interests; the other two throw their answers away.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OPENAI_API_KEY", "sk-none")
os.environ["LANGSMITH_TRACING"] = "false"

LATENCY = 0.2
Way = Callable[[str, Sequence[Any], int, Path], float]


def requests(subjects: int, folder: Path) -> list[Any]:
    """The requests that our run makes, for the two other ways to send."""
    from profiler.asking.questions import boundary_key, make_request
    from profiler.asking.subjects import shown_subjects
    from prompts import load_template
    from tests.asking_store import make_store

    template = load_template("exemplar_interests")
    with make_store(folder / "requests.db", subjects, items=20) as store:
        key = boundary_key(store)
        return [
            make_request(
                subject,
                template,
                token_budget=6000,
                cut="recent",
                boundary_key=key,
                max_tokens=2000,
            )
            for subject in shown_subjects(store, store.subjects.load())
        ]


def response_format(request: Any) -> dict[str, Any]:
    """As our port sends it."""
    schema = {"name": request.schema_name, "schema": request.schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema}


def messages(request: Any) -> list[dict[str, str]]:
    """Messages as plain dictionaries."""
    return [{"role": turn.role, "content": turn.content} for turn in request.messages]


def bare(url: str, asked: Sequence[Any], in_flight: int, folder: Path) -> float:
    """The openai client, as many coroutines as calls in flight."""
    from openai import AsyncOpenAI

    from profiler.llm.loops import run_sync

    async def work() -> float:
        client = AsyncOpenAI(base_url=url, max_retries=0)
        waiting = iter(asked)

        async def worker() -> None:
            for request in waiting:
                await client.chat.completions.create(
                    model="gpt-4o-mini",
                    messages=messages(request),  # type: ignore[arg-type]
                    response_format=response_format(request),  # type: ignore[arg-type]
                    max_completion_tokens=request.max_tokens,
                    temperature=0.0,
                )

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return len(asked) / (time.perf_counter() - started)

    return run_sync(work(), lambda: None)  # LangChain shares HTTP clients: one loop for all


def batch(url: str, asked: Sequence[Any], in_flight: int, folder: Path) -> float:
    """LangChain's structured output by ``abatch``."""
    from langchain.chat_models import init_chat_model

    from profiler.llm.loops import run_sync

    model = init_chat_model("openai:gpt-4o-mini", base_url=url, max_retries=0, temperature=0.0)
    schema = {"title": "interests", **asked[0].schema}
    structured = model.with_structured_output(schema, method="json_schema", strict=True)
    inputs = [messages(request) for request in asked]

    async def work() -> float:
        started = time.perf_counter()
        await structured.abatch(inputs, config={"max_concurrency": in_flight})
        return len(asked) / (time.perf_counter() - started)

    return run_sync(work(), lambda: None)  # LangChain shares HTTP clients: one loop for all


def ours(url: str, asked: Sequence[Any], in_flight: int, folder: Path) -> float:
    """``run_asking`` into a fresh store, everything durable."""
    from profiler.asking.runner import run_asking
    from prompts import load_template
    from tests.asking_store import chat, fast, make_store

    path = folder / f"ours-{time.monotonic_ns()}.db"
    with make_store(path, len(asked), items=20) as store:
        subjects, port = store.subjects.load(), chat(url)
        started = time.perf_counter()
        summary = run_asking(
            store,
            subjects,
            port,
            template=load_template("exemplar_interests"),
            options=fast(concurrency=in_flight),
        )
        seconds = time.perf_counter() - started
    if summary.ok != len(asked):
        raise RuntimeError(summary.in_words())
    return len(asked) / seconds


WAYS: dict[str, Way] = {"openai client": bare, "LangChain abatch": batch, "ours": ours}


def measure(way: str, url: str, subjects: int, in_flight: int) -> float:
    """One way in a process of its own: LangChain keeps HTTP clients for the life of a process."""
    arguments = ["--way", way, "--url", url, "--subjects", str(subjects)]
    done = subprocess.run(
        [sys.executable, __file__, *arguments, "--in-flight", str(in_flight)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60 + 2 * subjects * LATENCY / in_flight,
    )
    return float(done.stdout.split()[-1])


def run_way(way: str, url: str, subjects: int, in_flight: int) -> None:
    """Warm up and print calls a second."""
    with tempfile.TemporaryDirectory() as folder:
        asked = requests(subjects, Path(folder))
        WAYS[way](url, asked[:20], 4, Path(folder))
        print(WAYS[way](url, asked, in_flight, Path(folder)))


def report(url: str, subjects: int, in_flight: int, repeat: int) -> None:
    """Measure and print one number of calls in flight: medians, and ratios within a repetition."""
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    names = list(WAYS)
    for turn in range(repeat):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            rates[name].append(measure(name, url, subjects, in_flight))
    for name in names:
        rate = statistics.median(rates[name])
        ratios = [one / bare for one, bare in zip(rates[name], rates["openai client"], strict=True)]
        print(
            f"{in_flight:>9}  {name:18}{rate:8.1f}{rate / (in_flight / LATENCY):10.1%}"
            f"{statistics.median(ratios):11.1%}  {min(ratios):.1%} to {max(ratios):.1%}",
            flush=True,
        )


def main() -> None:
    """Print calls a second, the share of what the latency allows, and the ratio to the client."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--repeat", type=int, default=3, help="the median of so many")
    parser.add_argument("--way", choices=list(WAYS), help="measure only this, against --url")
    parser.add_argument("--url", help="address of a server that runs already")
    arguments = parser.parse_args()
    if arguments.way:
        run_way(arguments.way, arguments.url, arguments.subjects, arguments.in_flight[0])
        return
    server = subprocess.Popen(
        [sys.executable, "tests/llm_server.py", "--latency", str(LATENCY)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parent.parent,
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        head = f"{'in flight':>9}  {'':18}{'calls/s':>8}{'of ideal':>10}{'of client':>11}  range"
        print(head, flush=True)
        for in_flight in arguments.in_flight:
            report(url, arguments.subjects, in_flight, arguments.repeat)
    finally:
        server.kill()


if __name__ == "__main__":
    main()

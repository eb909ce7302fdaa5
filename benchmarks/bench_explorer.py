"""The explorer over a large store: milliseconds of answers under load, and of frames of its map.

    python benchmarks/bench_explorer.py --interests 1000000            # answers, and frames
    python benchmarks/bench_explorer.py --prototype explorer-50000.html  # frames beside a peer

Answers come from ``profiler serve`` in a process of its own, asked by several clients at once over
loopback; the peer in the same run is the same number of requests for the page's own small error,
which is all that the server costs. Frames are painted in Chromium without a graphics card
(SwiftShader draws WebGL); what is timed is the script, panning at four zooms, with the drawing
calls in it. Whatever waits for the graphics thread is forced by reading back a pixel at the end.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from bench_reading_store import make

ROOT = Path(__file__).resolve().parent.parent
PORT = 8791
ZOOMS = (1, 1.5, 3, 8)
PAINT = """([name, zoom, frames]) => { const map = window[name];
map.setCamera([zoom, 400, 400], 0); map.paint();
const gl = map.sprites?.gl, one = new Uint8Array(4), took = [];
for (let i = 0; i < frames; i++) {
  const t = map.transform, moved = { k: t.k, x: t.x + 3, y: t.y };
  map.transform = Object.assign(Object.create(Object.getPrototypeOf(t)), moved);
  const start = performance.now(); map.paint(); took.push(performance.now() - start);
}
gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, one);
return took; }"""
FLAGS = "no-sandbox disable-quic no-first-run disable-background-networking disable-sync"
GRAPHICS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """The address that ``profiler serve`` prints, with its token, while it runs."""
    command = [sys.executable, "-c", "import cli; cli.profiler_main()", "serve", str(store)]
    process = subprocess.Popen(
        [*command, "--port", str(PORT)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.match(r"http\S+", line)
        if found is None:
            sys.exit(f"the explorer did not start: {line!r}")
        address = found[0]
        for _ in range(600):
            try:
                httpx.get(address)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def questions(rng: np.random.Generator, client: httpx.Client) -> dict[str, list[str]]:
    """Paths of each kind of answer, over what the store holds."""
    people = [row["id"] for row in client.get("/api/people").json()["people"]]
    interests = [int(one) for one in rng.integers(1, 10_000, 200)]
    words = [f"kind {one}" for one in rng.integers(0, 400, 200)]
    return {
        "one interest": [f"/api/interests/{one}" for one in interests],
        "search by words": [f"/api/search?q={word}" for word in words],
        "search as you type": [f"/api/search?q={word[:6]}" for word in words],
        "people": ["/api/people?q=kind"] * 50,
        "one person": [f"/api/people/{name}" for name in people],
        "bare server": ["/api/none"] * 200,
    }


def ask(address: str, paths: list[str], clients: int, count: int) -> np.ndarray:
    """Milliseconds of each answer, ``[count]``, asked by so many clients at once."""
    took: list[float] = []
    lock = threading.Lock()

    def work(start: int) -> None:
        with httpx.Client(base_url=address.partition("?")[0], follow_redirects=True) as client:
            client.get(address)
            for at in range(start, count, clients):
                begun = time.perf_counter()
                answer = client.get(paths[at % len(paths)])
                if answer.status_code not in (200, 404):
                    raise SystemExit(f"{paths[at % len(paths)]}: {answer.status_code}")
                with lock:
                    took.append(1000 * (time.perf_counter() - begun))

    threads = [threading.Thread(target=work, args=(one,)) for one in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return np.array(took)


def answers(address: str, clients: int, count: int) -> None:
    """Print a line for each kind of answer."""
    with httpx.Client(base_url=address.partition("?")[0], follow_redirects=True) as client:
        client.get(address)
        start = time.perf_counter()
        size = len(client.get("/api/atlas").content)
        print(f"the map's data: {size / 2**20:.1f} MiB in {time.perf_counter() - start:.2f} s")
        kinds = questions(np.random.default_rng(0), client)
    print(f"| answer, {clients} clients at once | p50 ms | p95 ms | p99 ms | answers/s |")
    print("|---|---|---|---|---|")
    for name, paths in kinds.items():
        start = time.perf_counter()
        took = ask(address, paths, clients, count)
        rate = len(took) / (time.perf_counter() - start)
        p50, p95, p99 = np.percentile(took, [50, 95, 99])
        print(f"| {name} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {rate:.0f} |", flush=True)


def frames(pages: dict[str, tuple[str, str]], count: int) -> None:
    """Print the median and the slowest tenth of the frames of each page, by zoom."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("frames: no chromium on PATH, not measured")
        return
    flags = [f"--{flag}" for flag in FLAGS.split()] + GRAPHICS
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=flags)
        print("| script of a frame, ms | dots | " + " | ".join(f"{z}x" for z in ZOOMS) + " |")
        print("|---|---|" + "---|" * len(ZOOMS))
        for name, (address, variable) in pages.items():
            page = opened.new_page(viewport={"width": 1400, "height": 900})
            page.goto(address)
            page.wait_for_selector("body.ready", timeout=120_000)
            dots = page.evaluate(f"window.{variable}.points.length")
            cells = []
            for zoom in ZOOMS:
                took = page.evaluate(PAINT, [variable, zoom, count])
                cells.append(f"{np.median(took):.1f} ({np.percentile(took, 90):.1f})")
            print(f"| {name} | {dots:,} | {' | '.join(cells)} |", flush=True)
            page.close()
        opened.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--interests", type=int, default=1_000_000, help="[1,000,000]")
    parser.add_argument("--clients", type=int, default=4, help="[4]")
    parser.add_argument("--answers", type=int, default=200, help="of each kind [200]")
    parser.add_argument("--frames", type=int, default=60, help="at each zoom [60]")
    parser.add_argument("--prototype", type=Path, help="a page whose map is window.atlasMap")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "bench-explorer")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    store = args.work / f"{args.interests}.db"
    if not store.exists():
        partial = store.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        make(partial, args.interests)
        partial.replace(store)
    start = time.perf_counter()
    with serving(store) as address:
        print(
            f"{args.interests:,} interests, first answer after {time.perf_counter() - start:.0f} s"
        )
        answers(address, args.clients, args.answers)
        pages = {"explorer": (address, "interestMap")}
        if args.prototype:
            pages["prototype"] = (args.prototype.resolve().as_uri(), "atlasMap")
        frames(pages, args.frames)


if __name__ == "__main__":
    main()

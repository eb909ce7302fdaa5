"""Milliseconds to show a user, explain an item, search and list in a store of a million interests.

The store is made once (minutes) and kept. While reading, another process writes: it replaces the
interests of one subject after another, each a transaction with its fsync. The peer in the same run
is the same number of bare SELECTs by primary key on the same file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

ITEMS, PER_SUBJECT, DIM, MODEL = 50_000, 10, 384, "bench"
# A rare word, a word of some thousand interests, an item's title, words all interests have.
QUERIES = ("kind {0}", "needs kind 31", "item {0} for", "looks for things", '"kind {0}"')


def make(path: Path, interests: int) -> None:
    """Fill a store with that many interests; every row goes through the triggers."""
    from store.store import open_store
    from store.tables.listing import write_order

    subjects = interests // PER_SUBJECT
    with open_store(path, create=True) as store:
        raw = store.engine.raw_connection()
        cursor = raw.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("BEGIN")
        for statement, rows in tables(subjects):
            cursor.executemany(statement, rows)
        cursor.execute("COMMIT")
        raw.close()
        store.set_meta(encoder=MODEL, item_text="title", split={"name": "none", "detail": ""})
        with store.write() as connection:
            write_order(connection)


def tables(subjects: int) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
    """Statements with their rows: one exemplar for each user."""
    rng = np.random.default_rng(0)
    histories = rng.integers(0, ITEMS, size=(subjects, 20))
    yield (
        "INSERT INTO items (item_ix, item_id, title) VALUES (?, ?, ?)",
        ((i, f"i{i}", item_title(i)) for i in range(ITEMS)),
    )
    yield (
        "INSERT INTO users (user_ix, user_id) VALUES (?, ?)",
        ((u, f"u{u}") for u in range(subjects)),
    )
    yield (
        "INSERT INTO interactions (user_ix, position, item_ix, part) VALUES (?, ?, ?, 0)",
        ((u, p, int(i)) for u in range(subjects) for p, i in enumerate(histories[u])),
    )
    yield (
        "INSERT INTO subjects (subject_id, kind, name, user_ix, state) "
        "VALUES (?, 'exemplar', ?, ?, 'ok')",
        ((u + 1, f"exemplar:u{u}", u) for u in range(subjects)),
    )
    yield (
        "INSERT OR IGNORE INTO subject_items (subject_id, position, item_ix) VALUES (?, ?, ?)",
        ((u + 1, p, int(i)) for u in range(subjects) for p, i in enumerate(histories[u])),
    )
    yield (
        "INSERT INTO memberships (user_ix, subject_id, similarity) VALUES (?, ?, 0.5)",
        ((u, u + 1) for u in range(subjects)),
    )
    yield (
        "INSERT INTO interests (interest_id, subject_id, position, label, description, strength, "
        "source, text_digest) VALUES (?, ?, ?, ?, ?, 0.1, 'bench', ?)",
        (interest_row(n) for n in range(subjects * PER_SUBJECT)),
    )
    yield (
        "INSERT OR IGNORE INTO evidence (interest_id, item_ix, position) VALUES (?, ?, ?)",
        (
            (n + 1, int(histories[n // PER_SUBJECT][2 * (n % PER_SUBJECT) + p]), p)
            for n in range(subjects * PER_SUBJECT)
            for p in range(2)
        ),
    )
    yield (
        "INSERT INTO assignments (user_ix, interest_id, rank, score) VALUES (?, ?, ?, 0.2)",
        (
            (u, (u * PER_SUBJECT + 7919 * r) % (subjects * PER_SUBJECT) + 1, r)
            for u in range(subjects)
            for r in range(5)
        ),
    )
    yield "INSERT INTO vectors VALUES (?, ?, ?, ?)", vector_rows(subjects * PER_SUBJECT)


def item_title(number: int) -> str:
    return f"Item {number} for kind {number % 997} of use"


def interest_row(number: int) -> tuple[Any, ...]:
    from store.digests import text_digest

    label, words = (
        f"Kind {number % 997} needs",
        f"Looks for things of kind {number} and {number % 89}",
    )
    subject, position = divmod(number, PER_SUBJECT)
    return number + 1, subject + 1, position, label, words, text_digest(f"{label}. {words}")


def vector_rows(interests: int) -> Iterator[tuple[Any, ...]]:
    """Vectors of items and interests, a shared direction added so that some are near."""
    from store.digests import text_digest

    rng = np.random.default_rng(1)
    base = rng.normal(size=DIM)
    digests = [text_digest(item_title(number)) for number in range(ITEMS)]
    digests += [interest_row(number)[-1] for number in range(interests)]
    digests.sort()  # in key order SQLite only appends
    for start in range(0, len(digests), 10_000):
        block = rng.normal(size=(10_000, DIM)) + base
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        for digest, vector in zip(
            digests[start : start + 10_000], block.astype("<f2"), strict=False
        ):
            yield MODEL, digest, DIM, vector.tobytes()


def write_on(path: Path) -> None:
    """Replace the interests of one subject after another until stopped; print each number."""
    from dataclasses import dataclass

    from store.store import open_store

    @dataclass
    class Interest:
        label: str
        description: str
        evidence: list[str]

    with open_store(path) as store:
        subjects = store.subjects.load()[:5_000]
        dataset_ids = [f"i{i}" for i in range(ITEMS)]
        print("ready", flush=True)
        number = 0
        while True:
            subject = subjects[number % len(subjects)]
            found = [
                Interest(
                    f"Kind {n} needs", f"Written in round {number}", [dataset_ids[subject.items[n]]]
                )
                for n in range(PER_SUBJECT)
            ]
            store.interests.save(subject.subject_id, found, source="bench", response_id=None)
            number += 1
            print(number, flush=True)


def times(work: Callable[[int], object], numbers: list[int]) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for number in numbers:
        start = time.perf_counter()
        work(number)
        found.append((time.perf_counter() - start) * 1_000)
    return found


def report(name: str, measured: list[float], peer: list[float]) -> None:
    """Print one line of the table."""
    p50, p99 = np.percentile(measured, [50, 99])
    print(
        f"{name:<34}{len(measured):>7}{p50:>9.2f}{p99:>9.2f}{max(measured):>9.2f}"
        f"{p50 / np.percentile(peer, 50):>9.1f}",
        flush=True,
    )


def measure(path: Path, calls: int) -> None:
    """Measure with and without a writer."""
    from store.store import open_store
    from store.views.interests.catalogue import list_interests
    from store.views.interests.explanation import explain_item
    from store.views.interests.search import search
    from store.views.subjects.users import show_user

    rng = np.random.default_rng(2)
    with open_store(path) as store:
        with store.read() as connection:
            users = int(connection.exec_driver_sql("SELECT max(user_ix) FROM users").scalar_one())
        numbers = rng.integers(0, users, size=calls).tolist()
        items = rng.integers(0, ITEMS, size=calls).tolist()
        of_user = dict(zip(numbers, items, strict=True))

        def select(number: int) -> object:
            with store.read() as connection:
                query = "SELECT * FROM users WHERE user_ix = ?"
                return connection.exec_driver_sql(query, (number,)).one()

        def show(number: int) -> object:
            return show_user(store, f"u{number}")

        def explain(number: int) -> object:
            return explain_item(store, f"u{number}", f"i{of_user[number]}")

        def look_for(number: int) -> object:
            return search(store, QUERIES[number % len(QUERIES)].format(number))

        def first_page(_: int) -> object:
            return list_interests(store, limit=20)

        some = numbers[: max(1, calls // 10)]
        print(f"{'call':<34}{'calls':>7}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'x select':>9}")
        for work in (select, show, explain, look_for, first_page):
            times(work, numbers[:50])  # the page cache of this connection
        # Search touches many pages, so it comes after the short look-ups, not between them.
        for calls_of in (
            {"show_user": (show, numbers), "explain_item": (explain, numbers)},
            {"search": (look_for, some), "list_interests, 20": (first_page, some)},
        ):
            for label in ("", ", writer at work"):
                with writing(path) if label else nullcontext():
                    peer = times(select, numbers)
                    report("one SELECT" + label, peer, peer)
                    for name, (work, given) in calls_of.items():
                        report(name + label, times(work, given), peer)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Another process that writes meanwhile."""
    writer = start_writer(path)
    try:
        yield
    finally:
        writer.kill()
        written = writer.communicate()[0].split()
        print(f"the writer replaced the interests of {written[-1]} subjects meanwhile")


def start_writer(path: Path) -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, __file__, "--writer", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    return writer


def commands(path: Path) -> None:
    """Wall seconds of whole commands, the interpreter's own start included."""
    calls = (
        ["--help"],
        ["show", "u7", "--store", str(path)],
        ["explain", "u7", "--item", "i5", "--store", str(path)],
        ["compare", "u7", "--store", str(path)],
        ["search", "things of kind 31", "--store", str(path)],
        ["interests", "-k", "20", "--store", str(path)],
    )
    for args in calls:
        found = []
        for _ in range(5):
            start = time.perf_counter()
            root = Path(__file__).resolve().parent.parent
            subprocess.run(
                [sys.executable, "-m", "cli", *args], check=True, capture_output=True, cwd=root
            )
            found.append(time.perf_counter() - start)
        print(f"profiler {args[0]:<25}{min(found):>9.2f} s (fastest of 5)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interests", type=int, default=1_000_000, help="in the store [1,000,000]")
    parser.add_argument("--calls", type=int, default=2_000, help="of each kind [2,000]")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="[/tmp]")
    parser.add_argument("--writer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        write_on(options.writer)
        return
    path = options.folder / f"reading-{options.interests}.db"
    if not path.exists():
        start = time.perf_counter()
        partial = path.with_suffix(".partial.db")
        make(partial, options.interests)
        partial.rename(path)
        print(f"made {path.name} in {time.perf_counter() - start:.0f} s")
    print(f"{options.interests:,} interests, {path.stat().st_size / 2**20:,.0f} MiB")
    measure(path, options.calls)
    commands(path)


if __name__ == "__main__":
    main()

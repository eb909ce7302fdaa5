"""A PostgreSQL server of the tests' own: made in a moment, on loopback, gone afterwards.

PostgreSQL refuses to run as root, so it is started as the user ``postgres`` there.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

USER, PASSWORD = "tester", "pa:ss@wo/rd%1"
QUOTED = "pa%3Ass%40wo%2Frd%251"


@dataclass
class Server:
    """A running server; ``url`` names a database of it."""

    port: int
    data: Path
    made: int = 0

    def url(self, database: str = "postgres", password: str = QUOTED) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Address of an empty database."""
        import psycopg

        self.made += 1
        name = f"shop{self.made}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def rows(self, url: str, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(query).fetchall()


def programs() -> Path | None:
    """Folder of initdb and pg_ctl, the newest; they are rarely on the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; skips, and says why, where there is none or it does not start."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    identity: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("as root, PostgreSQL needs a user named postgres")
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    data, words = folder / "data", folder / "words"
    words.write_text(PASSWORD)
    words.chmod(0o644)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        made = [bin_folder / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256"]
        made += [f"--pwfile={words}", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"]
        _run(made, folder, identity)
        settings = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        settings += ["-c", f"unix_socket_directories={folder}", "-c", "shared_buffers=16MB"]
        settings += ["-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        settings += ["-c", "autovacuum=off", "-c", "max_connections=20"]
        server = subprocess.Popen(
            [str(one) for one in (bin_folder / "postgres", "-D", data, *settings)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=(folder / "log").open("wb"),
            **identity,
        )
        try:
            _wait(port, server, folder / "log")
            yield Server(port, data)
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[Any], folder: Path, identity: dict[str, Any]) -> None:
    done = subprocess.run(
        [str(one) for one in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **identity,
    )
    if done.returncode:
        pytest.skip(f"PostgreSQL cannot be set up here: {done.stderr.strip()[-300:]}")


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(600):
        if server.poll() is not None:
            pytest.skip(f"PostgreSQL does not start here: {log.read_text()[-300:]}")
        try:
            connection = psycopg.connect(
                host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres"
            )
        except psycopg.OperationalError:
            time.sleep(0.05)  # what it waits for is another process
        else:
            connection.close()
            return
    pytest.skip("PostgreSQL does not answer here")

"""A PostgreSQL server for tests: a private cluster on a free port of loopback, removed afterwards.

Debian installs the server's programs outside of PATH, and they refuse to run as root; so they are
looked for there and run as the user ``postgres`` where the tests run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

USER, PASSWORD = "ana", "pa:ss/w0rd"


@dataclass(frozen=True)
class PostgresServer:
    """Where the server listens; ``url()`` gives an address with or without the password.

    ``data`` is the folder of its files, which only the user that runs it may read.
    """

    port: int
    data: Path

    def url(self, database: str = "postgres", *, password: bool = True) -> str:
        secret = ":pa%3Ass%2Fw0rd" if password else ""
        return f"postgresql://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement by itself; the rows it gives, if it gives any."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            done = connection.execute(statement)  # type: ignore[arg-type]
            return done.fetchall() if done.description else []


def programs() -> Path | None:
    """Folder of ``initdb`` and ``pg_ctl``; None where there is no server to run."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    usable = [path for path in versions if (path / "initdb").is_file()]
    return max(usable, key=lambda path: path.parent.name.zfill(3), default=None)


def _as_user() -> list[str]:
    """What to put before a command: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server; skips the test where it cannot be started, with the reason."""
    bins = programs()
    if bins is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="pip install 'interest-profiler[postgres]'")
    prefix = _as_user()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        if prefix:
            owner = pwd.getpwnam("postgres")
            for path in (folder, secret):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        data, port = folder / "data", _free_port()

        def run(*words: str | Path) -> None:
            done = subprocess.run(
                [*prefix, *map(str, words)], cwd="/", capture_output=True, text=True, check=False
            )
            if done.returncode:
                pytest.skip(f"PostgreSQL does not start: {done.stderr.strip()[-500:]}")

        run(
            bins / "initdb", "-D", data, "-U", USER, "--pwfile", secret, "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        settings = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
            "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB"
        )
        run(bins / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", settings, "start")
        try:
            yield PostgresServer(port, data)
        finally:
            run(bins / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

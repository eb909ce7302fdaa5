"""A web server of files and an object store on loopback, with the faults that real ones have."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class FileServer:
    """Files by path; ``breaks`` ends answers early, ``answers`` gives others in place of a file."""

    files: dict[str, bytes]
    breaks: list[int] = field(default_factory=list)
    """After how many bytes the next answers end."""
    answers: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    on_ask: Callable[[FileServer], None] = lambda server: None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    server_version, protocol_version = "files", "HTTP/1.1"
    content: FileServer

    def log_message(self, *_words: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        parts = urlsplit(self.path)
        path, server = unquote(parts.path), self.content
        server.asked.append((self.path, {key.lower(): one for key, one in self.headers.items()}))
        server.on_ask(server)
        if server.answers.get(path):
            code, headers = server.answers[path].pop(0)
            self._send(code, headers, b"")
        elif parts.query.startswith("list-type") or "list-type=2" in parts.query:
            prefix = parse_qs(parts.query).get("prefix", [""])[0]
            self._send(200, {"Content-Type": "application/xml"}, self._listing(path, prefix))
        elif path in server.files:
            self._file(server.files[path], with_body=with_body)
        else:
            self._send(404, {}, b"" if not with_body else b"<Error><Code>NoSuchKey</Code></Error>")

    def _file(self, data: bytes, *, with_body: bool) -> None:
        headers = {"Accept-Ranges": "bytes", "Last-Modified": "Fri, 31 Jan 2014 17:05:00 GMT"}
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        headers["ETag"] = tag
        wanted, start, end = self.headers.get("Range"), 0, len(data)
        same = self.headers.get("If-Range") in (None, tag, headers["Last-Modified"])
        if wanted and same:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1, end) if last else end
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        code = 206 if wanted and same else 200
        body = data[start:end]
        breaks = self.content.breaks.pop(0) if with_body and self.content.breaks else None
        self._send(code, headers, body, with_body=with_body, breaks=breaks)

    def _send(self, code, headers, body, *, with_body=True, breaks=None) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body[:breaks])
        if breaks is not None:
            self.close_connection = True

    def _listing(self, path: str, prefix: str) -> bytes:
        bucket = path.strip("/")
        start = f"/{bucket}/{prefix}"
        keys, folders = [], set()
        for name in sorted(self.content.files):
            if name.startswith(start):
                rest = name.removeprefix(start)
                if "/" in rest:
                    folders.add(prefix + rest.partition("/")[0] + "/")
                else:
                    keys.append(name.removeprefix(f"/{bucket}/"))
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2014-01-31T17:05:00.000Z</LastModified>"
            f"<Size>{len(self.content.files[f'/{bucket}/{key}'])}</Size></Contents>"
            for key in keys
        )
        rows += "".join(
            f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>"
            for one in sorted(folders)
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult '
            'xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><Delimiter>/</Delimiter>"
            f"<KeyCount>{len(keys) + len(folders)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        ).encode()


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve files by path, such as ``/log.csv``; objects of S3 are ``/BUCKET/KEY``."""
    content = FileServer(files)
    handler = type("Handler", (_Handler,), {"content": content})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    content.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield content
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Who knows of vulnerabilities, on a free port of this machine: OSV for Python and a registry for Node, over HTTP."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.processes import LOOPBACK, Service


class Advisories(Service):
    """``flawed`` names the packages that have a vulnerability; ``answers`` off: every question is refused."""

    def __init__(self, *flawed: str, answers: bool = True) -> None:
        advisories = self
        self.flawed = set(flawed)
        self.answers = answers
        self.asked: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                question = json.loads(gzip.decompress(raw) if packed else raw)
                self.reply(advisories.osv(question) if self.path == "/v1/query" else advisories.npm(question))

            def do_GET(self) -> None:
                self.reply(None)

            def reply(self, found: Any) -> None:
                body = json.dumps(found).encode()
                self.send_response(404 if found is None else 200 if advisories.answers else 405)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def osv(self, question: dict[str, Any]) -> dict[str, Any]:
        name = question["package"]["name"]
        self.asked.add(name)
        if name not in self.flawed:
            return {}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]
        affected = [{"package": question["package"], "ranges": ranges, "versions": []}]
        return {"vulns": [{"id": "PYSEC-2099-1", "aliases": [], "details": "It is bad.", "affected": affected}]}

    def npm(self, question: dict[str, list[str]]) -> dict[str, Any]:
        self.asked |= question.keys()
        known = {"id": 1, "title": "It is bad", "severity": "high", "vulnerable_versions": "*", "cwe": []}
        return {name: [known] for name in question if name in self.flawed}

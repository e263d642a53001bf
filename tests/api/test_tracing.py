"""Traces of a real server, at a collector of the test's own."""

from __future__ import annotations

import gzip
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.app import ROOT, ParleyServer

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Its address, and the spans that it got."""
    spans: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", spans
        server.shutdown()
        thread.join()


def test_a_turn_is_one_tree_without_a_word_of_it(collector: tuple[str, list[Any]]) -> None:
    url, spans = collector
    with ParleyServer({"OTEL_EXPORTER_OTLP_ENDPOINT": url}) as server:
        with server.client() as client:
            said = {"message": "Weather in kingfisher London?", "userId": "kingfisher"}
            assert client.post("/chat", json=said, headers={"traceparent": PARENT}).status_code == 200
        server.terminate()  # what is left is sent at the end

    mine = [span for span in spans if span.trace_id.hex() == PARENT[3:35]]
    by_name = {span.name: span for span in mine}
    assert {"POST /chat", "begin", "model", "finish"} <= set(by_name)
    root = by_name["POST /chat"]
    assert root.parent_span_id.hex() == PARENT[36:52]
    assert by_name["begin"].parent_span_id == by_name["finish"].parent_span_id == root.span_id
    assert "kingfisher" not in str(spans)


def test_without_a_collector_nothing_of_it_is_imported() -> None:
    program = "import sys, server, settings; server.build(settings.load({'REDIS_URL': 'memory://'}, dotenv=None))\n"
    program += "from agent import trace; print(trace.tracer(), any('otlp' in name for name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["None", "False"]

"""OpenAI's embeddings endpoint on a free port of this machine: its wire format, and vectors that are hashed letters.

    with OpenAIEmbeddings() as service:
        ...                                  # point the client's base_url at service.url
        service.status = 500                 # from now on it fails
        assert service.texts == ["…"]        # what it was sent

Texts with like words lie near each other, also where a word is only misspelt or has another ending: each word counts
with its groups of four letters. Nothing is learnt, so what means the same in other words stays apart.
"""

from __future__ import annotations

import base64
import math
import re
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson

from tests.fakes.threaded import ThreadedService

DIMENSIONS = 512


class OpenAIEmbeddings(ThreadedService):
    """Serves ``POST /v1/embeddings`` from threads of its own. ``texts`` is all that was sent, in order of arrival.

    ``status`` above 399 makes it fail; while ``gate`` is cleared it answers nobody.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.requests = 0
        self.keys: list[str] = []
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(_handler(self))

    @property
    def url(self) -> str:
        """What ``OPENAI_BASE_URL`` takes."""
        return f"{self.base_url}/v1"

    def stop(self) -> None:
        self.gate.set()
        super().stop()

    def answer(self, request: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """Status and body for a request, as the service would give them."""
        self.requests += 1
        self.keys.append(key)
        self.gate.wait()
        texts = request.get("input")
        if isinstance(texts, str):
            texts = [texts]
        if not key:
            return 401, _error("You didn't provide an API key.", "invalid_request_error")
        if self.status >= 400:
            return self.status, _error("The server had an error while processing your request.", "server_error")
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            return 400, _error("'$.input' is invalid.", "invalid_request_error")
        self.texts.extend(texts)
        packed = request.get("encoding_format") == "base64"
        vectors = [hashed(text) for text in texts]
        return 200, {
            "object": "list",
            "data": [
                {"object": "embedding", "index": number, "embedding": _base64(vector) if packed else vector}
                for number, vector in enumerate(vectors)
            ],
            "model": request.get("model"),
            "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
        }


def hashed(text: str) -> list[float]:
    """The vector of a text: length 1, the same in every run."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        if len(word) < 4:
            continue
        for start in range(len(word) - 3):
            vector[zlib.crc32(word[start : start + 4].encode("utf-8", "replace")) % DIMENSIONS] += 1 / math.sqrt(
                len(word)
            )
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


def _handler(service: OpenAIEmbeddings) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the name that http.server asks for
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path != "/v1/embeddings":
                status, answer = 404, _error(f"Invalid URL (POST {self.path})", "invalid_request_error")
            else:
                key = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, answer = service.answer(orjson.loads(body), key)
            data = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
            """Keep quiet."""

    return Handler


def _error(message: str, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

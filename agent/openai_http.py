"""HTTP to a server that speaks as OpenAI's does, over urllib3: a third of what it costs over httpx.

``OpenAIHttp`` asks once, in as few steps as there are. Where that fails, OpenAI's SDK goes on with what came of it: it
knows whether to ask again, when, and what the error is called.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai
import orjson
import urllib3
from urllib3 import exceptions
from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

_PATH: Final = "/chat/completions"
_OK: Final = 200
_DATA: Final = b"data:"
_DONE: Final = b"[DONE]"
# These belong to a connection, and whoever sends writes them.
_OWN: Final = frozenset({"host", "content-length", "connection", "accept-encoding"})


class OpenAIHttp(openai.DefaultHttpxClient):
    """The HTTP client of an SDK's client for ``base_url``, and a shorter way past the SDK for what goes well.

    ``timeout`` (s) is for connecting, and for each wait for more; ``connections`` are kept while nobody needs them.
    Safe for threads.
    """

    def __init__(self, base_url: str, timeout: float, connections: int) -> None:
        super().__init__(timeout=timeout)
        self._url = base_url.rstrip("/") + _PATH
        self._pool = _pool(parse_url(base_url), timeout, connections)
        self._tried = threading.local()
        self._sendable: dict[str, str] = {}

    def ask(self, sdk: openai.OpenAI, body: Mapping[str, Any]) -> Any:
        """What is answered to a chat: JSON, or ``Chunks`` where ``body`` says ``stream``. Raises the SDK's errors."""
        self._sendable = self._sendable or _sendable({**sdk.default_headers, **sdk.auth_headers})
        streamed = bool(body.get("stream"))
        tried: httpx2.Response | httpx2.RequestError
        try:
            answer = self._sent("POST", self._url, self._sendable, _dumped(body), streamed)
            if answer.status == _OK:
                return Chunks(answer) if streamed else _loaded(answer.data)
            tried = _response(answer, httpx2.Request("POST", self._url))
        except HTTPError as error:
            tried = _mapped(error, httpx2.Request("POST", self._url))
        more: dict[str, Any] = {"stream": True, "stream_cls": openai.Stream[Any]} if streamed else {}
        self._tried.outcome = tried
        try:
            return sdk.post(_PATH, body=dict(body), cast_to=object, **more)
        finally:
            self._tried.outcome = None

    def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """As the SDK sends. What was tried already comes as the first outcome."""
        tried, self._tried.outcome = getattr(self._tried, "outcome", None), None
        if isinstance(tried, httpx2.Response):
            return tried
        if tried:
            raise tried
        try:
            answer = self._sent(request.method, str(request.url), _sendable(request.headers), request.read(), stream)
        except HTTPError as error:
            raise _mapped(error, request) from error
        return _response(answer, request, streamed=stream)

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, streamed: bool
    ) -> urllib3.BaseHTTPResponse:
        if not (self._pool.proxy and self._pool.scheme == "http"):  # else the proxy wants to know the whole of it
            url = parse_url(url).request_uri
        return self._pool.urlopen(
            method, url, body=content, headers=headers, retries=False, preload_content=not streamed
        )


class Chunks:
    """What a stream brings, as dictionaries. Closing it gives its connection back, or up if there is more to come."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rest = b""
        for piece in _pieces(self._answer):  # to the end, beyond [DONE]: so the connection serves the next turn
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.startswith(_DATA) and not (data := line[len(_DATA) :].strip()).startswith(_DONE):
                    yield _checked(_loaded(data))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._answer.close()


def _pool(server: Url, timeout: float, connections: int) -> urllib3.HTTPConnectionPool:
    """Through a proxy where the environment names one, trusting whom the SDK trusts."""
    scheme, host = server.scheme or "https", server.host or ""
    proxy = None if proxy_bypass(host) else getproxies().get(scheme)
    options: dict[str, Any] = {"maxsize": connections, "timeout": timeout}
    if scheme == "https":
        options["ssl_context"] = httpx2.create_ssl_context()
    manager = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    return manager.connection_from_host(host, server.port, scheme)


def _pieces(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The body as it comes."""
    return answer.read_chunked(decode_content=True) if getattr(answer, "chunked", False) else iter(answer.read1, b"")


def _sendable(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if isinstance(value, str) and name.lower() not in _OWN}


def _checked(chunk: dict[str, Any]) -> dict[str, Any]:
    if error := chunk.get("error"):
        message = error.get("message") if isinstance(error, Mapping) else str(error)
        raise openai.APIError(message or "The stream broke off", httpx2.Request("POST", _PATH), body=error)
    return chunk


def _dumped(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()  # a lone surrogate, which orjson does not take


def _loaded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)  # here, too


class _Body(httpx2.SyncByteStream):
    """A streamed body, as the SDK reads it."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return _pieces(self._answer)

    def close(self) -> None:
        self._answer.close()


def _response(answer: urllib3.BaseHTTPResponse, request: httpx2.Request, *, streamed: bool = False) -> httpx2.Response:
    headers = [pair for pair in answer.headers.items() if pair[0].lower() != "content-encoding"]  # it is decoded
    if streamed and answer.status == _OK:
        return httpx2.Response(answer.status, headers=headers, request=request, stream=_Body(answer))
    return httpx2.Response(answer.status, headers=headers, request=request, content=answer.data)


def _mapped(error: HTTPError, request: httpx2.Request) -> httpx2.RequestError:
    kind = httpx2.TimeoutException if isinstance(error, exceptions.TimeoutError) else httpx2.NetworkError
    return kind(str(error), request=request)

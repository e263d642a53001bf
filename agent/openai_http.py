"""HTTP to a server that speaks as OpenAI's does, over libcurl: a sixth of what it costs over httpx, and without
Python's lock but for what comes in.

``OpenAIHttp`` asks once. Where that fails, OpenAI's SDK goes on with what came of it: it knows whether to ask again,
when, and what the error is called.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import certifi
import httpx2
import openai
import orjson
import pycurl

from agent.openai_stream import Chunks, loaded

PATH: Final = "/chat/completions"
_OK: Final = 200
_REDIRECTS: Final = range(300, 400)

Heard = Callable[[str], None]


class OpenAIHttp(openai.DefaultHttpxClient):
    """The HTTP client of an SDK's client for ``base_url``, and a shorter way past the SDK for what goes well.

    ``timeout`` (s) is for a whole request; ``connections`` are kept while nobody needs them. Safe for threads.
    """

    def __init__(self, base_url: str, timeout: float, connections: int) -> None:
        super().__init__(timeout=timeout)
        self._url = base_url.rstrip("/") + PATH
        self._milliseconds = max(1, int(1_000 * timeout))
        # A handle has a connection. The one used last is taken first, so that those not needed are closed in time.
        self._idle: deque[pycurl.Curl] = deque(maxlen=connections)
        self._tried = threading.local()

    def __del__(self) -> None:
        self.close()  # as the SDK's own does

    def ask(self, sdk: openai.OpenAI, body: Mapping[str, Any], heard: Heard | None = None) -> Any:
        """What is answered to a chat, as JSON. Raises the SDK's errors.

        With ``heard`` the answer is streamed and given as its chunks, once ``heard`` was told the words of each. What
        ``heard`` raises ends the stream.
        """
        asked = {**body, "stream": heard is not None}
        chunks, pieces = Chunks(heard) if heard else None, list[bytes]()
        tried: httpx2.Response | httpx2.RequestError | None
        try:
            status, wait = self._sent(sdk, _dumped(asked), chunks.take if chunks else pieces.append)
            if status == _OK:
                return chunks.joined() if chunks else loaded(b"".join(pieces))
            tried = None if status in _REDIRECTS else self._refusal(status, wait, b"".join(pieces))
        except httpx2.RequestError as error:
            if chunks and chunks.begun:  # what was said can't be taken back
                raise
            tried = error
        self._tried.outcome = tried
        try:
            return _second(sdk, asked, heard)
        finally:
            self._tried.outcome = None

    def _sent(self, sdk: openai.OpenAI, content: bytes, take: Callable[[bytes], None]) -> tuple[int, int]:
        """Status, and the seconds to wait that were asked for. ``take`` is given the body piece by piece."""
        try:
            curl = self._idle.pop()
        except IndexError:
            curl = self._handle(sdk)
        raised: list[Exception] = []

        def taken(data: bytes) -> int:
            try:
                take(data)
            except Exception as error:  # libcurl can't pass it on  # noqa: BLE001
                raised.append(error)
                return -1
            return len(data)

        curl.setopt(pycurl.WRITEFUNCTION, taken)
        curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(content))
        curl.setopt(pycurl.COPYPOSTFIELDS, content)
        try:
            curl.perform()
            return curl.getinfo(pycurl.RESPONSE_CODE), curl.getinfo(pycurl.RETRY_AFTER)
        except pycurl.error as error:
            if raised:
                raise raised[0] from None
            slow = error.args[0] == pycurl.E_OPERATION_TIMEDOUT
            kind = httpx2.TimeoutException if slow else httpx2.NetworkError
            raise kind(curl.errstr(), request=httpx2.Request("POST", self._url)) from error
        finally:
            curl.unsetopt(pycurl.WRITEFUNCTION)
            self._idle.append(curl)

    def _handle(self, sdk: openai.OpenAI) -> pycurl.Curl:
        """One that asks as the SDK does, trusting whom it trusts, through the proxy that the environment names."""
        headers = {**sdk.default_headers, **sdk.auth_headers, "Expect": ""}
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, self._url)
        curl.setopt(
            pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items() if isinstance(value, str)]
        )
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.TIMEOUT_MS, self._milliseconds)
        curl.setopt(pycurl.NOSIGNAL, 1)  # there are threads
        curl.setopt(pycurl.CAINFO, os.environ.get("SSL_CERT_FILE") or certifi.where())
        if folder := os.environ.get("SSL_CERT_DIR"):
            curl.setopt(pycurl.CAPATH, folder)
        return curl

    def _refusal(self, status: int, wait: int, body: bytes) -> httpx2.Response:
        headers = {"retry-after": str(wait)} if wait else {}
        return httpx2.Response(status, headers=headers, content=body, request=httpx2.Request("POST", self._url))

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """As the SDK sends; what was tried already comes as the first outcome."""
        tried, self._tried.outcome = getattr(self._tried, "outcome", None), None
        if isinstance(tried, httpx2.Response):
            return tried
        if tried:
            raise tried
        return super().send(request, **options)


def _second(sdk: openai.OpenAI, asked: dict[str, Any], heard: Heard | None) -> Any:
    if not heard:
        return sdk.post(PATH, body=asked, cast_to=object)
    chunks = Chunks(heard)
    with sdk.post(PATH, body=asked, cast_to=object, stream=True, stream_cls=openai.Stream[Any]) as stream:
        for chunk in stream:
            chunks.add(chunk)
    return chunks.joined()


def _dumped(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()  # a lone surrogate, which orjson does not take

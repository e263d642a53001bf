"""HTTP to a server that speaks as OpenAI's does, over libcurl: an eighth of what it costs over httpx, and without
Python's lock but for what comes in.

``OpenAIHttp`` asks once. Where that fails, OpenAI's SDK goes on with what came of it: it knows whether to ask again,
when, and what the error is called. (libcurl itself asks anew, once, where a connection that it kept is found closed.)
"""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import certifi
import httpx2
import openai
import orjson
import pycurl

from agent.openai_stream import Chunks, loaded

PATH: Final = "/chat/completions"
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_HASHED: Final = "[0-9a-f]" * 8 + ".[0-9]"
"""What certificates are called in a folder where OpenSSL is to find them."""

Heard = Callable[[str], None]
_Outcome = httpx2.Response | httpx2.RequestError | None


class OpenAIHttp(openai.DefaultHttpxClient):
    """The HTTP client of an SDK's client for ``base_url``, and a shorter way past the SDK for what goes well.

    Of a failure's headers only ``Retry-After`` is passed on, in whole seconds: each would cost Python's lock once more.

    ``timeout`` (s) is for a whole request; ``connections`` are kept while nobody needs them. Safe for threads.
    """

    def __init__(self, base_url: str, timeout: float, connections: int) -> None:
        super().__init__(timeout=timeout)
        self._url = base_url.rstrip("/") + PATH
        self._milliseconds = max(1, int(1_000 * timeout))
        self._trusted = _trusted()
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
        content = _dumped({**body, "stream": heard is not None})
        chunks, pieces = Chunks(heard) if heard else None, list[bytes]()
        try:
            status, wait = self._sent(sdk, content, chunks.take if chunks else pieces.append)
        except httpx2.RequestError as error:
            if chunks and chunks.over:
                return chunks.joined()
            if chunks and chunks.begun:  # what was said can't be taken back
                raise _sdks(error) from error
            return self._go_on(sdk, content, heard, error)
        if status in _OK:
            return chunks.joined() if chunks else loaded(b"".join(pieces))
        if status in _REDIRECTS:
            return self._go_on(sdk, content, heard, None)
        said = chunks.aside if chunks else b"".join(pieces)
        return self._go_on(sdk, content, heard, self._refusal(status, wait, said))

    def _go_on(self, sdk: openai.OpenAI, content: bytes, heard: Heard | None, tried: _Outcome) -> Any:
        """What the SDK makes of it, for which what was ``tried`` is its first request; None: it makes that one too."""
        self._tried.outcome = tried
        try:
            if not heard:
                return sdk.post(PATH, content=content, cast_to=object)
            chunks = Chunks(heard)
            with sdk.post(PATH, content=content, cast_to=object, stream=True, stream_cls=openai.Stream[Any]) as stream:
                for chunk in stream:
                    chunks.add(chunk)
            return chunks.joined()
        finally:
            self._tried.outcome = None

    def _sent(self, sdk: openai.OpenAI, content: bytes, take: Callable[[bytes], None]) -> tuple[int, int]:
        """Status, and the seconds to wait that were asked for. ``take`` is given the body piece by piece; what it
        raises ends the request, and is raised here."""
        try:
            curl = self._idle.pop()
        except IndexError:
            curl = self._handle(sdk)
        raised: list[BaseException] = []

        def taken(data: bytes) -> int:
            try:
                take(data)
            except BaseException as error:  # libcurl can't pass it on  # noqa: BLE001
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
                raise raised.pop() from None
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
        curl.unsetopt(pycurl.CAINFO)  # it looks for one itself
        curl.setopt(*self._trusted)
        if proxy := getproxies().get(urlsplit(self._url).scheme):  # libcurl itself reads no HTTP_PROXY in capitals
            curl.setopt(pycurl.PROXY, proxy)
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


def _sdks(error: httpx2.RequestError) -> openai.APIConnectionError:
    """Its name in the SDK."""
    if isinstance(error, httpx2.TimeoutException):
        return openai.APITimeoutError(error.request)
    return openai.APIConnectionError(request=error.request)


def _trusted() -> tuple[int, str]:
    """Where the certificates are that the SDK goes by, which ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` tell or the system.

    Of a folder libcurl reads those that it needs; a file it reads whole for every connection: 0.7 MB and 5 ms of CPU.
    """
    paths = ssl.get_default_verify_paths()
    named = paths.cafile if paths.cafile != paths.openssl_cafile else None
    if not named and paths.capath and any(Path(paths.capath).glob(_HASHED)):
        return pycurl.CAPATH, paths.capath
    return pycurl.CAINFO, paths.cafile or certifi.where()


def _dumped(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()  # a lone surrogate, which orjson does not take

"""Fetching an address that someone else chose, without being led astray.

Only http and https; every address that a name stands for must be public, and the one that was checked is the one that
is connected to, at each redirect anew, so a name that changes its mind in between (DNS rebinding) gains nothing. Size,
time and redirects are bounded. Proxies of the environment are not used: they would do the resolving.

    FetchFailed
    ├── AddressRefused      not http(s), or somewhere private
    ├── TooLarge
    ├── TooSlow
    ├── TooManyRedirects
    └── BadAnswer           a status that is not success, an unknown encoding, or no HTTP at all
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpcore
import httpx

from agent.timed_network import TimedNetwork

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
"""Host and port to IP addresses, the preferred one first. Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost: bytes of the body (unpacked), seconds for all of it, redirects followed."""

    bytes: int = 5 * 1024 * 1024
    seconds: float = 20.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: the address it finally came from, the content type as sent (may be empty), the body."""

    url: str
    content_type: str
    body: bytes


class FetchFailed(Exception):
    """Why an address gave nothing. ``reason`` finishes the sentence "it was skipped because …"."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class AddressRefused(FetchFailed): ...


class TooLarge(FetchFailed): ...


class TooSlow(FetchFailed): ...


class TooManyRedirects(FetchFailed): ...


class BadAnswer(FetchFailed): ...


def fetch(
    url: str,
    *,
    limits: Limits = Limits(),
    allow_loopback: bool = False,
    resolve: Resolver | None = None,
    clock: Callable[[], float] = time.monotonic,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """Get ``url``. Raises ``FetchFailed``. ``allow_loopback`` is for tests, which serve from this machine."""
    deadline = clock() + limits.seconds
    backend = _CheckedNetwork(allow_loopback, resolve or _resolver(limits.seconds), deadline, clock)
    here = url
    with httpcore.ConnectionPool(ssl_context=tls, network_backend=backend, max_connections=1, retries=0) as pool:
        for _ in range(limits.redirects + 1):
            try:
                found = _get(pool, here, limits, backend.remaining)
            except httpcore.TimeoutException as error:
                raise TooSlow(url, f"it took longer than {limits.seconds:g} seconds") from error
            except _Refused as error:
                raise AddressRefused(url, str(error)) from error
            except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
                raise BadAnswer(url, f"it could not be fetched ({str(error) or type(error).__name__})") from error
            if isinstance(found, Fetched):
                return found
            here = urljoin(here, found)
    raise TooManyRedirects(url, f"it redirects more than {limits.redirects} times")


def refusal(address: str, *, allow_loopback: bool = False) -> str | None:
    """Why this IP address must not be connected to, or None where it is public."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address!r} is not an IP address"
    if ip.is_loopback and allow_loopback:
        return None
    # Through NAT64 one gets to the IPv4 address and nowhere else; other carriers are judged by both.
    for inner in _embedded(ip) if ip in _NAT64 else (ip, *_embedded(ip)):
        if not inner.is_global or inner.is_multicast or inner.is_reserved or inner.is_unspecified:
            return f"it leads to {ip}, which is not a public address"
        if any(inner in network for network in _NOT_PUBLIC if network.version == inner.version):
            return f"it leads to {ip}, which is not a public address"
    return None


# Ranges that ``is_global`` of some Python versions lets through.
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "fec0::/10",
        "64:ff9b:1::/48",
    )
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def _embedded(ip: IPAddress) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address carries inside, where it would end up at them."""
    if isinstance(ip, ipaddress.IPv6Address):
        carried = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64 or int(ip) >> 32 == 0:
            carried.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        yield from (inner for inner in carried if inner is not None)


class _Refused(Exception):
    pass


def _get(pool: httpcore.ConnectionPool, url: str, limits: Limits, remaining: Callable[[], float]) -> Fetched | str:
    """The answer, or where it redirects to."""
    parsed = _parse(url)
    target = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
    headers = [
        (b"Host", parsed.netloc),
        (b"User-Agent", b"Parley-news/1.0"),
        (b"Accept", b"application/rss+xml, application/atom+xml, application/xml, text/html;q=0.8, */*;q=0.5"),
        (b"Accept-Encoding", b"gzip"),
        (b"Connection", b"close"),
    ]
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), max(remaining(), 0.001))
    with pool.stream("GET", target, headers=headers, extensions={"timeout": timeouts}) as response:
        sent = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        if response.status in (301, 302, 303, 307, 308) and sent.get("location"):
            return sent["location"]
        if response.status != 200:
            raise BadAnswer(url, f"its server answered {response.status}")
        if sent.get("content-length", "").isdigit() and int(sent["content-length"]) > limits.bytes:
            raise TooLarge(url, f"it has {int(sent['content-length']):,} bytes, more than {limits.bytes:,}")
        body = b"".join(_unpacked(url, response.iter_stream(), sent.get("content-encoding", ""), limits.bytes))
        return Fetched(url, sent.get("content-type", ""), body)


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise AddressRefused(url, f"it is not a web address ({error})") from error
    if parsed.scheme not in ("http", "https"):
        raise AddressRefused(
            url, f"only http and https are fetched, not {parsed.scheme or 'an address without a scheme'}"
        )
    if not parsed.host:
        raise AddressRefused(url, "it names no host")
    if parsed.userinfo:
        raise AddressRefused(url, "it holds a user name or password, which are not sent")
    return parsed


def _unpacked(url: str, chunks: Iterable[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """The body, unpacked no further than ``most`` bytes: a small archive can hold a very large nothing."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BadAnswer(url, f"it is packed in a way that was not asked for ({encoding[:40]})")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    length = 0
    try:
        for chunk in chunks:
            plain = unpacker.decompress(chunk, most - length + 1) if unpacker else chunk
            length += len(plain)
            if length > most:
                raise TooLarge(url, f"it has more than {most:,} bytes")
            yield plain
        if unpacker is not None and length and not unpacker.eof:
            raise BadAnswer(url, "it broke off before its end")
    except zlib.error as error:
        raise BadAnswer(url, f"its gzip is broken ({error})") from error


class _CheckedNetwork(TimedNetwork):
    """Opens connections to public addresses only."""

    def __init__(self, allow_loopback: bool, resolve: Resolver, deadline: float, clock: Callable[[], float]) -> None:
        super().__init__(deadline, clock)
        self._allow_loopback = allow_loopback
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = [str(ipaddress.ip_address(host.strip("[]").partition("%")[0]))]
        except ValueError:
            addresses = self._resolve(host, port)
        # One private address among public ones is enough to refuse: which of them is used is not ours to say.
        for address in addresses:
            reason = refusal(address, allow_loopback=self._allow_loopback)
            if reason is not None:
                raise _Refused(reason)
        failure: Exception = OSError(f"{host} has no address")
        for address in addresses[:4]:
            try:
                return super().connect_tcp(address, port, socket_options=socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure


def _resolver(seconds: float) -> Resolver:
    """The system's resolver, which knows no time-out of its own, given one."""

    def resolve(host: str, port: int) -> list[str]:
        answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
            except (OSError, UnicodeError) as error:
                answers.put(OSError(f"the name {host!r} does not resolve: {error}"))

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty as error:
            raise httpcore.ConnectTimeout(f"the name {host!r} did not resolve in time") from error
        if isinstance(answer, OSError):
            raise answer
        return answer

    return resolve

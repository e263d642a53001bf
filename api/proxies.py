"""Who is at the other end, where proxies stand in between: only those that are trusted are believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(names: Sequence[str]) -> tuple[Network, ...]:
    """``10.0.0.0/8`` and ``127.0.0.1`` as networks. ``ValueError`` for what is neither."""
    return tuple(ipaddress.ip_network(name, strict=False) for name in names)


def believe(environ: dict[str, Any], trusted: Sequence[Network]) -> None:
    """Put the client's address and scheme in place of a trusted proxy's; from others these headers mean nothing.

    ``X-Forwarded-For`` is read from its end: what stands before the first proxy that is not ours, the client wrote.
    """
    if not trusted or not _is_one(environ.get("REMOTE_ADDR", ""), trusted):
        return
    hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    client = next((hop for hop in reversed(hops) if not _is_one(hop, trusted)), hops[0] if hops else "")
    if _address(client):
        environ["REMOTE_ADDR"] = client
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
    if scheme in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme


def _is_one(text: str, trusted: Sequence[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None

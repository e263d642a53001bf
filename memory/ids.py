"""Random names, drawn in bulk: the kernel is asked once for many, for each question gives Python's lock away."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from typing import Final

_BYTES: Final = 8
_AT_ONCE: Final = 256

_drawn: Final[list[bytes]] = []
os.register_at_fork(after_in_child=_drawn.clear)  # two processes must not draw the same


def new_id() -> str:
    """11 characters of ``A-Za-z0-9_-``, from 8 random bytes."""
    try:
        return _name(_drawn.pop())
    except IndexError:
        raw = os.urandom(_BYTES * _AT_ONCE)
        _drawn.extend(raw[at : at + _BYTES] for at in range(_BYTES, len(raw), _BYTES))
        return _name(raw[:_BYTES])


def _name(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()

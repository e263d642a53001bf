"""A server with keys, for the clients to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.registry import find
from tests.app import ParleyServer

KEY = "operators-key"

NEEDS_CHAT = pytest.mark.skipif("chat" not in find(), reason="it is the assistant that remembers a name")


@pytest.fixture(scope="package")
def parley() -> Iterator[ParleyServer]:
    with ParleyServer({"AUTH": "on", "API_KEYS": f"*={KEY},ada=adas-key"}) as server:
        yield server

"""An assistant is a folder that one may delete: its tests stay behind and are left out.

A test file here is named after its assistant, ``test_<assistant>_<what>.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.app import ROOT, ParleyServer
from tests.memory.harness import World, local_world, redis_world
from tests.servers import RedisServer

collect_ignore_glob = sorted(
    {
        f"test_{name}_*.py"
        for name in (path.name.split("_")[1] for path in Path(__file__).parent.glob("test_*_*.py"))
        if not (ROOT / "assistants" / name / "__init__.py").exists()
    }
)


@pytest.fixture(scope="module", params=["redis", "memory"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParleyServer]:
    """The real server, one for all tests of a module: over Redis, then in its own memory."""
    url = "memory://"
    if request.param == "redis":
        shared: RedisServer = request.getfixturevalue("redis_server")
        url = shared.url()
    with ParleyServer({"REDIS_URL": url}, folder=tmp_path_factory.mktemp("server")) as parley:
        yield parley


@pytest.fixture
def client(server: ParleyServer) -> Iterator[httpx.Client]:
    """A client of the server that nobody knows yet."""
    with server.client() as one:
        yield one


@pytest.fixture(params=["memory", "redis"])
def timed(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each store in turn, empty, its time moved by hand."""
    if request.param == "memory":
        yield local_world()
        return
    with ExitStack() as stack:
        yield redis_world(request.getfixturevalue("redis_url"), [request.getfixturevalue("redis_server")], stack)

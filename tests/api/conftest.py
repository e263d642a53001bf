"""The application in this process, with the settings that a test gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import server
import settings
from api import Services, create_app
from tests.fakes.openai_server import OpenAIServer

_ASSISTANTS = Path(__file__).parents[2] / "assistants"
_FIVE = ("chat", "junkjet", "news", "shopping", "weather")
collect_ignore_glob: list[str] = []
if not (_ASSISTANTS / "weather").is_dir():
    collect_ignore_glob = ["test_*.py"]  # the native face is the weather agent's (seed 003), and so are its tests
elif not all((_ASSISTANTS / name).is_dir() for name in _FIVE):
    collect_ignore_glob = ["test_auth.py"]  # it opens a session with each of the five


def needs(*names: str) -> pytest.MarkDecorator:
    """For a test that talks to these assistants: it is left out where one of them was taken out."""
    gone = [name for name in names if not (_ASSISTANTS / name).is_dir()]
    return pytest.mark.skipif(bool(gone), reason=f"without {', '.join(gone)}")


Client: TypeAlias = Any
"""A FlaskClient; Flask's own types have it that every answer's ``json`` may be None."""

MakeClient = Callable[..., Client]


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[MakeClient]:
    """Makes a client of an application with these settings, in memory and offline where nothing else is said."""
    made: list[Services] = []

    def make(**environ: str) -> Client:
        given = {"REDIS_URL": "memory://", "DATA_DIR": str(tmp_path / "data"), "RATE_LIMIT": "off", "TURN_WAIT": "2"}
        services = server.build(settings.load({**given, **environ}, dotenv=None))
        made.append(services)
        services.archive.migrate() if services.archive else None
        return create_app(services).test_client(use_cookies=True)

    yield make
    for services in made:
        services.close(drain=5)


@pytest.fixture(params=["memory", "redis"])
def client(request: pytest.FixtureRequest, make_client: MakeClient) -> Client:
    """A client of the application, on an in-memory store and on Redis."""
    if request.param == "memory":
        return make_client()
    return make_client(REDIS_URL=request.getfixturevalue("redis_url"))


@pytest.fixture
def model_client(make_client: MakeClient, openai_server: OpenAIServer) -> Client:
    """A client of the application with the fake model."""
    return make_client(MODEL="openai:fake", OPENAI_BASE_URL=openai_server.url)

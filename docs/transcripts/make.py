"""Writes a page for each assistant: a conversation of ten messages, answered by the offline model.

    python -m docs.transcripts.make               write all that are there
    python -m docs.transcripts.make junkjet news  write these
    python -m docs.transcripts.make --check       exit 1 if one is out of date

The conversations take place in this process, on a store in memory, on Friday, 20 November 2026, and without a network:
what the weather assistant tells are typical values.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.conversation import Conversation, Request, Workers
from agent.models import Models, ModelSettings
from agent.registry import Registry, find
from memory import FinishedTurn, SessionEngine, open_store

HERE: Final = Path(__file__).resolve().parent
BEGUN: Final = int(datetime(2026, 11, 20, 10, 30, tzinfo=UTC).timestamp() * 1000)
EVERY: Final = 20_000
"""Milliseconds between two messages."""

SUBJECT: Final = "user123"
NOBODY: Final = "http://127.0.0.1:9"
"""An address where nobody listens."""

MESSAGES: Final[Mapping[str, Sequence[str]]] = {
    "weather": (
        "Hi there",
        "Weather in London?",
        "And tomorrow?",
        "Do I need an umbrella?",
        "What about Tokyo this weekend?",
        "which of the two is warmer",
        "weather in Atlantis",
        "I live in Madrid. How hot does it get there in July?",
        "What was the first city I asked about?",
        "Thanks, bye!",
    ),
    "junkjet": (
        "Hello, I want to sell plastic",
        "About 20 kg, mostly bottles",
        "I'm in Pune",
        "hmm thats not much money. what about copper wire?",
        "3 kg",
        "Are there any buyers near me?",
        "I'm Asha by the way",
        "how should I prepare the wire before selling",
        "Do you take old sofas?",
        "ok great, thank you! what was my name again?",
    ),
    "news": (
        "What are the latest news?",
        "Tell me more about the second one",
        "and the third?",
        "Any sport news since August?",
        "What happened yesterday?",
        "Who is the prime minister of Norway?",
        "What happened to the airline, and who won the Coast Tour?",
        "When was that?",
        "Where did you read that?",
        "thanks",
    ),
    "chat": (
        "Hello! My name is Ada.",
        "What can you do?",
        "My dog is called Toby and he is 3 years old.",
        "What is 17 * 23?",
        "How many miles are 42 km?",
        "What's the name of my dog?",
        "Write me a short thank-you note to my neighbour",
        "What day is it in 100 days?",
        "why is the sky blue",
        "What did I ask you first? And what's my name?",
    ),
    "shopping": (
        "Hi, I need a new laptop",
        "My budget is 900 and I like Lenovo",
        "What's the difference between the first two?",
        "Add the first one to my cart",
        "Do you have headphones with noise cancelling under 150?",
        "add two of the cheapest",
        "what's in my cart?",
        "remove one of the headphones",
        "How much is a flight to Rome?",
        "ok, check out please",
    ),
}
"""What is said to whom. An assistant without a list has no page."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.transcripts.make", description="Write the transcripts.")
    parser.add_argument("names", nargs="*", metavar="assistant", help="of these only")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    options = parser.parse_args(arguments)
    registry = find()
    if unknown := set(options.names) - set(MESSAGES) - set(registry):
        parser.error(f"there is no assistant {min(unknown)!r}")
    stale = []
    for name, text in pages(registry, options.names or list(MESSAGES)):
        page = HERE / f"{name}.md"
        if not page.exists() or page.read_text("utf-8") != text:
            stale.append(page)
            if not options.check:
                page.write_text(text, "utf-8")
    for page in stale:
        print(f"{page.name} {'is out of date: run python -m docs.transcripts.make' if options.check else 'written'}")
    return int(options.check and bool(stale))


def pages(registry: Registry, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each named assistant that is there and has a list."""
    with tempfile.TemporaryDirectory() as nowhere:
        values = {
            "WEATHER_URL": f"{NOBODY}/forecast",
            "GEOCODING_URL": f"{NOBODY}/search",
            "NEWS_INDEX": f"{nowhere}/none",  # the articles that are shipped
            "EMBEDDING_MODEL": "off",
        }
        for name in names:
            if name in registry.assistants and name in MESSAGES:
                package = registry.packages[name]
                if hasattr(package, "configure"):
                    package.configure(values)
                yield name, transcript(registry, name)


def transcript(registry: Registry, name: str) -> str:
    """The page of one assistant."""
    lines = [
        f"# A conversation with {name}",
        "",
        f"{registry[name].summary.rstrip('.')}. Without a key, by the offline model; written by",
        f"`python -m docs.transcripts.make {name}`.",
    ]
    for message, finished in conversation(registry, name):
        lines += [
            "",
            f"**User:** {message}",
            "",
            *(f"> {line}".rstrip() for line in finished.turn.response.split("\n")),
        ]
        if told := besides(finished):
            lines += ["", f"<sub>{told}</sub>"]
    return "\n".join(lines) + "\n"


def conversation(registry: Registry, name: str) -> Iterator[tuple[str, FinishedTurn]]:
    """Say everything on the list, and hear the replies."""
    now = BEGUN
    assistant = registry[name]
    engine = SessionEngine(open_store("memory://", clock=lambda: now), assistant.policy, namespace=name)
    workers = Workers(1)
    talk = Conversation(assistant, engine, Models(ModelSettings()), workers)
    try:
        for message in MESSAGES[name]:
            yield message, talk.run(Request(SUBJECT, message)).finished
            now += EVERY
    finally:
        workers.drain(5)
        engine.leases.close()


def besides(finished: FinishedTurn) -> str:
    """What a client is told with the reply, in a line: the tools used, and the data that travels along."""
    tools = [str(message.rest.get("name", "a tool")) for message in finished.turn.messages if message.role == "tool"]
    shown = {key: value for key, value in finished.turn.data.items() if value and not key.startswith("_")}
    parts = [f"tools: {', '.join(tools)}"] if tools else []
    parts += [f"{key}: {_short(value)}" for key, value in shown.items()]
    return " · ".join(parts)


def _short(value: Any) -> str:
    """Lists by their titles or names."""
    if isinstance(value, list):
        named = [each.get("title") or each.get("name") or "" if isinstance(each, dict) else str(each) for each in value]
        return "; ".join(filter(None, named)) or str(len(value))
    return str(value)


if __name__ == "__main__":
    sys.exit(main())

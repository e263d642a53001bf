"""A conversation with the chat's rules, as the server would lead it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.assistant import TurnContext
from agent.offline import Ask
from assistants.chat.offline import reply

NOW = int(datetime(2026, 11, 20, 10, 30, tzinfo=UTC).timestamp() * 1000)
"""A Friday."""

WINDOW = 20
"""Messages that the rules are shown: ten turns."""


@dataclass
class Conversation:
    """One person's messages and the replies."""

    history: list[tuple[str, str]] = field(default_factory=list)

    def says(self, *messages: str) -> str:
        """The reply to the last of the messages."""
        answer = ""
        for message in messages:
            turn = TurnContext(assistant="chat", subject="s1", message=message, now=NOW)
            given = reply(Ask(message, self.history[-WINDOW:], turn=turn))
            assert isinstance(given, str)
            answer = given
            self.history += [("human", message), ("ai", answer)]
        return answer

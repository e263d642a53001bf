"""What the engine keeps: sessions, their turns, and the record that an ended session leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

CARRIED: Final = "_carried"
"""The attribute with what the session before left for this one."""

SUMMARY: Final = "_summary"
"""The attribute with the running summary: ``[id of the newest turn in it, its text]``."""


class Key(NamedTuple):
    """Whose session it is: a *namespace* (one an assistant) and a *subject* (a user or a session id)."""

    namespace: str
    subject: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a turn, free of any framework.

    ``role`` is LangChain's message type (``human``, ``ai``, ``tool``, ``system``, …); ``content`` is text or a list of
    content blocks; ``rest`` holds what else the message carried (tool calls, ids, usage), JSON only.
    """

    role: str
    content: Any
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The words of the message; of content blocks, their text parts joined."""
        if isinstance(self.content, str):
            return self.content
        parts = (block if isinstance(block, str) else block.get("text", "") for block in self.content)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Turn:
    """One user message with its reply, and what lay between (tool calls and results). Stored whole or not at all.

    Times are milliseconds: ``session_started`` is the start of the session it was said in, ``began`` when the message
    arrived, ``took`` how long the reply needed. ``data`` is what travels with the reply (sources, flags): small JSON.
    """

    id: str
    session_started: int
    began: int
    took: int
    messages: tuple[Message, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def message(self) -> str:
        """What the user said."""
        return next((m.text for m in self.messages if m.role == "human"), "")

    @property
    def response(self) -> str:
        """What the user was told: the last words of the assistant."""
        return next((m.text for m in reversed(self.messages) if m.role == "ai"), "")

    @property
    def ended(self) -> int:
        """When the reply was whole (ms)."""
        return self.began + self.took


def session_id(subject: str, started: int) -> str:
    """The public id of a session: ``session:<subject>:<start in ms>`` (seed 003)."""
    return f"session:{subject}:{started}"


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation that is live as far as the store knows; whether it still is, says ``policy.verdict``.

    ``turns`` counts every turn of this session, ``stored_bytes`` only the turns that are still kept. ``attributes`` is
    a small JSON document that ends with the session; ``revision`` counts its changes, for compare-and-set. The engine's
    own attributes begin with an underscore.
    """

    key: Key
    started: int
    last_activity: int
    turns: int = 0
    owner: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0
    stored_bytes: int = 0

    @property
    def id(self) -> str:
        return session_id(self.key.subject, self.started)

    @property
    def carried_over(self) -> str:
        """What the session before left for this one; empty where that is nothing."""
        text = self.attributes.get(CARRIED)
        return text if isinstance(text, str) else ""

    @property
    def summary(self) -> str:
        """What was said in turns that are not shown any more, in short; empty where there is no summary."""
        return self._summary[1]

    @property
    def summarised(self) -> str:
        """The id of the newest turn in ``summary``."""
        return self._summary[0]

    @property
    def _summary(self) -> tuple[str, str]:
        match self.attributes.get(SUMMARY):
            case [str(turn_id), str(text)]:
                return turn_id, text
        return "", ""


@dataclass(frozen=True, slots=True)
class EndedSession:
    """What stays of a session for a day: when it was, how much was said, and why it ended. None of the words, but for
    ``carry_over`` where the policy has it: what opens the next session of the subject, if that is of ``owner`` too."""

    subject: str
    started: int
    ended: int
    turns: int
    reason: str
    carry_over: str = ""
    owner: str = ""

    def without_words(self) -> EndedSession:
        """The record once a later session has ended: what this one left was for that."""
        return replace(self, carry_over="", owner="") if self.carry_over else self

    @property
    def id(self) -> str:
        return session_id(self.subject, self.started)

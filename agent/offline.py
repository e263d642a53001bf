"""The model for when there is no key: a real LangChain chat model whose words come from an assistant's plain rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.assistant import TurnContext


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A wish of the rules: call this tool with these arguments, then ask again."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool that was called earlier in this turn, and the text it gave back."""

    name: str
    args: dict[str, Any]
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What the rules are asked: the user's message, what was said before, and the tool results of this turn so far.

    ``history`` is (role, text) with role ``human`` or ``ai``, oldest first, without the message itself. ``turn`` is the
    running turn where there is one (a bare model call has none).
    """

    message: str
    history: Sequence[tuple[str, str]] = ()
    results: Sequence[ToolResult] = ()
    tools: frozenset[str] = frozenset()
    turn: TurnContext | None = None


Answer = str | ToolCall | Sequence[ToolCall]
Rules = Callable[[Ask], Answer]

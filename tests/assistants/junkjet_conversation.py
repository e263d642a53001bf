"""A conversation with JunkJet's offline rules, through its hooks and its tools, as the server would run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool

from agent.assistant import TurnContext
from agent.offline import Ask, ToolCall, ToolResult
from assistants.junkjet import ASSISTANT
from memory import Message, Turn

MINUTE = 60_000


def run_tool(name: str, args: dict[str, Any], context: TurnContext) -> str:
    """Call a tool of the assistant with the running turn, through its argument schema."""
    tool: BaseTool = next(tool for tool in ASSISTANT.tools if tool.name == name)
    wanted = dict(args)
    if "runtime" in tool.args_schema.model_fields:  # type: ignore[union-attr]
        wanted["runtime"] = ToolRuntime(
            state={}, context=context, config={}, stream_writer=lambda _: None, tool_call_id="call", store=None
        )
    result = tool.invoke(wanted)
    assert isinstance(result, str)
    return result


@dataclass
class Conversation:
    """One user's messages and the replies; ``said`` is a whole turn, stored as the engine would."""

    subject: str = "user123"
    now: int = 1_700_000_000_000
    started: int = 1_700_000_000_000
    attributes: dict[str, Any] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    last: TurnContext | None = None

    def says(self, message: str) -> str:
        self.now += MINUTE
        context = self.last = TurnContext(
            assistant="junkjet",
            subject=self.subject,
            message=message,
            now=self.now,
            turns=sum(turn.session_started == self.started for turn in self.turns),
            history=self.turns[-5:],
            attributes=self.attributes,
        )
        ASSISTANT.before(context)
        reply = ASSISTANT.after(context, self._answer(context))
        self.attributes = context.attributes
        self.turns.append(
            Turn(
                id=str(len(self.turns)),
                session_started=self.started,
                began=self.now,
                took=1,
                messages=(Message("human", message), Message("ai", reply)),
                data=context.data,
            )
        )
        return reply

    def new_session(self) -> None:
        """The session ends, its history is still remembered."""
        self.now += 7 * MINUTE
        self.started = self.now
        self.attributes = {}

    @property
    def flag(self) -> Any:
        assert self.last is not None
        return self.last.data.get("locationFlag")

    def _answer(self, context: TurnContext) -> str:
        history = [
            (role, text) for turn in context.history for role, text in (("human", turn.message), ("ai", turn.response))
        ]
        results: list[ToolResult] = []
        for _ in range(4):
            answer = ASSISTANT.offline(
                Ask(context.message, history, tuple(results), frozenset(t.name for t in ASSISTANT.tools), context)
            )
            if isinstance(answer, str):
                return answer
            calls: Sequence[ToolCall] = [answer] if isinstance(answer, ToolCall) else answer
            results += [ToolResult(call.name, call.args, run_tool(call.name, call.args, context)) for call in calls]
        raise AssertionError(f"the rules never came to a reply for {context.message!r}")

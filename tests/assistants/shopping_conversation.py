"""Shoppers who talk to the assistant on a real session engine: agent, tools and hooks, with a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.tools import BaseTool

from agent.assistant import TurnContext
from agent.conversation import Conversation, Request, Workers
from agent.models import Models, ModelSettings
from assistants.shopping import ASSISTANT
from memory import FinishedTurn, SessionEngine, open_store

START = 1_700_000_000_000
SECOND = 1_000


def run_tool(name: str, args: dict[str, Any], context: TurnContext) -> str:
    """Call a tool of the assistant with the running turn, through its argument schema."""
    tool: BaseTool = next(tool for tool in ASSISTANT.tools if tool.name == name)
    runtime: ToolRuntime[TurnContext, dict[str, Any]] = ToolRuntime(
        state={}, context=context, config={}, stream_writer=lambda _: None, tool_call_id="call", store=None
    )
    result = tool.invoke({**args, "runtime": runtime})
    assert isinstance(result, str)
    return result


@dataclass
class Shop:
    """The assistant on an in-process store."""

    model: ModelSettings = field(default_factory=ModelSettings)
    now: int = START
    last: FinishedTurn | None = None

    def __post_init__(self) -> None:
        store = open_store("memory://", clock=lambda: self.now)
        self.engine = SessionEngine(store, ASSISTANT.policy, namespace=ASSISTANT.name)
        self.workers = Workers(4)
        self._conversation = Conversation(ASSISTANT, self.engine, Models(self.model), self.workers)

    def hears(self, message: str, session: str = "s1", after: int = 1) -> str:
        """The reply to ``message``, said ``after`` so many seconds."""
        self.now += after * SECOND
        self.last = self._conversation.run(Request(session, message)).finished
        return self.last.turn.response

    def hears_all(self, *messages: str, session: str = "s1") -> list[str]:
        return [self.hears(message, session) for message in messages]

    def hears_again(self, message: str, session: str = "s1", after: int = 1) -> str | None:
        """The reply to ``message`` where it came from the answer cache, else None."""
        reply = self.hears(message, session, after)
        return reply if self.data.get("cached") else None

    def document(self, session: str = "s1") -> dict[str, Any]:
        """The session's attributes."""
        view = self.engine.session(session)
        return dict(view.session.attributes) if view else {}

    def cart(self, session: str = "s1") -> dict[str, int]:
        """SKU → units."""
        return {sku: line["quantity"] for sku, line in self.document(session).get("cart", {}).items()}

    @property
    def data(self) -> dict[str, Any]:
        """What travelled with the last reply."""
        assert self.last is not None
        return dict(self.last.turn.data)

    def shown(self) -> list[str]:
        """The SKUs of the products that travelled with the last reply."""
        return [product["sku"] for product in self.data.get("products", ())]

    def close(self) -> None:
        self.workers.drain(5)
        self.engine.leases.close()
        self.engine.store.close_store()

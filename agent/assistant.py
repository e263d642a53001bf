"""What an assistant is, and what its tools and rules may know of the turn that is running."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.tools import BaseTool

from agent.offline import Rules
from memory import SessionPolicy, Summary, Turn
from memory.summary import extract

Change = Callable[[dict[str, Any]], None]
"""Edits an attributes document in place. May run more than once (on a newer document), so it must be pure besides."""


@dataclass(slots=True)
class TurnContext:
    """The running turn, as its tools, hooks and offline rules see it: this subject's, never another's.

    Tools get it as ``runtime.context`` (``langchain.tools.ToolRuntime[TurnContext]``). ``now`` is the store's time in
    milliseconds, ``turns`` how many this session has already, ``history`` the earlier ones that the model is shown,
    oldest first, ``earlier`` what was said before those, in short (empty where that is nothing, or not kept);
    ``instructions`` what the client's application wants of the reply, ``run`` the runner's own notes on this run.

    ``shorten`` (None: nothing is summarised) gives ``earlier`` with so many of ``history`` in it, the oldest, for which
    a model has no room; ``unshown`` says how many these are.
    """

    assistant: str
    subject: str
    message: str
    now: int
    turns: int = 0
    history: Sequence[Turn] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    run: Any = field(default=None, repr=False)
    instructions: str = ""
    earlier: str = ""
    unshown: int = 0
    shorten: Callable[[int], str] | None = field(default=None, repr=False)
    _changing: Any = field(default_factory=threading.Lock, repr=False)  # Any: pydantic reads these types

    def update(self, change: Change) -> Mapping[str, Any]:
        """Change the session's attributes: at once for the rest of this turn, for good when the turn is stored.

        A turn that fails leaves no trace of it. Returns the changed document.
        """
        with self._changing:  # a model may call several tools at once
            document = copy.deepcopy(self.attributes)
            change(document)
            self.attributes = document
            self.changes.append(change)
            return self.attributes

    def attach(self, name: str, value: Any) -> None:
        """Let ``value`` (small JSON: sources, products, a flag) travel with the reply; it is stored with the turn.

        A name that begins with an underscore is the assistant's own: it is stored too, and no client is shown it.
        """
        self.data[name] = value


def _nothing_before(context: TurnContext) -> str:
    return ""


def _unchanged(context: TurnContext, reply: str) -> str:
    return reply


def _no_reply(context: TurnContext) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant: a folder under ``assistants/`` whose ``__init__`` holds it as ``ASSISTANT``.

    name      lower-case word; the namespace of its sessions and its name in ``/chat``
    summary   one line for people
    policy    when its sessions end and what they keep
    prompt    the system prompt (Markdown)
    offline   its replies without a model: plain rules (see ``agent.offline``)
    tools     LangChain tools; those that need the turn take ``runtime: ToolRuntime[TurnContext]``
    subject   whether a subject is a user or a session id of the client's
    before    reads the message before the model does; may ``update`` attributes; the text that it returns is added to
              the system prompt of this turn
    after     the last touch on the reply
    known     asked after ``before``: a reply that is known already, so that no model is asked; None if there is none
    fallback  the reply when the model fails, or None to tell the client that it failed
    summarise what turns come to in a few words, by plain rules (see ``memory.Summary``); a model that is there writes
              better ones
    """

    name: str
    summary: str
    policy: SessionPolicy
    prompt: str
    offline: Rules
    tools: Sequence[BaseTool] = ()
    subject: Literal["user", "session"] = "user"
    before: Callable[[TurnContext], str] = _nothing_before
    after: Callable[[TurnContext, str], str] = _unchanged
    known: Callable[[TurnContext], str | None] = _no_reply
    fallback: Callable[[TurnContext], str | None] = _no_reply
    summarise: Summary = extract

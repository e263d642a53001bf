"""The general chatbot (seed 002): out of memory after an hour, back from the archive with the next message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.assistant import Assistant, TurnContext
from assistants.chat.offline import reply
from assistants.chat.policy import POLICY

if TYPE_CHECKING:
    from flask import Blueprint

    from api import Services


def _date(context: TurnContext) -> str:
    """Models don't know what day it is."""
    return f"Now it is {datetime.fromtimestamp(context.now / 1000, UTC):%A, %d %B %Y, %H:%M} UTC."


ASSISTANT: Final = Assistant(
    name="chat",
    summary="A general assistant whose conversations are kept, named and searchable",
    policy=POLICY,
    prompt=Path(__file__).with_name("prompt.md").read_text(encoding="utf-8"),
    offline=reply,
    subject="session",
    before=_date,
)


def blueprint(services: Services) -> Blueprint:
    """The HTTP face of the seed. It is imported here, so that the assistant alone needs no Flask."""
    from assistants.chat import routes

    return routes.blueprint(services)

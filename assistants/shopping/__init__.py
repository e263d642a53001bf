"""Shopping (seed 004): a shop assistant that knows the catalogue, the cart and what the shopper prefers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.assistant import Assistant
from assistants.shopping.hooks import after, before, known_answer
from assistants.shopping.insights import insights
from assistants.shopping.offline import reply
from assistants.shopping.policy import POLICY
from assistants.shopping.tools import TOOLS

if TYPE_CHECKING:
    from flask import Blueprint

    from api.services import Services

__all__ = ["ASSISTANT", "blueprint", "insights"]

ASSISTANT: Final = Assistant(
    name="shopping",
    summary="Finds, compares and collects electronics, with a cart that lasts a day",
    policy=POLICY,
    prompt=Path(__file__).with_name("prompt.md").read_text("utf-8"),
    offline=reply,
    tools=TOOLS,
    subject="session",
    before=before,
    after=after,
    known=known_answer,
)


def blueprint(services: Services) -> Blueprint:
    """The HTTP face of the seed. It is imported here, so that the assistant alone needs no Flask."""
    from assistants.shopping import routes

    return routes.blueprint(services)

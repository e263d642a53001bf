"""JunkJet (seed 000): a chatbot for those who sell, buy or recycle scrap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.assistant import Assistant
from assistants.junkjet.fallback import fallback
from assistants.junkjet.hooks import after, before
from assistants.junkjet.offline import reply
from assistants.junkjet.policy import POLICY
from assistants.junkjet.tools import TOOLS

if TYPE_CHECKING:
    from flask import Blueprint

    from api.services import Services

ASSISTANT: Final = Assistant(
    name="junkjet",
    summary="Prices for scrap, and who buys or sells it near you",
    policy=POLICY,
    prompt=Path(__file__).with_name("prompt.md").read_text("utf-8"),
    offline=reply,
    tools=TOOLS,
    subject="user",
    before=before,
    after=after,
    fallback=fallback,
)


def blueprint(services: Services) -> Blueprint:
    """The HTTP face of the seed. It is imported here, so that the assistant alone needs no Flask."""
    from assistants.junkjet import routes

    return routes.blueprint(services)

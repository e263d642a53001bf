"""JunkJet (seed 000): a chatbot for those who sell, buy or recycle scrap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.assistant import Assistant
from assistants.junkjet.fallback import fallback
from assistants.junkjet.hooks import after, before
from assistants.junkjet.offline import reply
from assistants.junkjet.policy import POLICY
from assistants.junkjet.tools import TOOLS

if TYPE_CHECKING:
    from flask import Blueprint

    from api.services import Services
    from memory import SessionEngine

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


def insights(engine: SessionEngine) -> dict[str, Any]:
    """For the dashboard: what users are here for, and who they are (counts of the live sessions)."""
    from assistants.junkjet.overview import overview

    summary = overview(engine)["summary"]
    return {name: summary[name] for name in ("topIntents", "userTypes")}

"""News (seed 001): answers from articles, with their sources. ``python -m assistants.news.ingest`` brings your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.assistant import Assistant
from assistants.news.hooks import before
from assistants.news.offline import reply
from assistants.news.policy import POLICY
from assistants.news.shelf import SETTINGS, SETTINGS_ABOUT, SHELF
from assistants.news.tools import TOOLS

if TYPE_CHECKING:
    from flask import Blueprint

    from api.services import Services

__all__ = ["ASSISTANT", "SETTINGS", "SETTINGS_ABOUT", "blueprint", "configure"]

ASSISTANT: Final = Assistant(
    name="news",
    summary="Answers questions on the news from articles, and names its sources",
    policy=POLICY,
    prompt=Path(__file__).with_name("prompt.md").read_text("utf-8"),
    offline=reply,
    tools=TOOLS,
    subject="session",
    before=before,
)

configure = SHELF.configure


def blueprint(services: Services) -> Blueprint:
    """The HTTP face of the seed. It is imported here, so that the assistant alone needs no Flask."""
    from assistants.news import routes

    return routes.blueprint(services)

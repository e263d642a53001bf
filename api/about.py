"""``/assistants``: who can be talked to here, by what rules, and as whom the caller is known."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from api import answers, shapes
from api.identity import caller
from api.openapi import describe
from api.services import Services


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("about", __name__)

    @routes.get("/assistants")
    @describe("Who can be talked to here, by what rules, and as whom the caller is known", answers.ASSISTANTS)
    def assistants() -> dict[str, Any]:
        model = services.models.settings
        who = caller()
        return {
            "success": True,
            "version": services.config.version,
            "defaultAssistant": services.config.default_assistant,
            "maxMessageChars": services.config.max_message_chars,
            "model": {"provider": model.provider, "name": model.model, "offline": services.models.offline},
            "caller": {"authentication": services.config.auth, "user": who.user, "admin": who.admin},
            "assistants": [
                {
                    "name": name,
                    "summary": assistant.summary,
                    "subject": assistant.subject,
                    "policy": shapes.policy(services.engines[name].policy),
                }
                for name, assistant in services.registry.items()
            ],
        }

    return routes

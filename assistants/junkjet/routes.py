"""``/chatbot``: the HTTP face of seed 000."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint

from agent.conversation import Request
from agent.events import Done
from api import shapes
from api.chat import refuse_when_draining
from api.errors import session_not_found
from api.identity import acting_user, admin_only, own_user
from api.openapi import KEY, TURN, USER, describe
from api.parsing import Body, Id, MessageId, Text, idempotency_key, message_text, parse
from api.services import Services
from assistants.junkjet import described
from assistants.junkjet.analytics import age_minutes, remaining_minutes
from assistants.junkjet.overview import logger_of, overview, shown
from assistants.junkjet.profile import public
from memory import Cleaner
from memory.clock import iso

NAME: Final = "junkjet"
CLEANUP_SECONDS: Final = 60.0
"""Seed 000 has its sessions swept, and told of in the log, every minute."""


class Query(Body):
    message: Text
    userId: Id | None = None
    messageId: MessageId | None = None


def blueprint(services: Services) -> Blueprint:
    """The endpoints; a cleaner of its own joins those of the services, which start it with the others."""
    routes = Blueprint(NAME, __name__)
    engine, conversation = services.engine(NAME), services.conversation(NAME)
    services.cleaners.append(Cleaner([engine], CLEANUP_SECONDS, also=logger_of(engine)))

    @routes.post("/chatbot/chatbotquery")
    @describe(
        "Say something to JunkJet",
        described.REPLY,
        body=Query,
        example={"message": "I have 20 kg of plastic bottles to sell", "userId": "user123"},
        parameters=(USER, KEY),
        errors=TURN,
    )
    def query() -> dict[str, Any]:
        refuse_when_draining(services)
        asked = parse(Query)
        request = Request(
            message=message_text(asked.message, services.config.max_message_chars),
            key=idempotency_key(asked.messageId),
            subject=acting_user(asked.userId),
        )
        return _reply(conversation.run(request))

    @routes.get("/chatbot/session/<user>")
    @describe("A user's session; looking does not extend it", described.SESSION, errors=["session_not_found"])
    def session(user: str) -> dict[str, Any]:
        view = engine.session(own_user(user))
        if view is None:
            raise session_not_found()
        known = view.session
        return {
            "success": True,
            "userId": user,
            "session": {
                **public(known.attributes),
                "lastInteraction": iso(known.last_activity),
                "sessionStart": iso(known.started),
                "messageCount": known.turns,
            },
            "sessionAge": age_minutes(known, view.now),
            "remainingTime": remaining_minutes(view.verdict.at, view.now),
            "isExpired": False,  # what has ended is not found
        }

    @routes.delete("/chatbot/session/<user>")
    @describe("Erase a user's session and history", described.CLEARED)
    def clear(user: str) -> dict[str, Any]:
        erased = engine.forget(own_user(user))
        engine.stop_turn(user)  # after the erasure, so that what it said so far can't be stored any more
        return {"success": True, "message": "Session cleared" if erased else "There was no session to clear"}

    @routes.get("/chatbot/sessions/analytics")
    @admin_only
    @describe("What goes on in all sessions", described.ANALYTICS)
    def sessions() -> dict[str, Any]:
        return {"success": True, **shown(overview(engine))}

    return routes


def _reply(done: Done) -> dict[str, Any]:
    """The answer to a message. ``messageCount`` counts the user's, ``remainingTime`` is in minutes."""
    finished = done.finished
    body: dict[str, Any] = {
        "success": True,
        "message": done.text,
        "data": done.text,
        "sessionInfo": {
            "userId": finished.session.key.subject,
            "messageCount": finished.session.turns,
            "remainingTime": 0 if finished.verdict.ended else remaining_minutes(finished.verdict.at, finished.now),
        },
        "locationFlag": finished.turn.data.get("locationFlag"),
        **shapes.safety(finished),
    }
    if finished.turn.data.get("fallback"):
        body["fallback"] = True
    return body

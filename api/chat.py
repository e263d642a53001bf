"""``/chat``: talking to any assistant, whole or streamed, and stopping it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from agent.conversation import Request
from api import shapes, sse
from api.errors import ApiError
from api.identity import acting_user, own_user, owner
from api.parsing import Body, Text, idempotency_key, message_text, parse
from api.services import Services


class Chat(Body):
    """A message. Without ``assistant`` the default one answers, without ``userId`` the caller is named anonymously."""

    message: Text
    userId: str | None = None
    assistant: str | None = None
    messageId: str | None = None


class Stop(Body):
    userId: str
    assistant: str | None = None


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("chat", __name__)

    def understand() -> tuple[str, Request]:
        """The assistant and the turn that the client asks for."""
        refuse_when_draining(services)
        chat = parse(Chat)
        name = chat.assistant or services.config.default_assistant
        assistant = services.conversation(name).assistant
        return name, Request(
            message=message_text(chat.message, services.config.max_message_chars),
            key=idempotency_key(chat.messageId),
            subject=acting_user(chat.userId),
            owner=owner() if assistant.subject == "session" else None,
        )

    @routes.post("/chat")
    def chat() -> Response:
        name, asked = understand()
        return jsonify(shapes.reply(services.conversation(name).run(asked), name))

    @routes.post("/chat/stream")
    def stream() -> Response:
        name, asked = understand()
        view, events = services.conversation(name).stream(asked)
        return sse.respond(sse.turn(shapes.view(view), events, lambda done: shapes.reply(done, name)))

    @routes.post("/chat/stop")
    def stop() -> dict[str, Any]:
        asked = parse(Stop)
        name = asked.assistant or services.config.default_assistant
        return {"success": True, "stopped": services.conversation(name).stop(own_user(asked.userId))}

    return routes


def refuse_when_draining(services: Services) -> None:
    """503 once the server is told to stop: another instance can take the turn."""
    if services.draining.is_set():
        raise ApiError(
            503, "shutting_down", "This server is stopping; send the message again", headers={"Retry-After": "1"}
        )

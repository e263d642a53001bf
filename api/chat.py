"""``/chat``: talking to any assistant, whole or streamed, and stopping it."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, jsonify
from pydantic import ConfigDict

from agent.conversation import Request
from api import answers, shapes, sse
from api.errors import ApiError, invalid
from api.identity import acting_user, own_user, owner
from api.openapi import KEY, TURN, USER, describe
from api.parsing import AssistantName, Body, Id, MessageId, Text, idempotency_key, message_text, parse, subject_id
from api.services import Services
from memory import SessionEngine


class Chat(Body):
    """A message. Without ``assistant`` the default one answers, without ``userId`` the caller is named anonymously.

    ``sessionId`` names the conversation with an assistant whose sessions are not a user's (news, chat, shopping).
    """

    message: Text
    userId: Id | None = None
    sessionId: Id | None = None
    assistant: AssistantName | None = None
    messageId: MessageId | None = None


_BY_USER: Final[dict[str, Any]] = {"required": ["userId"], "properties": {"userId": {"type": "string"}}}
_BY_SESSION: Final[dict[str, Any]] = {
    "required": ["sessionId", "assistant"],
    "properties": {"sessionId": {"type": "string"}, "assistant": {"x-component": "SessionAssistant"}},
}


class Stop(Body):
    """Whose turn is to end: ``userId``, or ``sessionId`` where the assistant's sessions are not a user's."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_BY_USER, _BY_SESSION]})

    userId: Id | None = None
    sessionId: Id | None = None
    assistant: AssistantName | None = None


_EXAMPLE: Final = {"message": "Weather in London?", "userId": "user123", "assistant": "weather"}


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("talk", __name__)

    def understand() -> tuple[str, Request]:
        """The assistant and the turn that the client asks for."""
        refuse_when_draining(services)
        chat = parse(Chat)
        name = chat.assistant or services.config.default_assistant
        by_session = services.conversation(name).assistant.subject == "session"
        return name, Request(
            message=message_text(chat.message, services.config.max_message_chars),
            key=idempotency_key(chat.messageId),
            subject=subject_id(chat.sessionId) if by_session and chat.sessionId else acting_user(chat.userId),
            owner=owner() if by_session else None,
        )

    @routes.post("/chat")
    @describe(
        "Say something to an assistant",
        answers.REPLY,
        body=Chat,
        example=_EXAMPLE,
        parameters=(USER, KEY),
        errors=("session_not_found", *TURN),
    )
    def chat() -> Response:
        name, asked = understand()
        return jsonify(shapes.reply(services.conversation(name).run(asked), name))

    @routes.post("/chat/stream")
    @describe(
        "Say something to an assistant, and hear the reply as it is made",
        answers.STREAM,
        about="Events: `session` first, then `token` and `tool`, at the end `done` (as `/chat` answers) or `error`. "
        "A client that leaves does not end its turn.",
        body=Chat,
        example=_EXAMPLE,
        parameters=(USER, KEY),
        errors=("session_not_found", *TURN),
    )
    def stream() -> Response:
        name, asked = understand()
        view, events = services.conversation(name).stream(asked)
        return sse.respond(sse.turn(shapes.view(view), events, lambda done: shapes.reply(done, name)))

    @routes.post("/chat/stop")
    @describe(
        "End the running turn; what was said so far is kept",
        answers.STOPPED,
        body=Stop,
        example={"userId": "user123"},
    )
    def stop() -> dict[str, Any]:
        asked = parse(Stop)
        name = asked.assistant or services.config.default_assistant
        conversation = services.conversation(name)
        if conversation.assistant.subject == "session" and asked.sessionId:
            subject = subject_id(asked.sessionId)
            if _is_foreign(conversation.engine, subject):
                return {"success": True, "stopped": False}
        elif asked.userId:
            subject = own_user(asked.userId)
        else:
            raise invalid("userId or sessionId must say whose turn is to be stopped", "userId")
        return {"success": True, "stopped": conversation.stop(subject)}

    return routes


def _is_foreign(engine: SessionEngine, session_id: str) -> bool:
    """Whether the session is another's. One whose first turn is still running has no owner yet."""
    return engine.session(session_id) is not None and engine.session(session_id, owner=owner()) is None


def refuse_when_draining(services: Services) -> None:
    """503 once the server is told to stop: another instance can take the turn."""
    if services.draining.is_set():
        raise ApiError(
            503, "shutting_down", "This server is stopping; send the message again", headers={"Retry-After": "1"}
        )

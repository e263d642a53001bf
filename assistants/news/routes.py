"""``/api/session`` and ``/api/send-message``: the HTTP face of seed 001."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from agent.conversation import Request
from agent.events import Done
from api import shapes
from api.chat import refuse_when_draining
from api.errors import ApiError, session_not_found
from api.identity import owner
from api.openapi import KEY, TEXT, TURN, USER, Parameter, describe
from api.parsing import Body, MessageId, Text, idempotency_key, message_text, parse, subject_id
from api.services import Services
from api.session_ids import new_session_id
from assistants.news import described
from memory import SessionNotFound
from memory.clock import iso

NAME: Final = "news"
HEADER: Final = "session-id"


class Question(Body):
    question: Text
    messageId: MessageId | None = None


GONE: Final = ("session_not_found", "session_busy")
SESSION: Final = Parameter(HEADER, {"type": "string"}, "The session to go on with.", "header")


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint(NAME, __name__)
    engine, conversation = services.engine(NAME), services.conversation(NAME)

    @routes.post("/api/session/create")
    @describe("Open a session", described.CREATED, parameters=(USER,))
    def create() -> dict[str, Any]:
        session_id = str(uuid4())
        engine.open(session_id, owner=owner() or "")
        return {"success": True, "sessionId": session_id, "message": "Session created successfully"}

    @routes.get("/api/session/<session_id>/history")
    @describe("What was said; reading it extends the session", described.HISTORY, parameters=(USER,), errors=GONE)
    def history(session_id: str) -> dict[str, Any]:
        """Reading is an access, and every access of a news session extends it."""
        who = owner()
        touched = engine.touch(subject_id(session_id), owner=who)
        view = engine.session(session_id, owner=who, turns=engine.policy.keep_turns) if touched else None
        if view is None:
            raise session_not_found()
        return {
            "success": True,
            "messages": shapes.messages(view.turns, "type", "user", "assistant"),
            "sessionId": session_id,
            "createdAt": iso(view.session.started),
            "lastActivity": iso(view.session.last_activity),
        }

    @routes.delete("/api/session/<session_id>")
    @describe("End a session", described.CLEARED, parameters=(USER,), errors=GONE)
    def clear(session_id: str) -> dict[str, Any]:
        if engine.end(subject_id(session_id), owner=owner()) is None:
            raise session_not_found()
        engine.stop_turn(session_id)  # after the end, so that what it said so far can't be stored any more
        return {"success": True, "message": "Session cleared successfully"}

    @routes.get("/api/session/<session_id>/validate")
    @describe("Whether a session is live", described.VALID, parameters=(USER,), path={"session_id": TEXT})
    def validate(session_id: str) -> dict[str, Any]:
        """Extends nothing. An id that could not be one is told like one that is none."""
        valid = _well_formed(session_id) and engine.session(session_id, owner=owner()) is not None
        return {"success": True, "valid": valid, "sessionId": session_id}

    @routes.post("/api/send-message")
    @describe(
        "Ask about the news",
        described.REPLY,
        about="Without a session, or with one that is not live or not the caller's, a new one is opened; its id is in "
        "the answer and in its header `session-id`.",
        body=Question,
        example={"question": "What is new in solar power?"},
        parameters=(SESSION, USER, KEY),
        errors=TURN,
    )
    def send_message() -> Response:
        refuse_when_draining(services)
        asked = parse(Question)
        text, key = message_text(asked.question, services.config.max_message_chars), idempotency_key(asked.messageId)
        done = ask(text, key)
        response = jsonify(_reply(done))
        response.headers[HEADER] = done.finished.session.key.subject
        return response

    def ask(text: str, key: str | None) -> Done:
        """The turn, in the caller's session where it is live and theirs, else in a new one."""
        given, who = request.headers.get(HEADER, ""), owner()
        if _well_formed(given):
            try:
                return conversation.run(Request(given, text, key=key, owner=who, create=False))
            except SessionNotFound:
                pass
        session_id = new_session_id(services.config, NAME, who, key)
        return conversation.run(Request(session_id, text, key=key, owner=who))

    return routes


def _well_formed(session_id: str) -> bool:
    try:
        return bool(subject_id(session_id))
    except ApiError:
        return False


def _reply(done: Done) -> dict[str, Any]:
    finished = done.finished
    return {
        "success": True,
        "reply": done.text,
        "sessionID": finished.session.key.subject,
        "sources": finished.turn.data.get("sources", []),
        **shapes.safety(finished),
    }

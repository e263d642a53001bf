"""``/sessions``: what a user's sessions are, were and held, and ending them (seed 003)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from flask import Blueprint, request
from pydantic import StringConstraints, WithJsonSchema

from api import answers, shapes
from api.errors import invalid, session_not_found
from api.identity import own_subject, owner
from api.openapi import LIVE_ASSISTANT, SESSION_ID, Parameter, assistant, describe, number
from api.parsing import TEXT_PATTERN, Body, full_session_id, parse, query_number
from api.services import Services
from memory import EndedSession, SessionEngine


class End(Body):
    reason: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64, strip_whitespace=True),
        WithJsonSchema({"type": "string", "maxLength": 64, "pattern": TEXT_PATTERN}),
    ] = "manual"


ASKED: Final = assistant()
LIMIT: Final = number("limit", 10, 1, 100, "The newest that many.")


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("sessions", __name__)

    def engine() -> SessionEngine:
        return services.engine(request.args.get("assistant", services.config.default_assistant))

    def kind() -> str:
        return services.registry[engine().namespace].subject

    def who_asks() -> str | None:
        """Sessions of a user were looked at when the user was; those that are nobody's are their opener's."""
        return owner() if kind() == "session" else None

    def history_of(user: str, limit: int) -> dict[str, Any]:
        who = who_asks()
        view = engine().session(user, owner=who)
        turns = engine().history(user, limit, owner=who)
        return {
            "success": True,
            "userId": user,
            "sessionId": view.session.id if view else "current",
            "history": [shapes.history_entry(user, turn) for turn in turns],
            "count": len(turns),
        }

    @routes.get("/sessions/<user>")
    @describe(
        "A user's live session, and those that ended in the last 24 hours",
        answers.SESSIONS,
        about="With `CARRY_OVER=summary` an ended session's `carryOver` is what it left for the next one, and a live "
        "one's `carriedOver` what opened it. With `SUMMARISE=1` its `summary` is what was said in turns that the model "
        "is not shown any more. Each is left out where there is none.",
        parameters=(ASKED,),
    )
    def sessions(user: str) -> dict[str, Any]:
        live, ended = engine().list(own_subject(kind(), user))
        if live and engine().session(user, owner=who_asks()) is None:
            live, ended = None, ()  # a foreign session looks like an unknown one
        elif not live and services.config.auth and who_asks() is not None:
            ended = ()  # records name no owner, so nobody but an administrator is told of them
        return {
            "success": True,
            "userId": user,
            "activeSessions": 1 if live else 0,
            "sessions": [{**shapes.live(live), **shapes.words(live.session)}] if live else [],
            "endedSessions": [shapes.ended(_as_told_to(who_asks(), record)) for record in ended],
        }

    @routes.get("/sessions/<user>/history")
    @describe("What was said, oldest first", answers.HISTORY, parameters=(ASKED, LIMIT))
    def history(user: str) -> dict[str, Any]:
        return history_of(own_subject(kind(), user), query_number("limit", 10, 1, 100))

    @routes.get("/sessions/<user>/history/<session_id>")
    @describe(
        "What was said in one session",
        answers.HISTORY,
        parameters=(ASKED, number("limit", 100, 1, 100)),
        path={"session_id": SESSION_ID},
        errors=["session_not_found"],
    )
    def session_history(user: str, session_id: str) -> dict[str, Any]:
        found = history_of(own_subject(kind(), user), query_number("limit", 100, 1, 100))
        if found["sessionId"] != full_session_id(session_id):
            raise session_not_found()
        found["history"] = [entry for entry in found["history"] if entry["sessionId"] == session_id]
        return {**found, "count": len(found["history"])}

    @routes.post("/sessions/<user>/end")
    @describe(
        "End a user's session", answers.ENDING, body=End, example={"reason": "manual"}, optional_body=True,
        parameters=(ASKED,), errors=["session_busy"],
    )  # fmt: skip
    def end(user: str) -> dict[str, Any]:
        reason = parse(End, optional=True).reason
        ended = engine().end(own_subject(kind(), user), reason, owner=who_asks())
        message = "The session was ended" if ended else "There was no active session"
        return {"success": True, "message": message, "reason": reason, "endedSessions": 1 if ended else 0}

    @routes.delete("/sessions/<user>")
    @describe(
        "Erase a user's session and history with one assistant",
        answers.FORGOTTEN,
        parameters=(Parameter("assistant", LIVE_ASSISTANT, "Whose; none that archives."),),
        errors=["session_not_found"],
    )
    def forget(user: str) -> dict[str, Any]:
        """Session and history of one assistant, gone. 200 also where there was nothing to forget."""
        asked, subject = engine(), own_subject(kind(), user)
        if asked.policy.archive:
            raise invalid("Conversations of this assistant are archived: use DELETE /api/sessions/{id}", "assistant")
        who = who_asks()
        if who is not None and asked.session(subject) is not None and asked.session(subject, owner=who) is None:
            raise session_not_found()
        erased = asked.forget(subject)
        asked.stop_turn(subject)  # after the erasure, so that what it said so far can't be stored any more
        return {"success": True, "message": "Forgotten" if erased else "There was nothing to forget", "deleted": erased}

    @routes.get("/history/<user>")
    @describe("What was said, in the older form", answers.OLDER_HISTORY, parameters=(ASKED, LIMIT))
    def older_history(user: str) -> dict[str, Any]:
        """The form from before there were sessions, still served."""
        found = history_of(own_subject(kind(), user), query_number("limit", 10, 1, 100))
        return {"history": found["history"], "userId": user}

    return routes


def _as_told_to(owner: str | None, record: EndedSession) -> EndedSession:
    """A session id may have had other owners: what theirs left is not told."""
    return record if owner is None or record.owner in ("", owner) else replace(record, carry_over="")

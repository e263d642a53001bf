"""``/users``: everything that is held on a user, given out or erased."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from api import shapes
from api.examples import Each, Free, Maybe, Named, OneOf
from api.identity import COOKIE, cookie_user, own_user
from api.openapi import describe
from api.services import Services
from memory import Message, SessionEngine, Turn
from memory.clock import iso, now_ms
from memory.held import Erased, Held, Receipt, archived, erase, held
from memory.policy import verdict

_TIME: Final = "2026-11-20T10:30:00.000Z"
_TURN: Final = Named(
    "StoredTurn",
    {
        "id": "Yk3vH2mQw0U",
        "timestamp": _TIME,
        "durationMs": 412,
        "message": "Weather in London?",
        "response": "Cloudy, 9 °C.",
        "messages": [Free({"role": "human", "content": "Weather in London?"})],
        "data?": Free({}),
        "interrupted?": True,
    },
)
_EXPORT: Final = {
    "success": True,
    "userId": "user123",
    "exportedAt": _TIME,
    "complete": True,
    "assistants": Each(
        "weather",
        [
            {
                "subject": "user123",
                "session": Maybe(Free({"sessionId": "session:user123:1732088400000"})),
                "attributes": Free({"units": "metric"}),
                "turns": [_TURN],
                "endedSessions": [Free({"sessionId": "session:user123:1732080000000"})],
            }
        ],
    ),
    "archive": [
        {
            "sessionId": "3f0f1c4e-8a5b-4e0b-9a55-1f1f3a7b7e11",
            "name": "Weather in London?",
            "createdAt": _TIME,
            "lastActivity": _TIME,
            "tags": ["travel"],
            "turns": [_TURN],
        }
    ],
}
_RECEIPT: Final = {
    "success": True,
    "userId": "user123",
    "erasedAt": _TIME,
    "complete": True,
    "erased": {
        "assistants": Each("weather", {"sessions": 1, "turns": 3, "endedSessions": 2}),
        "archive": Maybe({"conversations": 1, "messages": 6}),
        "runningTurns": 0,
    },
    "where": {
        "redis?": OneOf("erased", "pending"),
        "memory": "erased",
        "journal?": "erased",
        "archive?": OneOf("erased", "pending"),
        "otherInstances?": OneOf("told", "pending"),
    },
    "remembered": "Keyed hashes of the erased ids, for a week, so that no instance that was away brings them back",
}
_REMEMBERED: Final = _RECEIPT["remembered"]


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("users", __name__)

    @routes.get("/users/<user>/export")
    @describe("Everything that is held on a user", _EXPORT, errors=["over_capacity"])
    def export(user: str) -> Response:
        user = own_user(user)
        response = jsonify(
            {
                "success": True,
                "userId": user,
                "exportedAt": iso(now_ms()),
                "complete": not services.store.degraded,
                "assistants": {
                    name: [_held(engine, each) for each in held(engine, user) if each]
                    for name, engine in services.engines.items()
                },
                "archive": _archived(services, user),
            }
        )
        response.headers["Content-Disposition"] = 'attachment; filename="parley-export.json"'
        return response

    @routes.delete("/users/<user>")
    @describe(
        "Erase everything that is held on a user",
        _RECEIPT,
        about="Sessions, histories, carts and archived conversations are gone when this answers, from memory and from "
        "disk; turns that are running are ended and not stored. Other instances are told at once, and one that is cut "
        "off finds out when it is back. `complete` is false where a store was away (`where` says `pending`): what is "
        "known of is erased then and stays so, and asking again does the rest.",
        errors=["over_capacity"],
    )
    def delete(user: str) -> Response:
        user = own_user(user)
        receipt = erase(services.engines, services.archive, user)
        response = jsonify(
            {
                "success": True,
                "userId": user,
                "erasedAt": iso(now_ms()),
                "complete": receipt.reached and receipt.overwritten,
                "erased": {
                    "assistants": {name: _counts(each) for name, each in receipt.engines.items()},
                    "archive": None
                    if services.archive is None
                    else {"conversations": receipt.archive.sessions, "messages": 2 * receipt.archive.turns},
                    "runningTurns": receipt.stopped,
                },
                "where": _where(services, receipt),
                "remembered": "Nothing" if services.store.kind == "memory" else _REMEMBERED,
            }
        )
        if cookie_user() == user:
            response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
        return response

    return routes


def _where(services: Services, receipt: Receipt) -> dict[str, str]:
    """What became of it in every place: ``pending`` is done as soon as the place can be reached."""
    status = services.store.status()
    places = {"memory": "erased"}
    if status.backend != "memory":
        places = {"redis": "erased" if receipt.reached else "pending", **places}
        places["otherInstances"] = "told" if receipt.reached else "pending"
    if "journalBytes" in status.detail:
        places["journal"] = "erased"
    if services.archive is not None:
        places["archive"] = "erased" if receipt.overwritten else "pending"
    return places


def _counts(erased: Erased) -> dict[str, int]:
    return {"sessions": erased.sessions, "turns": erased.turns, "endedSessions": erased.ended}


def _held(engine: SessionEngine, each: Held) -> dict[str, Any]:
    session, now = each.session, engine.store.now()
    return {
        "subject": each.subject,
        "session": {**shapes.session(session, verdict(engine.policy, session, now), now), **shapes.words(session)}
        if session
        else None,
        "attributes": dict(session.attributes) if session else {},
        "turns": [_turn(turn) for turn in each.turns],
        "endedSessions": [shapes.ended(record) for record in each.ended],
    }


def _archived(services: Services, user: str) -> list[dict[str, Any]]:
    found = []
    for session_id in archived(services.archive, user) if services.archive is not None else ():
        if (chat := services.archive.export(session_id)) is not None:
            row = chat.session
            found.append(
                {
                    "sessionId": row.session_id,
                    "name": row.chat_name,
                    "createdAt": iso(row.created_at),
                    "lastActivity": iso(row.last_activity),
                    "tags": list(row.tags),
                    "turns": [_turn(turn) for turn in chat.turns],
                }
            )
    return found


def _turn(turn: Turn) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": turn.id,
        "timestamp": iso(turn.began),
        "durationMs": turn.took,
        "message": turn.message,
        "response": turn.response,
        "messages": [_message(message) for message in turn.messages],
    }
    if turn.data:
        entry["data"] = dict(turn.data)
    if turn.interrupted:
        entry["interrupted"] = True
    return entry


def _message(message: Message) -> dict[str, Any]:
    return {**message.rest, "role": message.role, "content": message.content}

"""``/auth/token``: a server with a key makes short-lived tokens for its users, whose browsers then ask themselves."""

from __future__ import annotations

from typing import Annotated, Any, Final

from flask import Blueprint, current_app
from pydantic import Field

from api.gate import Gate
from api.identity import admin_only, caller
from api.openapi import describe
from api.parsing import WHOLE, Body, Id, parse, subject_id
from api.services import Services
from memory.clock import iso

_TOKEN: Final = {
    "success": True,
    "userId": "user123",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyMTIzIn0.c2lnbmF0dXJl",
    "expiresAt": "2026-11-20T10:45:00.000Z",
}


class TokenWanted(Body):
    """For whom, and for how long: 15 minutes unless said, a day at most."""

    userId: Id
    seconds: Annotated[int, Field(ge=60, le=86_400), WHOLE] = 900


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("tokens", __name__)

    @routes.post("/auth/token")
    @admin_only
    @describe(
        "Make a short-lived token for a user",
        _TOKEN,
        about="The token is sent as a key is, and acts for this user alone. It ends with its time, or with the key "
        "that made it. Where `AUTH` is off it is made all the same, and opens nothing that is not open.",
        body=TokenWanted,
        example={"userId": "user123", "seconds": 900},
        errors=("invalid_id",),
    )
    def token() -> dict[str, Any]:
        wanted = parse(TokenWanted)
        user = subject_id(wanted.userId)
        gate: Gate = current_app.extensions["parley-gate"]
        made, expires = gate.tokens.make(user, wanted.seconds, caller().key)
        return {"success": True, "userId": user, "token": made, "expiresAt": iso(expires)}

    return routes

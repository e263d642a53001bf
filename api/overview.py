"""``/system/sessions`` and ``/system/insights``: every live session, and what goes on in all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request

from api import answers, shapes
from api.identity import admin_only
from api.openapi import assistant, describe, number
from api.parsing import query_number
from api.services import Services
from memory import SessionEngine


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("overview", __name__)

    @routes.get("/system/sessions")
    @admin_only
    @describe(
        "A page of all live sessions, those that end last first",
        answers.ALL_SESSIONS,
        parameters=(
            number("limit", 50, 1, 100),
            number("offset", 0, 0, 1_000_000),
            assistant("Only this one's; without it all."),
        ),
    )
    def sessions() -> dict[str, Any]:
        """A page of the live sessions, assistant by assistant, those that end last first."""
        only = request.args.get("assistant")
        engines = [services.engine(only)] if only is not None else list(services.engines.values())
        limit, offset = query_number("limit", 50, 1, 100), query_number("offset", 0, 0, 1_000_000)
        live = {engine.namespace: services.store.totals(engine.namespace).live for engine in engines}
        found: list[dict[str, Any]] = []
        for engine in engines:
            if len(found) < limit and offset < live[engine.namespace]:
                found += _page(engine, limit - len(found), offset)
            offset = max(0, offset - live[engine.namespace])
        return {"success": True, "sessions": found, "count": len(found), "total": sum(live.values())}

    @routes.get("/system/insights")
    @admin_only
    @describe("What goes on in all sessions together", answers.INSIGHTS)
    def insights() -> dict[str, Any]:
        """Live sessions of each assistant, and what an assistant's package tells of its own (``insights(engine)``)."""
        return {
            "success": True,
            "assistants": {name: _totals(services, name) for name in services.engines},
            "insights": {
                name: told
                for name, package in services.registry.packages.items()
                if hasattr(package, "insights") and (told := _told(package, services.engines[name]))
            },
        }

    return routes


def _page(engine: SessionEngine, limit: int, offset: int) -> list[dict[str, Any]]:
    return [
        {"assistant": engine.namespace, "subject": view.session.key.subject, **shapes.live(view)}
        for view in engine.live(limit, offset)
    ]


def _totals(services: Services, name: str) -> dict[str, int]:
    totals = services.store.totals(name)
    return {"activeSessions": totals.live, "activeConversations": totals.turns}


def _told(package: Any, engine: SessionEngine) -> Mapping[str, Any]:
    told: Mapping[str, Any] = package.insights(engine)
    return told

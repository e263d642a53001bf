"""``/api/generate`` … ``/api/health``: the HTTP face of seed 002."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from flask import Blueprint, Response, request
from pydantic import AfterValidator, AliasChoices, Field, StringConstraints, WithJsonSchema

from agent.conversation import Request
from api import shapes
from api.chat import refuse_when_draining
from api.errors import ApiError, invalid, session_not_found
from api.examples import Free
from api.identity import admin_only, owner
from api.openapi import KEY, TEXT, TURN, USER, Content, Parameter, describe, number
from api.parsing import (
    WHOLE,
    Body,
    Id,
    MessageId,
    Text,
    idempotency_key,
    message_text,
    parse,
    query_number,
    subject_id,
    whole_body,
)
from api.services import Services
from api.session_ids import new_session_id
from assistants.chat import described, export
from assistants.chat.templates import templates
from memory import StoreUnavailable
from memory.archive import Archive, ChatSession, SessionExists
from memory.clock import iso

NAME: Final = "chat"
MAX_HISTORY: Final = 1_000
"""Messages of one answer, where no limit is asked for."""

_DAY_MS: Final = 86_400_000


def _time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a time such as 2026-11-20T10:30:00.000Z") from error
    return text


Time = Annotated[str, AfterValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})]


class Generate(Body):
    prompt: Text = Field(validation_alias=AliasChoices("prompt", "message"))
    session_id: Id | None = None
    max_history: Annotated[int, Field(ge=0, le=50), WHOLE] = 10
    messageId: MessageId | None = None


class History(Body):
    session_id: Id
    limit: Annotated[int, Field(ge=1, le=100), WHOLE] | None = None
    before: Time | None = None


class Session(Body):
    session_id: Id


class Cleanup(Body):
    days_old: Annotated[int, Field(ge=0, le=36_500), WHOLE] = 30


class Change(Body):
    chat_name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)] | None = None
    tags: list[Annotated[str, StringConstraints(min_length=1, max_length=32)]] | None = Field(None, max_length=20)


_GONE: Final = ("session_not_found",)
_ALL: Final = "Everybody's where the caller administers and names no user; else the caller's own."


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint(NAME, __name__)
    engine, conversation, archive = services.engine(NAME), services.conversation(NAME), services.archive
    if not isinstance(archive, Archive):
        raise TypeError("the chat assistant needs the archive")

    def row_of(session_id: str) -> ChatSession:
        """The session's row, where it is there and the caller's."""
        row, who = archive.session(session_id), owner()
        if row is None or (who is not None and row.owner not in ("", who)):
            raise session_not_found()
        return row

    def forget(session_id: str) -> None:
        """Out of memory, running turn and all."""
        engine.end(session_id, "deleted")
        engine.stop_turn(session_id)
        engine.forget(session_id)

    @routes.post("/api/generate")
    @describe(
        "Begin or continue a conversation",
        described.GENERATED,
        body=Generate,
        example={"prompt": "Hello, who are you?", "max_history": 10},
        parameters=(USER, KEY),
        errors=(*_GONE, *TURN),
    )
    def generate() -> dict[str, Any]:
        refuse_when_draining(services)
        asked = parse(Generate)
        text, key, who = (
            message_text(asked.prompt, services.config.max_message_chars),
            idempotency_key(asked.messageId),
            owner(),
        )
        session_id = asked.session_id or new_session_id(services.config, NAME, who, key)
        done = conversation.run(Request(session_id, text, key=key, owner=who, shown_turns=asked.max_history))
        row = archive.session(session_id)
        return {
            "response": done.text,
            "session_id": session_id,
            "chat_name": row.chat_name if row else "",
            "message_count": row.message_count if row else 0,
            **shapes.safety(done.finished),
        }

    @routes.post("/api/get_history")
    @describe(
        "What was said, oldest first",
        described.HISTORY,
        about="`limit` gives the newest that many messages, `before` those ahead of a time, exclusive.",
        body=History,
        example={"session_id": "3f0f1c4e-8a5b-4e0b-9a55-1f1f3a7b7e11"},
        parameters=(USER,),
        errors=_GONE,
    )
    def get_history() -> dict[str, Any]:
        asked = parse(History)
        row_of(asked.session_id)
        before = None if asked.before is None else round(datetime.fromisoformat(asked.before).timestamp() * 1000)
        entries = archive.history(asked.session_id, asked.limit or MAX_HISTORY, before)
        history = [{"sender": e.sender, "content": e.content, "timestamp": iso(e.timestamp)} for e in entries]
        return {"session_id": asked.session_id, "history": history}

    @routes.post("/api/clear_history")
    @describe(
        "Forget what was said; the session stays",
        described.CLEARED,
        body=Session,
        example={"session_id": "3f0f1c4e-8a5b-4e0b-9a55-1f1f3a7b7e11"},
        parameters=(USER,),
        errors=_GONE,
    )
    def clear_history() -> dict[str, Any]:
        session_id = parse(Session).session_id
        row_of(session_id)
        forget(session_id)
        return {"success": True, "message": "The history was cleared", "deleted": archive.clear(session_id)}

    @routes.get("/api/session_names")
    @describe(
        "All conversations, newest activity first",
        described.NAMES,
        about=f"`q` searches names and text. {_ALL}",
        parameters=(
            Parameter("q", TEXT, "Words to look for; the last one may be only begun."),
            Parameter("tag", TEXT, "Only those with this tag."),
            number("limit", 50, 1, 100),
            number("offset", 0, 0, 1_000_000),
            USER,
        ),
    )
    def session_names() -> dict[str, Any]:
        rows, total = archive.names(
            owner() or None,
            request.args.get("q", "")[:200],
            query_number("limit", 50, 1, 100),
            query_number("offset", 0, 0, 1_000_000),
            request.args.get("tag") or None,
        )
        return {"sessions": [_row(row) for row in rows], "total": total}

    @routes.get("/api/sessions")
    @describe(
        "Conversations in memory now",
        described.LIVE,
        about=_ALL,
        parameters=(number("limit", 100, 1, 100), number("offset", 0, 0, 1_000_000), USER),
    )
    def live_sessions() -> dict[str, Any]:
        who = owner() or None
        views = engine.live(query_number("limit", 100, 1, 100), query_number("offset", 0, 0, 1_000_000))
        mine = [view.session.key.subject for view in views if who is None or view.session.owner == who]
        active = engine.store.totals(NAME).live if who is None else len(mine)
        return {"active_sessions": active, "sessions": mine}

    @routes.delete("/api/sessions/<session_id>")
    @describe("Delete a conversation", described.DELETED, parameters=(USER,), errors=_GONE)
    def delete(session_id: str) -> dict[str, Any]:
        row_of(subject_id(session_id))
        forget(session_id)
        if not archive.delete(session_id):
            raise session_not_found()
        return {"success": True, "message": "The session was deleted"}

    @routes.patch("/api/sessions/<session_id>")
    @describe(
        "Rename a conversation, or tag it",
        described.CHANGED,
        body=Change,
        example={"chat_name": "Weekend in Rome", "tags": ["travel"]},
        parameters=(USER,),
        errors=_GONE,
    )
    def change(session_id: str) -> dict[str, Any]:
        wanted = parse(Change)
        row_of(subject_id(session_id))
        try:
            if wanted.chat_name is not None:
                archive.rename(session_id, wanted.chat_name)
            if wanted.tags is not None:
                archive.set_tags(session_id, wanted.tags)
        except ValueError as error:
            raise invalid(str(error)) from error
        return {"success": True, "session": _row(row_of(session_id))}

    @routes.get("/api/sessions/<session_id>/export")
    @describe(
        "A conversation as a file",
        (Free(described.EXPORT), Content("text/markdown"), Content("application/pdf")),
        parameters=(Parameter("format", {"type": "string", "enum": ["json", "md", "pdf"], "default": "json"}), USER),
        errors=_GONE,
    )
    def export_session(session_id: str) -> Response:
        form = request.args.get("format", "json")
        if form not in _FORMATS:
            raise invalid("format must be json, md or pdf", "format")
        row_of(subject_id(session_id))
        chat = archive.export(session_id)
        if chat is None:
            raise session_not_found()
        write, kind = _FORMATS[form]
        written: bytes | str = write(chat)
        response = Response(written, content_type=kind)
        response.headers["Content-Disposition"] = f'attachment; filename="chat-{session_id}.{form}"'.replace(":", "-")
        return response

    @routes.post("/api/sessions/import")
    @describe(
        "A conversation back in, as it was exported",
        described.IMPORTED,
        about="The body is a JSON export, unchanged, of at most 10 MB.",
        body=export.Exported,
        example=described.EXPORT,
        parameters=(USER,),
        errors=("session_exists",),
    )
    def import_session() -> dict[str, Any]:
        request.max_content_length = export.MAX_BYTES
        try:
            chat = export.from_json(whole_body())
        except export.InvalidExport as error:
            raise invalid(str(error), error.field or None) from error
        try:
            archive.import_session(chat, owner() or "")
        except SessionExists as error:
            raise ApiError(409, "session_exists", "A conversation with this id is there already") from error
        except ValueError as error:
            raise invalid(str(error)) from error
        session = chat.session
        return {
            "success": True,
            "session_id": session.session_id,
            "chat_name": session.chat_name,
            "message_count": 2 * len(chat.turns),
        }

    @routes.get("/api/session_stats")
    @admin_only
    @describe("Totals and activity", described.STATS, about="By hour for a day and by day for a month, in UTC.")
    def session_stats() -> dict[str, Any]:
        found = archive.stats(engine.store.now())
        return {
            "total_sessions": found.total_sessions,
            "total_messages": found.total_messages,
            "recent_sessions": found.recent_sessions,
            "activity": [
                {"hour": iso(each.start), "sessions": each.sessions, "messages": each.messages}
                for each in found.by_hour
            ],
            "days": [
                {"day": iso(each.start), "sessions": each.sessions, "messages": each.messages} for each in found.by_day
            ],
        }

    @routes.get("/api/cleanup_sessions")
    @admin_only
    @describe(
        "How many conversations a clean-up would delete", described.OLD, parameters=(number("days_old", 30, 0, 36_500),)
    )
    def count_old() -> dict[str, Any]:
        days = query_number("days_old", 30, 0, 36_500)
        return {"sessions": archive.count_older(engine.store.now() - days * _DAY_MS), "days_old": days}

    @routes.post("/api/cleanup_sessions")
    @admin_only
    @describe(
        "Delete conversations by age",
        described.CLEANED,
        body=Cleanup,
        example={"days_old": 30},
        optional_body=True,
    )
    def cleanup() -> dict[str, Any]:
        days = parse(Cleanup, optional=True).days_old

        def deleted(session_ids: Any) -> None:
            for session_id in session_ids:
                forget(session_id)

        count = archive.cleanup(engine.store.now() - days * _DAY_MS, deleted)
        return {"deleted_sessions": count, "days_old": days}

    @routes.get("/api/tags")
    @describe("The tags in use, most used first", described.TAGS, about=_ALL, parameters=(USER,))
    def tags() -> dict[str, Any]:
        used = archive.tags(owner() or None)
        return {"tags": [{"tag": tag, "sessions": sessions} for tag, sessions in used[:100]]}

    @routes.get("/api/templates")
    @describe("Ways to begin a conversation", described.TEMPLATES)
    def starters() -> dict[str, Any]:
        return {"templates": [template.model_dump(mode="json") for template in templates()]}

    @routes.get("/api/health")
    @describe("Whether database and store answer", described.HEALTH, answers={200: described.HEALTH})
    def health() -> dict[str, Any]:
        """Alive is healthy: a database that is away is told, not failed on."""
        try:
            archive.ping()
            database = "ok"
        except StoreUnavailable:
            database = "unavailable"
        return {"status": "healthy", "database": database, "store": services.store.status().state}

    return routes


_FORMATS: Final[dict[str, tuple[Any, str]]] = {
    "json": (export.to_json, "application/json"),
    "md": (export.to_markdown, "text/markdown; charset=utf-8"),
    "pdf": (export.to_pdf, "application/pdf"),
}


def _row(row: ChatSession) -> dict[str, Any]:
    snippet = row.snippet
    return {
        "session_id": row.session_id,
        "chat_name": row.chat_name,
        "created_at": iso(row.created_at),
        "last_activity": iso(row.last_activity),
        "message_count": row.message_count,
        "tags": list(row.tags),
        "name_marks": [list(mark) for mark in row.name_marks],
        "snippet": {"text": snippet.text, "marks": [list(mark) for mark in snippet.marks]} if snippet else None,
    }

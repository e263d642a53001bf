"""How sessions and replies look in JSON (API.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.events import Done
from memory import EndedSession, FinishedTurn, Session, SessionPolicy, Turn, Verdict, View
from memory.clock import iso
from memory.session import session_id


def session(session: Session, verdict: Verdict, now: int) -> dict[str, Any]:
    """The session object."""
    return {
        "sessionId": session.id,
        "status": "ended" if verdict.ended else "active",
        "startTime": iso(session.started),
        "lastActivity": iso(session.last_activity),
        "expiresAt": iso(verdict.at),
        "remainingSeconds": 0 if verdict.ended else max(0, (verdict.at - now) // 1000),
        "conversationCount": session.turns,
        "remainingConversations": verdict.remaining_turns,
        "endReason": verdict.ended,
    }


def view(view: View) -> dict[str, Any]:
    return session(view.session, view.verdict, view.now)


def live(view_: View) -> dict[str, Any]:
    """A live session in a list: ``duration`` is in ms."""
    return {**view(view_), "duration": view_.now - view_.session.started}


def ended(record: EndedSession) -> dict[str, Any]:
    left = {"carryOver": record.carry_over} if record.carry_over else {}
    return {
        "sessionId": record.id,
        "startTime": iso(record.started),
        "endTime": iso(record.ended),
        "duration": record.ended - record.started,
        "conversationCount": record.turns,
        "endReason": record.reason,
        **left,
    }


def words(session: Session) -> dict[str, str]:
    """What is kept of what was said earlier, in short: before this session, and in turns not shown any more."""
    kept = {"carriedOver": session.carried_over, "summary": session.summary}
    return {name: text for name, text in kept.items() if text}


def history_entry(subject: str, turn: Turn) -> dict[str, Any]:
    """One turn of a native history."""
    entry: dict[str, Any] = {
        "timestamp": iso(turn.began),
        "message": turn.message,
        "response": turn.response,
        "sessionId": session_id(subject, turn.session_started),
    }
    if turn.interrupted:
        entry["interrupted"] = True
    if data := shown(turn.data):
        entry["data"] = data
    return entry


def policy(policy: SessionPolicy) -> dict[str, Any]:
    """When sessions end and what they keep; times in seconds."""
    extension = policy.extension
    return {
        "duration": policy.duration,
        "inactivity": policy.inactivity,
        "maxTurns": policy.max_turns,
        "keepTurns": policy.keep_turns,
        "historyTtl": policy.history_ttl,
        "extension": {"afterTurns": extension.after_turns, "seconds": extension.seconds} if extension else None,
        "archive": policy.archive,
        "durability": policy.durability,
        "carryOver": policy.carry_over,
        "summarise": policy.summarise,
    }


def messages(turns: Iterable[Turn], speaker: str, human: str, ai: str) -> list[dict[str, Any]]:
    """What was said, oldest first: ``{<speaker>: <human> or <ai>, content, timestamp}``."""
    return [
        {speaker: who, "content": content, "timestamp": iso(at)}
        for turn in turns
        for who, content, at in ((human, turn.message, turn.began), (ai, turn.response, turn.ended))
    ]


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """What travels with a reply, for clients: names that begin with an underscore are the assistant's own."""
    return {name: value for name, value in data.items() if not name.startswith("_")}


def safety(finished: FinishedTurn) -> dict[str, Any]:
    """Where the turn is safe, and whether the reply is whole and was made with all that there is."""
    told: dict[str, Any] = {
        "degraded": finished.degraded,
        "history": "partial" if finished.partial else "complete",
        "durability": finished.durability.value,
        "replayed": finished.replayed,
    }
    if finished.turn.interrupted:
        told["interrupted"] = True
    return told


def reply(done: Done, assistant: str) -> dict[str, Any]:
    """The answer of ``/chat``, and of the last event of ``/chat/stream``."""
    finished = done.finished
    body: dict[str, Any] = {
        "success": True,
        "response": done.text,
        "userId": finished.session.key.subject,
        "assistant": assistant,
        "sessionId": finished.session.id,
        "timestamp": iso(finished.turn.ended),
        "session": session(finished.session, finished.verdict, finished.now),
        **safety(finished),
    }
    if data := shown(finished.turn.data):
        body["data"] = data
    return body

"""One turn of an assistant through LangChain: begun in the session engine, worked on by an agent, stored whole.

The model works in a thread of a pool, so that a client that leaves does not tear the turn, and whoever stops it need
not wait for the model. Nobody is told that a turn is done before the engine has stored it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage

from agent.asking import ModelFailed
from agent.assistant import Assistant, TurnContext
from agent.errors import AgentError, ModelTimeout, ModelUnavailable, OverCapacity, TurnStopped
from agent.events import Answered, Done, Event, Failed, Token
from agent.live import LiveTurn
from agent.models import Models
from agent.runner import AgentRunner
from agent.summaries import Summaries
from agent.trace import carried, span
from agent.watch import Nobody, Tally, Watch, outcome_of, outcome_of_error
from memory import Message, ParleyError, RunningTurn, SessionEngine, StaleTurn, Turn, View, verdict
from memory.clock import now_ms
from memory.history import to_record
from memory.stores.base import Renewed

log = logging.getLogger(__name__)

UNUSUAL = frozenset({"length", "content_filter"})
"""Why a model stopped, where it had not said all: worth keeping."""

HEARTBEAT = 15.0
"""Seconds of silence after which a listener is given None, to keep a connection awake."""

_IDLE: Final = 10.0
"""Seconds that a thread waits for another turn."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client said. ``key`` (idempotency), ``owner`` and ``create`` are those of ``SessionEngine.begin_turn``.

    ``instructions`` are the client application's own, for this reply.
    """

    subject: str
    message: str
    key: str | None = None
    owner: str | None = ""
    create: bool = True
    shown_turns: int | None = None
    instructions: str = ""


class Workers:
    """The threads that models work in, shared by all assistants of a process: at most ``limit`` turns at once.

    A turn that was ended while its model is silent leaves a thread behind, until the model's time-out; there are at
    most ``limit`` of those too. They are daemons, so that no silent model keeps a process from stopping.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self._threads = 0
        self._idle = 0
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Condition()

    def take(self) -> None:
        """Take the place of a turn, or raise ``OverCapacity``."""
        with self._changed:
            if self.running >= self.limit or self._threads - self._idle >= 2 * self.limit:
                raise OverCapacity(self.limit)
            self.running += 1

    def give(self) -> None:
        """The turn is over: give its place back."""
        with self._changed:
            self.running -= 1
            self._changed.notify_all()

    def submit(self, work: Callable[[], None]) -> None:
        """Let a thread do it: one that waits for work, else a new one."""
        with self._changed:
            if self._idle:
                self._idle -= 1
                self._work.put(work)
                return
            self._threads += 1
        threading.Thread(target=self._serve, args=(work,), name="parley-turn", daemon=True).start()

    def _serve(self, work: Callable[[], None] | None) -> None:
        try:
            while work:
                work()
                with self._changed:
                    self._idle += 1
                work = self._next()
        finally:
            with self._changed:
                self._threads -= 1

    def _next(self) -> Callable[[], None] | None:
        """What to do next; None after a while without work, for then there is one thread too many."""
        try:
            return self._work.get(timeout=_IDLE)
        except queue.Empty:
            with self._changed:
                if self._idle:
                    self._idle -= 1
                    return None
            return self._work.get()  # there is some: it came at this very moment

    def drain(self, timeout: float) -> int:
        """Wait until no turn is running, at most ``timeout`` seconds; how many are left."""
        with self._changed:
            self._changed.wait_for(lambda: self.running == 0, timeout)
            return self.running


class Conversation:
    """An assistant on its engine. ``run`` gives the end of a turn, ``stream`` its events.

    ``summaries`` is given where a model is to write them.
    """

    def __init__(
        self,
        assistant: Assistant,
        engine: SessionEngine,
        models: Models,
        workers: Workers,
        *,
        watch: Watch | None = None,
        summaries: Summaries | None = None,
    ) -> None:
        self.assistant = assistant
        self.engine = engine
        self._models = models
        self._workers = workers
        self._watch = watch or Nobody()
        self._summaries = summaries
        self._runner = AgentRunner(assistant, models)
        self._timeout = models.settings.timeout

    def run(self, request: Request) -> Done:
        """The whole turn. Raises what the engine raises, or an ``AgentError``."""
        _, events = self._begin(request, streamed=False)
        for event in events:
            if isinstance(event, Done):
                return event
            if isinstance(event, Failed):
                raise event.error
        raise ModelUnavailable  # unreachable: the last event is Done or Failed

    def stream(self, request: Request) -> tuple[View, Iterator[Event | None]]:
        """The session as the turn finds it, and the turn's events; None says that there is nothing more just now.

        What is wrong with the request is raised here, before the first event. The turn runs to its end whether its
        events are read or not.
        """
        return self._begin(request, streamed=True)

    def _begin(self, request: Request, *, streamed: bool) -> tuple[View, Iterator[Event | None]]:
        tally = self._took()
        try:
            with span("begin", assistant=self.assistant.name), tally.in_store():
                turn = self.engine.begin_turn(
                    request.subject,
                    request.message,
                    key=request.key,
                    owner=request.owner,
                    create=request.create,
                    shown_turns=request.shown_turns,
                )
        except BaseException as error:
            self._gave(tally, outcome_of_error(error))
            raise
        view = View(turn.session, verdict(self.engine.policy, turn.session, turn.began), turn.began)
        if turn.replay:
            self._gave(tally, "replayed")
            done = Done(self.engine.finish_turn(turn, ""))
            return view, iter((Token(done.text), done))
        live = LiveTurn(tally)
        turn.on_signal = lambda signal: self._signalled(live, turn, signal)
        self._workers.submit(carried(lambda: self._work(live, turn, request.instructions, streamed)))
        return view, self._events(live, turn)

    def answer(self, history: Sequence[Turn], message: str, *, instructions: str = "") -> Iterator[Event | None]:
        """The events of a reply to ``message`` after a history that the client keeps itself; the last one is
        ``Answered`` or ``Failed``, and None is as in ``stream``.

        No session is looked at and nothing is stored, so nobody waits for it: it ends when nobody listens any more.
        """
        tally = self._took()
        context = TurnContext(
            assistant=self.assistant.name,
            subject=f"anon-{uuid4()}",
            message=message,
            now=now_ms(),
            turns=len(history),
            history=history,
            instructions=instructions,
        )
        live, deadline = LiveTurn(tally), time.monotonic() + self._timeout
        self._workers.submit(carried(lambda: self._work_unstored(live, context, deadline)))
        return self._heard(live, deadline)

    def stop(self, subject: str) -> bool:
        """End the running turn of a subject, keeping what was said; False where none runs."""
        return self.engine.stop_turn(subject)

    # --- the turn, in its thread ------------------------------------------------------------------------------------

    def _work(self, live: LiveTurn, turn: RunningTurn, instructions: str, streamed: bool) -> None:
        context = TurnContext(
            assistant=self.assistant.name,
            subject=turn.key.subject,
            message=turn.message,
            now=turn.began,
            turns=turn.session.turns,
            history=turn.turns,
            attributes=dict(turn.session.attributes),
            instructions=instructions,
            earlier=self.engine.earlier(turn),
            shorten=(lambda unshown: self.engine.earlier(turn, unshown)) if self.engine.policy.summarise else None,
        )
        try:
            reply = self._reply(live, context, turn.started_at + self._timeout, streamed)
        except (AgentError, ParleyError) as error:
            self._fail(live, turn, error)
            return
        if reply is not None:
            self._store(live, turn, context, reply)

    def _work_unstored(self, live: LiveTurn, context: TurnContext, deadline: float) -> None:
        last: Answered | Failed
        try:
            reply = self._reply(live, context, deadline, streamed=True)
            if reply is None:
                return
            last = Answered(tuple(_records(context.message, [AIMessage(reply)] if isinstance(reply, str) else reply)))
        except (AgentError, ParleyError) as error:
            last = Failed(error)
        if live.take_ending():
            self._end(live, last)

    def _reply(
        self, live: LiveTurn, context: TurnContext, deadline: float, streamed: bool
    ) -> str | list[BaseMessage] | None:
        """The messages that answer, or the assistant's own words where the model failed; None where the turn was
        ended by somebody else meanwhile. Raises an ``AgentError`` or a ``ParleyError``, whatever went wrong."""
        try:
            return self._asked(live, context, deadline, streamed)
        except (AgentError, ParleyError):
            raise
        except Exception as error:  # whatever a hook, a tool or a provider's client raises must end the turn
            log.exception("a turn of %s failed", self.assistant.name)
            raise ModelUnavailable from error

    def _asked(
        self, live: LiveTurn, context: TurnContext, deadline: float, streamed: bool
    ) -> str | list[BaseMessage] | None:
        try:
            messages = self._runner.run(context, live.say, deadline, streamed=streamed, tally=live.tally)
        except ModelFailed as error:
            log.warning("the model failed %s: %s", self.assistant.name, error)
            if live.said or (text := self.assistant.fallback(context)) is None:
                raise (ModelTimeout(self._timeout) if error.timeout else ModelUnavailable()) from error
            live.say(Token(text))
            return text
        if messages is None:
            return None
        said = str(messages[-1].text)
        reply = self.assistant.after(context, said)
        if reply != said:
            if reply.startswith(said):
                live.say(Token(reply[len(said) :]))
            messages[-1].content = reply
        return messages

    def _store(
        self, live: LiveTurn, turn: RunningTurn, context: TurnContext, reply: str | Sequence[BaseMessage]
    ) -> None:
        if not live.take_ending():
            return
        try:
            records = reply if isinstance(reply, str) else _records(turn.message, reply)
            with span("finish"), live.tally.in_store():
                finished = self.engine.finish_turn(
                    turn, records, data=context.data, changes=context.changes, unshown=context.unshown
                )
            self._end(live, Done(finished))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            self._abandon(live, turn, error)

    # --- endings that come from elsewhere ---------------------------------------------------------------------------

    def _signalled(self, live: LiveTurn, turn: RunningTurn, signal: Renewed) -> None:
        """The turn was asked to stop, or its lease is lost."""
        if not live.take_ending():
            return
        said = live.said
        if signal is Renewed.LOST or not said:
            self._abandon(live, turn, StaleTurn() if signal is Renewed.LOST else TurnStopped())
            return
        try:
            with live.tally.in_store():
                finished = self.engine.finish_turn(turn, said, interrupted=True)
            self._end(live, Done(finished))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            self._abandon(live, turn, error)

    def _fail(self, live: LiveTurn, turn: RunningTurn, error: Exception) -> None:
        if live.take_ending():
            self._abandon(live, turn, error)

    def _abandon(self, live: LiveTurn, turn: RunningTurn, error: Exception) -> None:
        try:
            self.engine.abandon_turn(turn, failed=not isinstance(error, TurnStopped))
        except ParleyError as second:
            log.warning("a turn could not be given back, its lease will run out: %s", second)
        finally:
            self._end(live, Failed(error))

    def _end(self, live: LiveTurn, last: Done | Answered | Failed) -> None:
        self._gave(live.tally, outcome_of(last))
        live.end(last)
        if self._summaries and isinstance(last, Done):
            self._summaries.note(self.assistant, self.engine, last.finished)

    def _took(self) -> Tally:
        """Take the place of a turn; one that found none is told of as well."""
        tally = Tally(self.assistant.name)
        self._watch.began(tally.assistant)
        try:
            self._workers.take()
        except OverCapacity as error:
            self._watch.ended(tally, outcome_of_error(error), 0.0)
            raise
        return tally

    def _gave(self, tally: Tally, outcome: str) -> None:
        self._workers.give()
        self._watch.ended(tally, outcome, time.monotonic() - tally.began)

    def _events(self, live: LiveTurn, turn: RunningTurn) -> Iterator[Event | None]:
        deadline = turn.started_at + self._timeout
        for event in live.events(heartbeat=HEARTBEAT, deadline=deadline):
            if event is None and time.monotonic() >= deadline:
                self._fail(live, turn, ModelTimeout(self._timeout))
            yield event

    def _heard(self, live: LiveTurn, deadline: float) -> Iterator[Event | None]:
        try:
            for event in live.events(heartbeat=HEARTBEAT, deadline=deadline):
                if event is None and time.monotonic() >= deadline and live.take_ending():
                    self._end(live, Failed(ModelTimeout(self._timeout)))
                yield event
        finally:
            if live.take_ending():  # nobody listens any more
                self._end(live, Failed(TurnStopped()))


def _records(message: str, reply: Sequence[BaseMessage]) -> list[Message]:
    """The turn's messages as they are kept: whole, less what only the provider's client has a use for."""
    kept = [Message("human", message)]
    for each in reply:
        record = to_record(each)
        rest = {name: value for name, value in record.rest.items() if name not in ("id", "response_metadata")}
        reason = record.rest.get("response_metadata", {}).get("finish_reason")
        if reason in UNUSUAL:
            rest["response_metadata"] = {"finish_reason": reason}
        kept.append(Message(record.role, record.content, rest))
    return kept

"""One turn of an assistant through LangChain: begun in the session engine, worked on by an agent, stored whole.

The model works in a thread of a pool, so that a client that leaves does not tear the turn, and whoever stops it need
not wait for the model. Nobody is told that a turn is done before the engine has stored it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage

from agent.assistant import Assistant, TurnContext
from agent.errors import AgentError, ModelTimeout, ModelUnavailable, OverCapacity, TurnStopped
from agent.events import Done, Event, Failed, Token
from agent.live import LiveTurn
from agent.models import Models
from agent.runner import AgentRunner, ModelFailed
from memory import Message, ParleyError, RunningTurn, SessionEngine, StaleTurn, View, verdict
from memory.history import to_record
from memory.stores.base import Renewed

log = logging.getLogger(__name__)

HEARTBEAT = 15.0
"""Seconds of silence after which a listener is given None, to keep a connection awake."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client said. ``key`` (idempotency), ``owner`` and ``create`` are those of ``SessionEngine.begin_turn``."""

    subject: str
    message: str
    key: str | None = None
    owner: str | None = ""
    create: bool = True
    shown_turns: int | None = None


class Workers:
    """The threads that models work in, shared by all assistants of a process: at most ``limit`` turns at once.

    A turn that was ended while its model is silent leaves a thread behind, until the model's time-out; there are at
    most ``limit`` of those too. They are daemons, so that no silent model keeps a process from stopping.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self._threads = 0
        self._changed = threading.Condition()

    def take(self) -> None:
        """Take the place of a turn, or raise ``OverCapacity``."""
        with self._changed:
            if self.running >= self.limit or self._threads >= 2 * self.limit:
                raise OverCapacity(self.limit)
            self.running += 1

    def give(self) -> None:
        """The turn is over: give its place back."""
        with self._changed:
            self.running -= 1
            self._changed.notify_all()

    def submit(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._threads -= 1

        with self._changed:
            self._threads += 1
        threading.Thread(target=run, name="parley-turn", daemon=True).start()

    def drain(self, timeout: float) -> int:
        """Wait until no turn is running, at most ``timeout`` seconds; how many are left."""
        with self._changed:
            self._changed.wait_for(lambda: self.running == 0, timeout)
            return self.running


class Conversation:
    """An assistant on its engine. ``run`` gives the end of a turn, ``stream`` its events."""

    def __init__(self, assistant: Assistant, engine: SessionEngine, models: Models, workers: Workers) -> None:
        self.assistant = assistant
        self.engine = engine
        self._models = models
        self._workers = workers
        self._runner = AgentRunner(assistant, models)
        self._timeout = models.settings.timeout

    def run(self, request: Request) -> Done:
        """The whole turn. Raises what the engine raises, or an ``AgentError``."""
        _, events = self.stream(request)
        for event in events:
            if isinstance(event, Done):
                return event
            if isinstance(event, Failed):
                raise event.error
        raise ModelUnavailable  # unreachable: the last event is Done or Failed

    def stream(self, request: Request) -> tuple[View, Iterator[Event | None]]:
        """The session as the turn finds it, and the turn's events; None stands for ``HEARTBEAT`` seconds of silence.

        What is wrong with the request is raised here, before the first event. The turn runs to its end whether its
        events are read or not.
        """
        self._workers.take()
        try:
            turn = self.engine.begin_turn(
                request.subject,
                request.message,
                key=request.key,
                owner=request.owner,
                create=request.create,
                shown_turns=request.shown_turns,
            )
        except BaseException:
            self._workers.give()
            raise
        view = View(turn.session, verdict(self.engine.policy, turn.session, turn.began), turn.began)
        if turn.replay:
            self._workers.give()
            done = Done(self.engine.finish_turn(turn, ""))
            return view, iter((Token(done.text), done))
        live = LiveTurn()
        turn.on_signal = lambda signal: self._signalled(live, turn, signal)
        self._workers.submit(lambda: self._work(live, turn))
        return view, self._events(live, turn)

    def stop(self, subject: str) -> bool:
        """End the running turn of a subject, keeping what was said; False where none runs."""
        return self.engine.stop_turn(subject)

    # --- the turn, in its thread ------------------------------------------------------------------------------------

    def _work(self, live: LiveTurn, turn: RunningTurn) -> None:
        context = TurnContext(
            assistant=self.assistant.name,
            subject=turn.key.subject,
            message=turn.message,
            now=turn.began,
            turns=turn.session.turns,
            history=turn.turns,
            attributes=dict(turn.session.attributes),
        )
        try:
            self._reply(live, turn, context)
        except Exception as error:  # whatever a hook, a tool or a provider's client raises must end the turn
            if not isinstance(error, AgentError | ParleyError):
                log.exception("a turn of %s failed", self.assistant.name)
                error = ModelUnavailable()
            self._fail(live, turn, error)

    def _reply(self, live: LiveTurn, turn: RunningTurn, context: TurnContext) -> None:
        deadline = turn.started_at + self._timeout
        try:
            messages = self._runner.run(context, live.say, deadline)
        except ModelFailed as error:
            log.warning("the model failed %s: %s", self.assistant.name, error)
            if live.said or (text := self.assistant.fallback(context)) is None:
                raise (ModelTimeout(self._timeout) if error.timeout else ModelUnavailable()) from error
            live.say(Token(text))
            self._store(live, turn, context, text)
            return
        if messages is None:  # ended by somebody else meanwhile
            return
        said = str(messages[-1].text)
        reply = self.assistant.after(context, said)
        if reply != said:
            if reply.startswith(said):
                live.say(Token(reply[len(said) :]))
            messages[-1].content = reply
        self._store(live, turn, context, messages)

    def _store(
        self, live: LiveTurn, turn: RunningTurn, context: TurnContext, reply: str | Sequence[BaseMessage]
    ) -> None:
        if not live.take_ending():
            return
        try:
            records = reply if isinstance(reply, str) else _records(turn.message, reply)
            finished = self.engine.finish_turn(turn, records, data=context.data, changes=context.changes)
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
            self._end(live, Done(self.engine.finish_turn(turn, said, interrupted=True)))
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

    def _end(self, live: LiveTurn, last: Done | Failed) -> None:
        self._workers.give()
        live.end(last)

    def _events(self, live: LiveTurn, turn: RunningTurn) -> Iterator[Event | None]:
        deadline = turn.started_at + self._timeout
        for event in live.events(heartbeat=HEARTBEAT, deadline=deadline):
            if event is None and time.monotonic() >= deadline:
                self._fail(live, turn, ModelTimeout(self._timeout))
            yield event


def _records(message: str, reply: Sequence[BaseMessage]) -> list[Message]:
    """The turn's messages as they are kept: whole, less what only the provider's client has a use for."""
    kept = [Message("human", message)]
    for each in reply:
        record = to_record(each)
        rest = {name: value for name, value in record.rest.items() if name not in ("id", "response_metadata")}
        kept.append(Message(record.role, record.content, rest))
    return kept

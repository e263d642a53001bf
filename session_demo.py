"""A guided tour of a session's life, in the terminal, on the real store: Redis where it answers, else this process.

    ./process-manager.sh demo

Nobody waits for anything to expire: the tour moves its own clock. It uses a namespace of its own and leaves nothing.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

import settings as environment
from memory import SessionEngine, SessionPolicy, StoreUnavailable, View, open_store, sweep
from memory.clock import now_ms
from settings import BadSetting

POLICY = SessionPolicy(duration=1800, inactivity=900, max_turns=5, keep_turns=5)
TALK = (
    ("Hello, I am Ada", "Hello Ada! Which city are you curious about?"),
    ("Weather in London?", "London, United Kingdom: cloudy, 9 °C."),
    ("And in Rome?", "Rome, Italy: sunny, 18 °C."),
    ("Do I need an umbrella?", "Not in Rome today."),
    ("Thank you!", "You are welcome, Ada!"),
)


class Tour:
    """One walk through a session's life; ``moved`` is how far its clock stands ahead (ms)."""

    def __init__(self, url: str, console: Console) -> None:
        self.moved = 0
        self.console = console
        store = open_store(url, clock=lambda: now_ms() + self.moved, shift=lambda: self.moved)
        self.engine = SessionEngine(store, POLICY, namespace="demo")
        self.users: list[str] = []

    def walk(self) -> None:
        """All stops of the tour, then clean up."""
        try:
            before = self.used()
            self.opens()
            self.fills_and_rolls_over()
            self.expires("grace", 901, "inactivity")
            self.lasts_at_most("linus", "duration")
            self.ended_by_hand("alan")
            self.memory(before)
        finally:
            for user in self.users:
                self.engine.forget(user)

    def opens(self) -> None:
        self.stop("1", "A session opens with the first message", "Nothing is created by looking; the first turn is.")
        self.say("ada", *TALK[0])
        self.show("ada")

    def fills_and_rolls_over(self) -> None:
        self.stop("2", f"It fills: at most {POLICY.max_turns} turns", "The turn that uses it up is told so.")
        for message, reply in TALK[1:]:
            self.say("ada", message, reply)
        self.show("ada")
        self.stop("3", "It rolls over", "The next message begins a new session; the old words are gone from memory.")
        self.say("ada", "Are you still there?", "Of course. Which city this time?")
        self.show("ada")

    def expires(self, user: str, seconds: int, why: str) -> None:
        self.stop("4", "It ends by silence", f"Nobody says a word for {seconds} s (the clock is moved).")
        self.say(user, "Weather in Oslo?", "Oslo, Norway: snow, -2 °C.")
        self.move(seconds)
        self.swept(user, why)

    def lasts_at_most(self, user: str, why: str) -> None:
        self.stop("5", "It ends by age", "A message every 10 minutes keeps it from silence, not from its 30 minutes.")
        for number in range(3):
            self.say(user, f"Still cloudy? ({number + 1})", "Still cloudy.")
            self.move(600)
        self.swept(user, why)

    def ended_by_hand(self, user: str) -> None:
        self.stop("6", "It is ended by hand", "As POST /sessions/alan/end does.")
        self.say(user, "Weather in Paris?", "Paris, France: rain, 11 °C.")
        ended = self.engine.end(user, "user_requested")
        if ended is None:
            raise AssertionError("the session was not there")
        self.console.print(f"  [green]ended[/green] {ended.id} because of [bold]{ended.reason}[/bold]")
        self.show(user)

    def memory(self, before: int) -> None:
        self.stop("7", "Memory", "What was used is given back when sessions end.")
        users = [f"user{number}" for number in range(200)]
        self.users += users
        for user in users:
            for message, reply in TALK[:4]:
                self.say(user, message, reply, quiet=True)
        full, live = self.used(), self.engine.store.totals(self.engine.namespace).live
        self.move(901)
        ended = sweep(self.engine)
        table = Table("", "sessions", "bytes in the store")
        table.add_row("before the tour", "0", f"{before:,}")
        table.add_row("200 users talking", f"{live}", f"{full:,}")
        after = self.engine.store.totals(self.engine.namespace).live
        table.add_row(f"one sweep later ({ended.total()} ended)", f"{after}", f"{self.used():,}")
        self.console.print(table)

    # --- what the stops are made of ---------------------------------------------------------------------------------

    def say(self, user: str, message: str, reply: str, *, quiet: bool = False) -> None:
        if user not in self.users:
            self.users.append(user)
        turn = self.engine.begin_turn(user, message)
        finished = self.engine.finish_turn(turn, reply)
        if not quiet:
            left = finished.verdict.remaining_turns
            self.console.print(f"  [cyan]{user}[/cyan]: {message}")
            self.console.print(f"  [dim]parley[/dim]: {reply}  [dim]({left} left)[/dim]")

    def show(self, user: str) -> None:
        view, ended = self.engine.list(user)
        if view:
            self.console.print(f"  [green]live[/green]  {_line(view)}")
        for record in ended:
            self.console.print(f"  [yellow]ended[/yellow] {record.id}: {record.turns} turns, {record.reason}")

    def move(self, seconds: int) -> None:
        self.moved += seconds * 1000
        self.console.print(f"  [magenta]… {seconds} s pass …[/magenta]")

    def swept(self, user: str, why: str) -> None:
        ended = sweep(self.engine)
        self.console.print(f"  a sweep ends it: [bold]{dict(ended)}[/bold]")
        if ended[why] < 1:
            raise AssertionError(f"expected an end by {why}, got {dict(ended)}")
        self.show(user)

    def used(self) -> int:
        return int(self.engine.store.usage()["used_bytes"])

    def stop(self, number: str, title: str, text: str) -> None:
        self.console.print()
        self.console.print(Panel(text, title=f"[bold]{number}. {title}[/bold]", title_align="left"))


def _line(view: View) -> str:
    left = max(0, view.verdict.at - view.now) // 1000
    return f"{view.session.id}: {view.session.turns} turns, {left} s left"


def main() -> int:
    console = Console()
    try:
        url = environment.load().store_url
    except BadSetting as error:
        console.print(f"[red]{error}[/red]")
        return 2
    try:
        open_store(url).now()
        console.print("The tour runs on [bold]Redis[/bold].")
    except StoreUnavailable:
        url = "memory://"
        console.print("Redis does not answer, so the tour runs on the [bold]in-memory store[/bold].")
    Tour(url, console).walk()
    console.print("\n[bold green]That was a session's life.[/bold green] Nothing of it is left in the store.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

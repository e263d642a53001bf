"""What can go wrong while a reply is made.

AgentError
├── ModelUnavailable   the model failed, and no fallback answered
├── ModelTimeout       no whole reply within the time allowed
├── TurnStopped        the turn was stopped before a word was said
└── OverCapacity       as many turns are running as this process can take
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of the errors of a turn through a model."""


class ModelUnavailable(AgentError):
    def __init__(self) -> None:
        super().__init__("The model did not answer; nothing of this turn was kept. Try again in a moment")


class ModelTimeout(AgentError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"The model took longer than {seconds:g} s; nothing of this turn was kept. Try again")
        self.seconds = seconds


class TurnStopped(AgentError):
    def __init__(self) -> None:
        super().__init__("The turn was stopped before anything was said; nothing of it was kept")


class OverCapacity(AgentError):
    def __init__(self, running: int) -> None:
        super().__init__(f"{running} turns are running already; try again in a moment")
        self.running = running

"""When a chat leaves memory and what it keeps there (seed 002). The archive keeps all of it."""

from __future__ import annotations

from typing import Final

from memory import SessionPolicy

POLICY: Final = SessionPolicy(inactivity=3600, keep_turns=10, shown_turns=10, archive=True, durability="disk")

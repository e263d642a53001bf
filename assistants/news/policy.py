"""When a news session ends and what it keeps (seed 001)."""

from __future__ import annotations

from typing import Final

from memory import SessionPolicy

POLICY: Final = SessionPolicy(inactivity=86_400, keep_turns=100, durability="memory")

"""What the HTTP side is told of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """``api_keys`` are users by key, ``keys_file`` is where others are kept; ``rate_limit`` is empty for none;
    ``threads`` bounds turns at once; ``request_timeout`` (s) is given to a body.
    ``allowed_hosts`` are the names that the server goes by; none: any."""

    version: str = "0"
    default_assistant: str = "weather"
    max_message_chars: int = 8_000
    secret_key: str = "development"
    auth: bool = False
    api_keys: Mapping[str, str] = field(default_factory=dict)
    cors_origins: tuple[str, ...] = ()
    keys_file: Path | None = None
    jwks_url: str = ""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    trusted_proxies: tuple[str, ...] = ()
    rate_limit: str = ""
    rate_limit_address: str = ""
    threads: int = 64
    request_timeout: float = 30.0
    allowed_hosts: tuple[str, ...] = ()

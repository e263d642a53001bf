"""The only reader of the environment: every setting with its unit, default and bounds, and the objects made of them.

A value that makes no sense stops the start with a sentence that names the variable, the value and what is allowed.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from dotenv import dotenv_values

from agent.models import DEFAULT_MODEL, ModelSettings
from agent.offline import OFFLINE
from api import proxies
from api.config import ApiConfig
from api.hosts import OWN, name_of
from api.key_store import EVERYBODY, FILE
from api.parsing import is_subject_id
from api.tokens import is_safe_address
from memory import SessionPolicy


class BadSetting(ValueError):
    """A setting that the server can't start with; the message is for the person who set it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. ``read`` turns its text into its value, or raises ``ValueError`` saying what is allowed."""

    name: str
    default: str
    read: Callable[[str], Any]
    about: str


def whole(least: int, most: int | None = None, unit: str = "") -> Callable[[str], int]:
    """A whole number of ``unit`` from ``least`` on."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"-?\d{1,18}", text) else None
        if number is None or number < least or (most is not None and number > most):
            of = f" of {unit}" if unit else ""
            bounds = f"from {least:,} to {most:,}" if most is not None else f"above {least - 1:,}"
            raise ValueError(f"a whole number{of} {bounds}")
        return number

    return read


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e9:
        raise ValueError("a number of seconds above 0")
    return number


def choice(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words and text.upper() not in words:
            raise ValueError("one of " + ", ".join(words))
        return text.lower() if text.lower() in words else text.upper()

    return read


def flag(text: str) -> bool:
    if text.lower() not in ("1", "0", "on", "off", "true", "false", "yes", "no", ""):
        raise ValueError("on or off")
    return text.lower() in ("1", "on", "true", "yes")


def words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def rate(text: str) -> str:
    if text != "off" and not re.fullmatch(r"\d{1,6}/(second|minute|hour|day)", text):
        raise ValueError("off, or a number per time such as 120/minute")
    return text


def networks(text: str) -> tuple[str, ...]:
    try:
        ranges = proxies.networks(words(text))
    except ValueError:
        raise ValueError("IP addresses or networks such as 10.0.0.0/8, comma separated") from None
    return tuple(str(each) for each in ranges)


def origins(text: str) -> tuple[str, ...]:
    named = words(text)
    if not all(re.fullmatch(r"https?://[^/*?#@\s]+", each) for each in named):
        raise ValueError("origins such as https://app.example.org, comma separated, without a path and without *")
    return named


def host_names(text: str) -> tuple[str, ...]:
    named = words(text)
    if not all(name_of(each) == each.lower() for each in named):
        raise ValueError("names or addresses such as parley.example.org, comma separated, without a port")
    return tuple(name_of(each) for each in named)


def jwks_address(text: str) -> str:
    if text and not is_safe_address(text):
        raise ValueError("an https address (http on this machine only)")
    return text


SETTINGS: Final = (
    Setting("HOST", "127.0.0.1", str, "address to listen on; outside loopback only with AUTH=on or ALLOW_ANONYMOUS=1"),
    Setting("PORT", "3000", whole(0, 65_535), "port to listen on"),
    Setting("WORKERS", "1", whole(1, 64), "processes"),
    Setting("THREADS", "64", whole(2, 4_096), "requests that one process works on at once"),
    Setting(
        "REQUEST_TIMEOUT", "30", whole(1, 60, "seconds"), "seconds for a request to arrive: its head, and its body"
    ),
    Setting("DRAIN_TIMEOUT", "20", whole(1, 600, "seconds"), "seconds that running turns are given at a stop"),
    Setting("REDIS_URL", "", str, "redis://, rediss://, redis+cluster://, redis+sentinel:// or memory:// (no Redis)"),
    Setting("REDIS_HOST", "127.0.0.1", str, "used where REDIS_URL is not set"),
    Setting("REDIS_PORT", "6379", whole(1, 65_535), "used where REDIS_URL is not set"),
    Setting("REDIS_PASSWORD", "", str, "used where REDIS_URL is not set"),
    Setting("DATA_DIR", "./data", Path, "journal, archive and secret key; made with mode 0700"),
    Setting("DATABASE_URL", "", str, "any SQLAlchemy URL for the archive; SQLite in DATA_DIR where not set"),
    Setting("JOURNAL_KEY", "", str, "encrypts the journal on disk; any text, keep it secret"),
    Setting("RUN_DIR", "./.run", Path, "pid and log files of process-manager.sh"),
    Setting("MODEL", "", str, f"provider:model; {OFFLINE} without a key, else {DEFAULT_MODEL}"),
    Setting("MODEL_FALLBACK", "", str, "the model that is asked when the first one fails"),
    Setting("MODEL_TIMEOUT", "60", seconds, "seconds for a whole turn"),
    Setting("MODEL_CONTEXT_TOKENS", "16000", whole(500), "tokens of history and prompt that a model is shown at most"),
    Setting("OPENAI_API_KEY", "", str, "key of the provider"),
    Setting("OPENAI_BASE_URL", "", str, "another server that speaks OpenAI's API: Ollama, vLLM, llama.cpp"),
    Setting("DEFAULT_ASSISTANT", "weather", str, "who answers where no assistant is named"),
    Setting("ASSISTANTS", "", words, "names, comma separated; all that are there where not set"),
    Setting("AUTH", "off", choice("on", "off"), "on: every request needs a key"),
    Setting("API_KEYS", "", str, "user=key, comma separated; the user * acts for everybody and administers"),
    Setting("ALLOW_ANONYMOUS", "0", flag, "1: listen outside loopback without AUTH=on"),
    Setting("SECRET_KEY", "", str, "signs cookies and tokens; made at the first start, in DATA_DIR, where not set"),
    Setting(
        "CORS_ORIGINS",
        "",
        origins,
        "origins that may call from a browser, comma separated; none but our own by default",
    ),
    Setting(
        "RATE_LIMIT", "120/minute", rate, "requests per user or session, as each process counts them; off: no limits"
    ),
    Setting(
        "RATE_LIMIT_ADDRESS", "6000/minute", rate, "requests without a key per address that is not loopback; or off"
    ),
    Setting(
        "ALLOWED_HOSTS",
        "",
        host_names,
        "names that the server goes by (Host), besides HOST and localhost; empty: any, but on loopback without AUTH",
    ),
    Setting("TRUSTED_PROXIES", "", networks, "addresses or networks whose X-Forwarded-For and -Proto are believed"),
    Setting("JWKS_URL", "", jwks_address, "public keys of an identity provider whose tokens open AUTH=on, too"),
    Setting("JWT_ISSUER", "", str, "who must have issued such a token (iss)"),
    Setting("JWT_AUDIENCE", "", str, "for whom such a token must be (aud)"),
    Setting("SESSION_DURATION", "1800", whole(1, None, "seconds"), "seconds that a weather session lasts at most"),
    Setting("INACTIVITY_TIMEOUT", "900", whole(1, None, "seconds"), "seconds of silence that end a weather session"),
    Setting("MAX_CONVERSATIONS_PER_SESSION", "20", whole(1, 10_000), "turns of a weather session"),
    Setting("CLEANUP_INTERVAL", "300000", whole(100, None, "milliseconds"), "milliseconds between two cleanups"),
    Setting("SESSION_TIMEOUT", "300", whole(1, None, "seconds"), "seconds of silence that end a junkjet session"),
    Setting("MAX_CONVERSATION_HISTORY", "10", whole(2, 1_000), "messages that a junkjet history keeps"),
    Setting("SESSION_TTL", "86400", whole(1, None, "seconds"), "seconds of silence that end a news session"),
    Setting(
        "CARRY_OVER",
        "off",
        choice("off", "summary"),
        "summary: a session that ends by itself leaves up to 600 bytes that open the next one of its user",
    ),
    Setting("SUMMARISE", "0", flag, "1: turns that the model is not shown any more go into a running summary"),
    Setting("TURN_WAIT", "10", seconds, "seconds that a turn waits for another one of its session"),
    Setting("MAX_MESSAGE_CHARS", "8000", whole(1, 60_000), "characters of a message"),
    Setting(
        "MAX_SESSION_BYTES",
        "262144",
        whole(4_096, None, "bytes"),
        "bytes of turns that a session keeps, as they are stored (compressed)",
    ),
    Setting(
        "LOCAL_MAX_BYTES", "268435456", whole(65_536, None, "bytes"), "bytes of sessions that a process keeps itself"
    ),
    Setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        str,
        "where traces are sent (OTLP over HTTP); none without. Other OTEL_* hold too",
    ),
    Setting("WEBHOOK_URL", "", words, "addresses, comma separated, that are told of each session's end; or none"),
    Setting(
        "WEBHOOK_SECRET",
        "",
        words,
        "signs what they are told: whsec_ and 24 to 64 random bytes in base64; two, comma separated, to change it",
    ),
    Setting("WEBHOOK_QUEUE", "10000", whole(1, 1_000_000), "ends that may wait for each address in each process"),
    Setting("LOG_LEVEL", "INFO", choice("DEBUG", "INFO", "WARNING", "ERROR"), "least important line that is logged"),
    Setting("LOG_FORMAT", "text", choice("text", "json"), "how log lines are written"),
)

_POLICY_FIELDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "duration": seconds,
    "inactivity": seconds,
    "max_turns": whole(1),
    "keep_turns": whole(1, 10_000),
    "shown_turns": whole(1, 1_000),
    "max_bytes": whole(1_024),
    "history_ttl": seconds,
    "carry_over": lambda text: choice("off", "summary")(text) == "summary",
    "summarise": flag,
}
"""What ``<ASSISTANT>_<FIELD>`` may set, for example ``CHAT_INACTIVITY=7200``; ``none`` lifts a limit."""

_MAY_BE_NONE: Final = ("duration", "inactivity", "max_turns", "history_ttl")


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read and checked. ``values`` has every setting by its name; ``raw`` what else was set."""

    values: Mapping[str, Any]
    raw: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def store_url(self) -> str:
        """Where sessions live."""
        if self["REDIS_URL"]:
            return str(self["REDIS_URL"])
        password = f":{quote(self['REDIS_PASSWORD'], safe='')}@" if self["REDIS_PASSWORD"] else ""
        return f"redis://{password}{self['REDIS_HOST']}:{self['REDIS_PORT']}/0"

    @property
    def database_url(self) -> str:
        return self["DATABASE_URL"] or f"sqlite:///{(self['DATA_DIR'] / 'archive.db').resolve()}"

    @property
    def model(self) -> ModelSettings:
        reachable = self["OPENAI_API_KEY"] or self["OPENAI_BASE_URL"]
        return ModelSettings(
            name=self["MODEL"] or (DEFAULT_MODEL if reachable else OFFLINE),
            fallback=self["MODEL_FALLBACK"],
            api_key=self["OPENAI_API_KEY"],
            base_url=self["OPENAI_BASE_URL"],
            timeout=self["MODEL_TIMEOUT"],
            context_tokens=self["MODEL_CONTEXT_TOKENS"],
            connections=self["THREADS"],
        )

    def api(self, version: str) -> ApiConfig:
        """What the HTTP side is given."""
        return ApiConfig(
            version=version,
            default_assistant=self["DEFAULT_ASSISTANT"],
            max_message_chars=self["MAX_MESSAGE_CHARS"],
            secret_key=self.secret_key(),
            auth=self["AUTH"] == "on",
            api_keys=self._api_keys(),
            cors_origins=self["CORS_ORIGINS"],
            keys_file=self["DATA_DIR"] / FILE,
            jwks_url=self["JWKS_URL"],
            jwt_issuer=self["JWT_ISSUER"],
            jwt_audience=self["JWT_AUDIENCE"],
            trusted_proxies=self["TRUSTED_PROXIES"],
            rate_limit="" if self["RATE_LIMIT"] == "off" else self["RATE_LIMIT"],
            rate_limit_address="" if self["RATE_LIMIT_ADDRESS"] == "off" else self["RATE_LIMIT_ADDRESS"],
            threads=self["THREADS"],
            request_timeout=self["REQUEST_TIMEOUT"],
            allowed_hosts=self._allowed_hosts(),
        )

    def policy(self, name: str, policy: SessionPolicy) -> SessionPolicy:
        """An assistant's policy with what the environment says of it."""
        changes: dict[str, Any] = {"max_bytes": self["MAX_SESSION_BYTES"]}
        changes |= {"carry_over": self["CARRY_OVER"] == "summary", "summarise": self["SUMMARISE"]}
        if name == "weather":
            turns = self["MAX_CONVERSATIONS_PER_SESSION"]
            changes |= {"duration": self["SESSION_DURATION"], "inactivity": self["INACTIVITY_TIMEOUT"]}
            changes |= {"max_turns": turns, "keep_turns": turns}
        elif name == "junkjet":
            timeout = self["SESSION_TIMEOUT"]
            changes |= {"inactivity": timeout, "history_ttl": 2 * timeout}
            changes |= {"keep_turns": self["MAX_CONVERSATION_HISTORY"] // 2}
        elif name == "news":
            changes |= {"inactivity": self["SESSION_TTL"]}
        for field, read in _POLICY_FIELDS.items():
            variable = f"{name}_{field}".upper()
            if text := self.raw.get(variable, ""):
                changes[field] = None if text == "none" and field in _MAY_BE_NONE else _read(variable, text, read)
        try:
            return replace(policy, **changes)
        except ValueError as error:
            raise BadSetting(f"the settings of {name} make no policy: {error}") from error

    def of_package(self, defaults: Mapping[str, str]) -> dict[str, str]:
        """The settings that an assistant's package names for itself."""
        return {name: self.raw.get(name) or default for name, default in defaults.items()}

    def session_config(self) -> dict[str, int]:
        """The values in force, under the names of the environment (API.md)."""
        names = ("SESSION_DURATION", "MAX_CONVERSATIONS_PER_SESSION", "INACTIVITY_TIMEOUT", "CLEANUP_INTERVAL")
        return {name: self[name] for name in names}

    def secret_key(self) -> str:
        """``SECRET_KEY``, or the one that was made at the first start."""
        if self["SECRET_KEY"]:
            return str(self["SECRET_KEY"])
        return _kept_secret(self.data_dir() / "secret-key")

    def data_dir(self) -> Path:
        """``DATA_DIR``, made if it is not there; nobody else may look into it."""
        folder: Path = self["DATA_DIR"]
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise BadSetting(f"DATA_DIR must be a folder that can be written, got {str(folder)!r}: {error}") from error
        return folder

    def _allowed_hosts(self) -> tuple[str, ...]:
        """The names that requests may ask by; none: any. Without keys, on one's own machine, no name of others."""
        named, host = self["ALLOWED_HOSTS"], self["HOST"]
        if not named and (self["AUTH"] == "on" or not _is_local(host)):
            return ()
        return (*named, *OWN, f"[{host}]" if ":" in host else host)

    def _api_keys(self) -> Mapping[str, str]:
        """Users by key."""
        users: dict[str, str] = {}
        for entry in words(self["API_KEYS"]):
            user, _, key = entry.partition("=")
            if not (user == EVERYBODY or is_subject_id(user)) or len(key) < 8:
                raise BadSetting("API_KEYS must be user=key, comma separated, keys of 8 characters or more")
            users[key] = user
        return users


def load(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """The settings of this process: the environment, then ``.env``. Raises ``BadSetting``."""
    raw: dict[str, str] = {}
    if dotenv and dotenv.is_file():
        raw |= {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    raw |= os.environ if environ is None else environ
    values = {
        setting.name: _read(setting.name, raw.get(setting.name) or setting.default, setting.read)
        for setting in SETTINGS
    }
    settings = Settings(values, raw)
    _check_exposure(settings)
    _check_webhooks(settings)
    return settings


def _read(name: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text.strip())
    except ValueError as error:
        raise BadSetting(f"{name} must be {error}, got {text[:60]!r}") from error


def _check_exposure(settings: Settings) -> None:
    host = settings["HOST"]
    try:
        local = _is_local(host)
    except ValueError as error:
        raise BadSetting(f"HOST must be an IP address or localhost, got {host!r}") from error
    if not local and settings["AUTH"] == "off" and not settings["ALLOW_ANONYMOUS"]:
        raise BadSetting(
            f"HOST={host} can be reached from outside: set AUTH=on and API_KEYS, or ALLOW_ANONYMOUS=1 if that is meant"
        )
    if settings["JWKS_URL"] and not (settings["JWT_ISSUER"] and settings["JWT_AUDIENCE"]):
        raise BadSetting("JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE: whose tokens for whom are to be accepted")
    keys = settings["API_KEYS"] or settings["JWKS_URL"] or (settings["DATA_DIR"] / FILE).exists()
    if settings["AUTH"] == "on" and not keys:
        raise BadSetting("AUTH=on needs keys: make one with python -m api.keys, or set API_KEYS=user=key")


def _check_webhooks(settings: Settings) -> None:
    """Secrets, and addresses that may hold one: no message may show them."""
    if not all(re.fullmatch(r"https?://[^/?#@\s]+(/[^#\s]*)?", each) for each in settings["WEBHOOK_URL"]):
        raise BadSetting("WEBHOOK_URL must be https or http addresses, comma separated, without a user or password")
    if settings["WEBHOOK_URL"] and not settings["WEBHOOK_SECRET"]:
        raise BadSetting('WEBHOOK_URL needs WEBHOOK_SECRET: make one with echo "whsec_$(openssl rand -base64 32)"')
    for secret in settings["WEBHOOK_SECRET"]:
        try:
            size = len(b64decode(secret.removeprefix("whsec_"), validate=True))
        except ValueError:
            size = 0
        if not (secret.startswith("whsec_") and 24 <= size <= 64):
            raise BadSetting("WEBHOOK_SECRET must be whsec_ followed by 24 to 64 random bytes in base64")


def _is_local(host: str) -> bool:
    """Whether an address is reached from this machine only; ``ValueError`` where it is none."""
    return host == "localhost" or ip_address(host).is_loopback


def _kept_secret(path: Path) -> str:
    """The text of the file, made of 32 random bytes where there is none; several processes may ask at once."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        secret = os.urandom(32).hex()
        file.write(secret)
    return secret

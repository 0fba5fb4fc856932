"""What people may set, with the defaults of the specification, checked one by one and together.

A field has the lower-case name of its setting: ``POSITION_SIZE_USD`` is ``position_size_usd``. Percents are in percent
(2.0 means 2 %), money is in USD, and a unit that is not in a name stands beside the field. Where the values come from
is the business of the settings source.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from messages.values import MarginMode, Symbol, Venue

PAPER = Venue("paper")
"""The simulated venue inside the process."""

RULE_BROKEN = "rule_broken"
"""The type of the error raised by the checks of settings against each other; one problem a line."""

MINUTES_OF_AN_HOUR = 60
HUNDRED_PERCENT = Decimal(100)


class Mode(StrEnum):
    """S19: production acts, shadow watches and says what it would do, paper plays on a simulated venue."""

    PRODUCTION = "production"
    SHADOW = "shadow"
    PAPER = "paper"


class EntryType(StrEnum):
    """How a position is entered (S4.3)."""

    MARKET = "market"
    LIMIT = "limit"


class UntrackedPolicy(StrEnum):
    """What happens to a position that is on the venue and not in the database (S14)."""

    ADOPT = "adopt"
    ALERT = "alert"
    IGNORE = "ignore"


class LogLevel(StrEnum):
    """The least severe messages that are logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def _parts(value: object) -> object:
    """``"a, b"`` as ``("a", "b")``; anything that is not text stays as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _symbols(value: object) -> object:
    """Symbols as they are written everywhere inside: upper case, no separators."""
    parts = _parts(value)
    if isinstance(parts, tuple):
        return tuple(str(part).upper().split(":", maxsplit=1)[0].replace("/", "").replace("-", "") for part in parts)
    return parts


def _venues(value: object) -> object:
    parts = _parts(value)
    return tuple(str(part).lower() for part in parts) if isinstance(parts, tuple) else parts


Percent = Annotated[Decimal, Field(ge=0, le=100)]
PositivePercent = Annotated[Decimal, Field(gt=0, le=100)]
Usd = Annotated[Decimal, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Minute = Annotated[int, Field(ge=0, lt=MINUTES_OF_AN_HOUR)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]
WebSocketUrl = Annotated[str, Field(pattern=r"^wss?://[^\s/]+")]
Shares = Annotated[tuple[PositivePercent, PositivePercent], BeforeValidator(_parts)]
"""Two shares of a position, in percent, that add up to 100."""


class VenueAccess(BaseModel):
    """How one venue is reached: its ``<VENUE>_API_KEY`` and the like, without the venue's name.

    Attributes:
        rest_url: In place of the venue's own address, such as a simulated exchange.
        ws_url: The same for its streams.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr | None = None
    api_secret: SecretStr | None = None
    api_passphrase: SecretStr | None = None
    testnet: bool = False
    rest_url: Url | None = None
    ws_url: WebSocketUrl | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether both addresses are this machine's own: a simulated exchange, where nothing is real."""
        return _is_loopback(self.rest_url) and _is_loopback(self.ws_url)


def _is_loopback(address: str | None) -> bool:
    host = urlsplit(address).hostname if address is not None else None
    return host in {"localhost", "127.0.0.1", "::1"}


class Settings(BaseModel):
    """Everything that is set for one process, whole and checked.

    Raises:
        pydantic.ValidationError: A value is not allowed, or values do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The process (S19). Data and logs live under data_dir; one instance per data directory.
    mode: Annotated[Mode, BeforeValidator(_lower)] = Mode.PAPER
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "main"
    venues: Annotated[tuple[Venue, ...], BeforeValidator(_venues), Field(min_length=1)] = (PAPER,)
    data_dir: Path
    access: Mapping[Venue, VenueAccess] = Field(default_factory=dict)

    # S20 Whether production may start with a key that may withdraw.
    allow_withdrawal_keys: bool = False

    # S2.1 The signal server.
    signal_ws_url: WebSocketUrl = "ws://localhost:8765"
    signal_ws_token: SecretStr | None = None
    signal_ws_auto_reconnect: bool = True
    signal_ws_reconnect_interval: Seconds = 5
    signal_ws_max_reconnect_attempts: Annotated[int, Field(ge=-1)] = -1
    signal_buffer_size: Count = 100

    # S2.3-2.5 Waves.
    wave_check_minutes: Annotated[tuple[Minute, ...], BeforeValidator(_parts), Field(min_length=1)] = (6, 20, 35, 50)
    wave_check_duration_seconds: Seconds = 120
    stoplist_symbols: Annotated[tuple[Symbol, ...], BeforeValidator(_symbols)] = ()
    min_score_week: Decimal = Decimal(0)
    min_score_month: Decimal = Decimal(50)
    max_spread_percent: Percent = Decimal("2.0")
    max_trades_per_15min: Count = 10
    signal_buffer_percent: Annotated[Decimal, Field(ge=0)] = Decimal(33)

    # S3 Sizing and limits.
    position_size_usd: Usd = Decimal(200)
    min_position_size_usd: Usd = Decimal(10)
    max_position_size_usd: Usd = Decimal(5000)
    max_positions: Count = 10
    max_exposure_usd: Usd = Decimal(30000)
    leverage: Annotated[int, Field(ge=1, le=125)] = 3
    margin_mode: Annotated[MarginMode, BeforeValidator(_lower)] = MarginMode.ISOLATED
    commission_percent: Percent = Decimal("0.1")
    pause_after_losses_minutes: Annotated[int, Field(ge=0)] = 60
    pause_after_consecutive_losses: Count = 4

    # S4 Entry.
    entry_type: Annotated[EntryType, BeforeValidator(_lower)] = EntryType.MARKET
    entry_limit_timeout_seconds: Seconds = 10
    trailing_alert_if_unprotected_window_ms: Annotated[int, Field(ge=0)] = 500

    # S6 Stop loss.
    stop_loss_percent: Annotated[Decimal, Field(gt=0, lt=100)] = Decimal("2.0")

    # S7 Take profits.
    tp_split: Shares = (Decimal(50), Decimal(50))
    tp1_percent: PositivePercent = Decimal("1.5")
    tp2_percent: PositivePercent = Decimal("3.0")

    # S8 Trailing stop.
    trailing_activation_percent: PositivePercent = Decimal("1.5")
    trailing_callback_percent: Annotated[Decimal, Field(gt=0, lt=100)] = Decimal("0.5")
    trailing_tp1_progress_percent: PositivePercent = Decimal(80)
    breakeven_at_percent: PositivePercent = Decimal("1.0")
    trailing_activate_after_minutes: Annotated[int, Field(ge=0)] = 0
    trailing_momentum_percent: PositivePercent = Decimal("1.0")
    trailing_min_update_interval_seconds: Annotated[int, Field(ge=0)] = 60
    trailing_min_improvement_percent: Percent = Decimal("0.1")
    trailing_emergency_override_percent: PositivePercent = Decimal("1.0")

    # S9 Partial closes. None: by balance profile.
    min_partial_close_value_usd: Usd | None = None
    tp_split_large: Shares = (Decimal(35), Decimal(65))

    # S14 Reconciliation.
    sync_interval_seconds: Seconds = 120
    untracked: Annotated[UntrackedPolicy, BeforeValidator(_lower)] = UntrackedPolicy.ADOPT

    # The paper venue. The wallet is that of a new account; the latency, of one way, is drawn from a quarter up to it.
    paper_symbols: Annotated[tuple[Symbol, ...], BeforeValidator(_symbols), Field(min_length=1)] = (
        Symbol("BTCUSDT"),
        Symbol("ETHUSDT"),
        Symbol("SOLUSDT"),
    )
    paper_volatility_percent: PositivePercent = Decimal("2.0")  # an hour's movement
    paper_wallet_usd: Usd = Decimal(10_000)
    paper_latency_ms: Annotated[int, Field(ge=0, le=5_000)] = 4

    # S17 Persistence. Neither database_url nor db_host: SQLite in the data directory.
    database_url: SecretStr | None = None
    db_host: str | None = None
    db_port: Port = 5433
    db_name: str | None = None
    db_user: str | None = None
    db_password: SecretStr | None = None
    db_pool_size: Count = 10
    db_max_overflow: Annotated[int, Field(ge=0)] = 20

    # S18 Observability.
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = LogLevel.INFO
    debug: bool = False
    environment: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "production"
    metrics_port: Port = 8000

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        problems = [
            *_sizes_in_order(self),
            *_take_profits_in_order(self),
            *_breakeven_pays(self),
            *_venues_fit_the_mode(self),
            *_database_is_whole(self),
        ]
        if problems:
            raise PydanticCustomError(RULE_BROKEN, "{problems}", {"problems": "\n".join(problems)})
        return self


def _sizes_in_order(settings: Settings) -> list[str]:
    problems = []
    if not settings.min_position_size_usd <= settings.position_size_usd <= settings.max_position_size_usd:
        problems.append(
            f"POSITION_SIZE_USD is {settings.position_size_usd}: allowed is MIN_POSITION_SIZE_USD "
            f"({settings.min_position_size_usd}) to MAX_POSITION_SIZE_USD ({settings.max_position_size_usd})"
        )
    if settings.max_exposure_usd < settings.position_size_usd:
        problems.append(
            f"MAX_EXPOSURE_USD is {settings.max_exposure_usd}: allowed is POSITION_SIZE_USD "
            f"({settings.position_size_usd}) or more, or no position could ever be opened"
        )
    return problems


def _take_profits_in_order(settings: Settings) -> list[str]:
    problems = [
        f"{name} is {shares[0]},{shares[1]}: allowed are two shares that add up to 100"
        for name, shares in (("TP_SPLIT", settings.tp_split), ("TP_SPLIT_LARGE", settings.tp_split_large))
        if sum(shares) != HUNDRED_PERCENT
    ]
    if settings.tp2_percent <= settings.tp1_percent:
        problems.append(
            f"TP2_PERCENT is {settings.tp2_percent}: allowed is more than TP1_PERCENT ({settings.tp1_percent})"
        )
    return problems


def _breakeven_pays(settings: Settings) -> list[str]:
    if settings.breakeven_at_percent > settings.commission_percent:
        return []
    problem = (
        f"BREAKEVEN_AT_PERCENT is {settings.breakeven_at_percent}: allowed is more than COMMISSION_PERCENT "
        f"({settings.commission_percent}), or the stop at breakeven would trigger at once"
    )
    return [problem]


def _venues_fit_the_mode(settings: Settings) -> list[str]:
    real = [venue for venue in settings.venues if venue != PAPER]
    none_given = VenueAccess()
    real = [venue for venue in real if not settings.access.get(venue, none_given).is_simulated]
    if settings.mode is Mode.PAPER:
        return [
            f"HOLDFAST_VENUES names {venue}, and the mode is paper: allowed is {PAPER}, a simulated {venue} "
            f"({venue.upper()}_REST_URL and {venue.upper()}_WS_URL on this machine, see holdfast simulate), "
            f"or HOLDFAST_MODE=shadow (watches only) or HOLDFAST_MODE=production (acts)"
            for venue in real
        ]
    if PAPER in settings.venues:
        return [f"HOLDFAST_VENUES names {PAPER}: the mode {settings.mode} needs real venues"]
    return [
        f"{venue.upper()}_{name} is missing: the mode {settings.mode} needs the venue's key and secret"
        for venue in real
        for name, secret in _key_and_secret(settings.access.get(venue, none_given))
        if secret is None
    ]


def _key_and_secret(access: VenueAccess) -> tuple[tuple[str, SecretStr | None], ...]:
    return (("API_KEY", access.api_key), ("API_SECRET", access.api_secret))


def _database_is_whole(settings: Settings) -> list[str]:
    if settings.database_url is not None or settings.db_host is None:
        return []
    wanted = {"DB_NAME": settings.db_name, "DB_USER": settings.db_user}
    return [f"{name} is missing: DB_HOST is set, so it is needed too" for name, value in wanted.items() if not value]

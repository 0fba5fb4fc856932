"""The process: where it runs, what it acts on, and with whose keys (S19, S20)."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from messages.settings.value_types import Url, WebSocketUrl, lower, venue_names
from messages.values import Venue

PAPER = Venue("paper")
"""The simulated venue inside the process."""


class Mode(StrEnum):
    """S19: production acts, shadow watches and says what it would do, paper plays on a simulated venue."""

    PRODUCTION = "production"
    SHADOW = "shadow"
    PAPER = "paper"


class PositionMode(StrEnum):
    """Whether an account holds one position a symbol, or one a side."""

    ONE_WAY = "one-way"
    HEDGE = "hedge"


class VenueAccess(BaseModel):
    """How one venue is reached: its ``<VENUE>_API_KEY`` and the like, without the venue's name.

    Attributes:
        position_mode: Of the account there; ``None``: that of all venues.
        rest_url: In place of the venue's own address, such as a simulated exchange.
        ws_url: The same for its streams.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr | None = None
    api_secret: SecretStr | None = None
    api_passphrase: SecretStr | None = None
    testnet: bool = False
    position_mode: Annotated[PositionMode | None, BeforeValidator(lower)] = None
    rest_url: Url | None = None
    ws_url: WebSocketUrl | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether both addresses are this machine's own: a simulated exchange, where nothing is real."""
        return _is_loopback(self.rest_url) and _is_loopback(self.ws_url)


def _is_loopback(address: str | None) -> bool:
    host = urlsplit(address).hostname if address is not None else None
    return host in {"localhost", "127.0.0.1", "::1"}


class ProcessSettings(BaseModel):
    """The process (S19, S20)."""

    # The process (S19). Data and logs live under data_dir; one instance per data directory.
    mode: Annotated[Mode, BeforeValidator(lower)] = Mode.PAPER
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "main"
    venues: Annotated[tuple[Venue, ...], BeforeValidator(venue_names), Field(min_length=1)] = (PAPER,)
    data_dir: Path
    access: Mapping[Venue, VenueAccess] = Field(default_factory=dict)
    position_mode: Annotated[PositionMode, BeforeValidator(lower)] = PositionMode.ONE_WAY

    # S20 Whether production may start with a key that may withdraw.
    allow_withdrawal_keys: bool = False

    def is_hedged(self, venue: Venue) -> bool:
        """Whether both sides of a symbol may be open at once on the account there."""
        own = self.access.get(venue, VenueAccess()).position_mode
        return (own or self.position_mode) is PositionMode.HEDGE


def process_problems(settings: ProcessSettings) -> list[str]:
    """What does not fit together here, and what is allowed."""
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

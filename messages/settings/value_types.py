"""How a single setting is read from text, and what it may be."""

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

MINUTES_OF_AN_HOUR = 60


def comma_parts(value: object) -> object:
    """``"a, b"`` as ``("a", "b")``; anything that is not text stays as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def lower(value: object) -> object:
    """A word in lower case."""
    return value.strip().lower() if isinstance(value, str) else value


def upper(value: object) -> object:
    """A word in upper case."""
    return value.strip().upper() if isinstance(value, str) else value


def symbol_names(value: object) -> object:
    """Symbols as they are written everywhere inside: upper case, no separators."""
    found = comma_parts(value)
    if isinstance(found, tuple):
        return tuple(str(part).upper().split(":", maxsplit=1)[0].replace("/", "").replace("-", "") for part in found)
    return found


def venue_names(value: object) -> object:
    """Names of venues, in lower case."""
    found = comma_parts(value)
    return tuple(str(part).lower() for part in found) if isinstance(found, tuple) else found


Percent = Annotated[Decimal, Field(ge=0, le=100)]
PositivePercent = Annotated[Decimal, Field(gt=0, le=100)]
Usd = Annotated[Decimal, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Minute = Annotated[int, Field(ge=0, lt=MINUTES_OF_AN_HOUR)]
Minutes = Annotated[tuple[Minute, ...], BeforeValidator(comma_parts), Field(min_length=1)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+")]
WebSocketUrl = Annotated[str, Field(pattern=r"^wss?://[^\s/]+")]
Shares = Annotated[tuple[PositivePercent, PositivePercent], BeforeValidator(comma_parts)]
"""Two shares of a position, in percent, that add up to 100."""

"""Arguments of the command line that are more than a text or a number."""

from math import isfinite
from typing import Final

SPEED_MAX: Final = "max"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class WrongArgumentError(ValueError):
    """An argument is not allowed; the text says what is."""


def speed_argument(text: str) -> float | None:
    """Times real time; ``None`` for as fast as it goes."""
    if text == SPEED_MAX:
        return None
    speed = _number(text)
    if speed is None:
        raise WrongArgumentError(f"--speed is {text}: allowed is a number above 0, or {SPEED_MAX}")
    return speed


def duration_argument(text: str) -> float:
    """Seconds, from a number with s, m, h or d."""
    number = _number(text[:-1] if text[-1:] in _SECONDS else text)
    if number is None:
        raise WrongArgumentError(f"--for is {text}: allowed is a number with s, m, h or d, such as 90s or 2h")
    return number * _SECONDS.get(text[-1:], 1)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and number > 0 else None

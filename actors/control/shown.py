"""What may be shown of a value: known kinds only, cut to a sensible length, and nothing that is named like a secret."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

MAX_TEXT: Final = 500
MAX_ITEMS: Final = 50
MAX_DEPTH: Final = 4
SECRET_WORDS: Final = ("secret", "token", "password", "passphrase", "api_key", "apikey", "signature", "database_url")
HIDDEN: Final = "(hidden)"


def shown(value: object, depth: int = 0) -> object:
    """``value`` as JSON can say it; what is not of a known kind is named by its type only."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return shown(value.value, depth)
        case str():
            return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}… ({len(value)} characters)"
        case Decimal():
            return str(value)
        case _ if depth >= MAX_DEPTH:
            return f"<{type(value).__name__}>"
        case Mapping():
            items = list(value.items())[:MAX_ITEMS]
            result = {str(name): _named(str(name), item, depth) for name, item in items}
            if len(value) > MAX_ITEMS:
                result["…"] = f"{len(value) - MAX_ITEMS} more"
            return result
        case list() | tuple() | set() | frozenset():
            listed = [shown(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
            return listed if len(value) <= MAX_ITEMS else [*listed, f"{len(value) - MAX_ITEMS} more"]
        case _ if is_dataclass(value) and not isinstance(value, type) and _is_ours(value):
            return {field.name: _named(field.name, getattr(value, field.name), depth) for field in fields(value)}
        case _:
            return f"<{type(value).__name__}>"


def message_line(message: object) -> str:
    """A message in one line: its type, and what it carries."""
    text = ", ".join(f"{name}={item}" for name, item in _items(message))
    line = f"{type(message).__name__}({text})" if text else type(message).__name__
    return line if len(line) <= MAX_TEXT else f"{line[:MAX_TEXT]}…"


def _items(message: object) -> list[tuple[str, object]]:
    seen = shown(message)
    if isinstance(seen, dict):
        return list(seen.items())
    return [("value", seen)] if isinstance(message, str | int) else []


def _named(name: str, value: object, depth: int) -> object:
    if any(word in name.lower() for word in SECRET_WORDS):
        return HIDDEN
    return shown(value, depth + 1)


def _is_ours(value: object) -> bool:
    """Dataclasses of messages are made to be passed on; what others are made of nobody has looked at."""
    return type(value).__module__.split(".")[0] in {"messages", "actors"}

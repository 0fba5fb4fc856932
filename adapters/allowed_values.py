"""What a setting may be, in a person's words, read from the same declaration that checks it."""

from functools import cache
from typing import Any

from pydantic import BaseModel

_PATTERNS = {
    r"^https?://[^\s/]+": "an address that begins with http:// or https://",
    r"^wss?://[^\s/]+": "an address that begins with ws:// or wss://",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time of the day, UTC, such as 03:00",
    r"^[A-Za-z0-9_-]{1,32}$": "up to 32 letters, digits, - or _",
}
_NUMBERS = {"integer": "whole number", "number": "number"}
_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
)


def allowed_values(model: type[BaseModel], field_name: str) -> str:
    """Such as ``a number more than 0 and at most 100``, for one field of a settings model."""
    schema = _schema(model)
    return _described(schema["properties"][field_name], schema.get("$defs", {}))


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _described(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _described(definitions[schema["$ref"].rsplit("/", maxsplit=1)[-1]], definitions)
    if "anyOf" in schema:
        return _described(next(choice for choice in schema["anyOf"] if choice.get("type") != "null"), definitions)
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"])
    match schema.get("type"):
        case "integer" | "number" as kind:
            return f"a {_NUMBERS[kind]}{_bounds(schema)}"
        case "boolean":
            return "true or false"
        case "array":
            return _described_list(schema, definitions)
        case _:
            return _PATTERNS.get(schema.get("pattern", ""), "a text")


def _described_list(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "prefixItems" in schema:
        each = _described(schema["prefixItems"][0], definitions)
        return f"{len(schema['prefixItems'])} values with a comma between them, each {each}"
    return f"one value or several with commas between them, each {_described(schema['items'], definitions)}"


def _bounds(schema: dict[str, Any]) -> str:
    stated = [f"{word} {schema[name]:g}" for name, word in _BOUNDS if name in schema]
    return " " + " and ".join(stated) if stated else ""

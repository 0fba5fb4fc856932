"""Taking secrets out of text, by value and by shape, before anybody can read it."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"

_SHORTEST_SECRET = 5
"""Shorter values would turn every other word of a log into asterisks."""

_NAMES = (
    r"[\w-]*(?:api[_-]?key|api[_-]?secret|apikey|secret|passphrase|password|passwd|token|signature|authorization"
    r"|access[_-]?key|access[_-]?sign|bapi[_-]?sign|cookie)"
)
_SHAPES = (
    # name: value, name=value, "name": "value", 'name': b'value', in headers, query strings, JSON and Python dicts
    (
        re.compile(
            rf"(?i)((?<![\w-]){_NAMES}[\"']?\s*(?:=|:|=>)\s*(?:b?[\"'])?(?:bearer\s+|basic\s+)?)[^\s\"'&,;)}}\]]+"
        ),
        rf"\g<1>{HIDDEN}",
    ),
    # user:password@ in an address; bounded, because a venue's answer of any length must not hold up the log
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,20}://)[^/@\s\"']{1,500}@"), rf"\g<1>{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer\s+)[a-z0-9._~+/-]{8,}=*"), rf"\g<1>{HIDDEN}"),
    # Telegram: https://api.telegram.org/bot<number>:<key>/…, tgram://<number>:<key>/…
    (re.compile(r"(?<!\d)\d{6,}:[A-Za-z0-9_-]{30,}"), HIDDEN),
    (re.compile(r"(?i)\b((?:tgram|slack|discord|mailtos?|pover|gotifys?|ntfys?)://)[^\s\"']+"), rf"\g<1>{HIDDEN}"),
)


class SecretsFilter:
    """Knows the secrets of this process; calling it with a text gives the text without them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= _SHORTEST_SECRET
            for spelling in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """``text`` with every secret replaced."""
        if self._values is not None:
            text = self._values.sub(HIDDEN, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

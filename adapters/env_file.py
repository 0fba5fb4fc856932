"""Reading a ``.env`` file as people's editors leave it: byte order marks, UTF-16 and CRLF included."""

import codecs
import io
import re
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class EnvFileError(Exception):
    """The file cannot be read; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvLine:
    """One setting of the file. ``value`` is empty where nothing follows the equals sign."""

    name: str
    value: str
    line_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableLine:
    """A line that is no setting; ``first_word`` tells whether it was meant to be one."""

    first_word: str
    line_number: int


def read_env_file(path: Path) -> tuple[list[EnvLine], list[UnreadableLine]]:
    """The settings of the file and the lines that could not be read, in order.

    Values are taken as they stand: ``${NAME}`` is not replaced, because a password may contain it.

    Raises:
        EnvFileError: It cannot be opened, or it is not text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EnvFileError(f"{path} cannot be read: {error.strerror or error}") from error
    lines: list[EnvLine] = []
    unreadable: list[UnreadableLine] = []
    for binding in parse_stream(io.StringIO(_decoded(content, path=path))):
        skipped = len(binding.original.string) - len(binding.original.string.lstrip())
        line_number = binding.original.line + binding.original.string[:skipped].count("\n")
        if binding.error or (binding.key is not None and binding.value is None):
            word = re.split(r"[\s=:]", binding.original.string.strip(), maxsplit=1)[0]
            unreadable.append(UnreadableLine(first_word=word, line_number=line_number))
        elif binding.key is not None:
            lines.append(EnvLine(name=binding.key, value=binding.value or "", line_number=line_number))
    return lines, unreadable


def _decoded(content: bytes, *, path: Path) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content:
        raise EnvFileError(f"{path} is not UTF-8 text: save it again with the encoding UTF-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line_number = content[: error.start].count(b"\n") + 1
        raise EnvFileError(
            f"{path} is not UTF-8 text (line {line_number}): save it again with the encoding UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")

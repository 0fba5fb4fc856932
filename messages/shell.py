"""The shell's commands as both sides know them: what there is, who may use it, and what it takes."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a client of the shell may do; each role may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Whether this role includes ``needed``."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class ArgumentKind(StrEnum):
    """What an argument's value is; the names of addresses, symbols and positions can be completed."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    PATH = "path"
    SYMBOL = "symbol"


class Confirmation(StrEnum):
    """What is asked for before a command is sent. ``ACCOUNT``: in production the account's name is typed back."""

    NONE = "none"
    YES = "yes"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentSpec:
    """One argument. Positional ones come in their order; the others are written ``--name value``."""

    name: str
    kind: ArgumentKind = ArgumentKind.TEXT
    summary: str = ""
    positional: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """One command, for help, completion and parsing.

    Attributes:
        group: ``see``, ``check``, ``steer`` or ``trade``.
        streams: It sends events before its answer, until its client says or sends anything else.
    """

    name: str
    summary: str
    example: str
    group: str
    role: Role = Role.VIEWER
    arguments: tuple[ArgumentSpec, ...] = ()
    confirmation: Confirmation = Confirmation.NONE
    streams: bool = False


class CommandRefusedError(Exception):
    """A command cannot be carried out; ``code`` is for scripts, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

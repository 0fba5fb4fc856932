"""The checks of an account that every venue has: the key, what it may do, and the modes the account is in.

A venue asks in its own way and tells what it found in these words. What it could not ask is unknown, never fine; and a
key counts as refused only by a request that every account must answer, not by one that its kind may not have.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from messages.checks import Check, Finding
from messages.values import Venue
from messages.venue import OrderRejected, OutcomeUnknown, RejectReason

KEY: Final = "key"
TRADING: Final = "trading"
WITHDRAWAL: Final = "withdrawal"
ACCOUNT_TYPE: Final = "account type"
POSITION_MODE: Final = "position mode"
MARGIN_MODE: Final = "margin mode"

Refusal: TypeAlias = OrderRejected | OutcomeUnknown
ALLOW_WITHDRAWAL: Final = "HOLDFAST_ALLOW_WITHDRAWAL_KEYS=true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a venue is asked, and what becomes of questions that it does not answer.

    Attributes:
        errors: What its requests raise.
        meaning: What such an error says.
        set_clock: Measure the venue's clock, which later requests are signed by.
    """

    venue: Venue
    errors: tuple[type[Exception], ...]
    meaning: Callable[[Exception], Refusal]
    set_clock: Callable[[], object]

    def modes(self, names: Sequence[str], question: Callable[[], Iterable[Check]]) -> list[Check]:
        """The checks of the question that also shows whether the key is taken; unknown ones when it fails."""
        answer = self._asked(question)
        if isinstance(answer, list):
            return [_check(self.venue, KEY, Finding.FINE, "the venue takes it"), *answer]
        if isinstance(answer, OrderRejected) and answer.reason is RejectReason.AUTHENTICATION:
            return [refused_key(self.venue, answer.text), *self._unknown(names, answer)]
        return self._unknown((KEY, *names), answer)

    def permissions(self, names: Sequence[str], question: Callable[[], Iterable[Check]]) -> list[Check]:
        """The checks of a further question; unknown ones when it fails."""
        answer = self._asked(question)
        return answer if isinstance(answer, list) else self._unknown(names, answer)

    def _asked(self, question: Callable[[], Iterable[Check]]) -> list[Check] | Refusal:
        answer = self._once(question)
        if isinstance(answer, OrderRejected) and answer.reason is RejectReason.CLOCK:
            clock = self._once(self._clock)
            answer = self._once(question) if isinstance(clock, list) else answer
        return answer

    def _once(self, question: Callable[[], Iterable[Check]]) -> list[Check] | Refusal:
        try:
            return list(question())
        except self.errors as error:
            return self.meaning(error)

    def _clock(self) -> Iterable[Check]:
        self.set_clock()
        return ()

    def _unknown(self, names: Sequence[str], refusal: Refusal) -> list[Check]:
        return [unknown(self.venue, name, refusal.text) for name in names]


def unknown(venue: Venue, name: str, why: str) -> Check:
    """What could not be found out."""
    return _check(venue, name, Finding.UNKNOWN, f"could not be read: {why}", "look it up on the venue's own pages")


def refused_key(venue: Venue, text: str) -> Check:
    """The venue does not take the key."""
    names = f"{venue.upper()}_API_KEY, {venue.upper()}_API_SECRET and {venue.upper()}_API_PASSPHRASE"
    advice = f"check {names}, the addresses that the key is bound to, and whether it is of the live or the test venue"
    return _check(venue, KEY, Finding.WRONG, text, advice)


def position_mode(venue: Venue, *, is_hedge: bool, wanted_hedge: bool, where: str = "the account") -> Check:
    """Whether the account holds one position a symbol, or one a side, as it is expected to."""
    is_, wanted = ("hedge mode" if hedge else "one-way mode" for hedge in (is_hedge, wanted_hedge))
    if is_hedge is wanted_hedge:
        return _check(venue, POSITION_MODE, Finding.FINE, is_)
    setting = f"{venue.upper()}_POSITION_MODE={'hedge' if is_hedge else 'one-way'}"
    advice = (
        f"set {setting}, or switch the position mode of USDT futures to {wanted} there; "
        f"no position and no order may be open for that"
    )
    return _check(venue, POSITION_MODE, Finding.WRONG, f"{where} is in {is_}, Holdfast is set to {wanted}", advice)


def margin_mode(venue: Venue, text: str, *, hindrance: str = "") -> Check:
    """In which margin mode it is; ``hindrance`` says why the mode of the settings cannot be set."""
    if not hindrance:
        return _check(venue, MARGIN_MODE, Finding.FINE, f"{text}; set to MARGIN_MODE before a position is opened")
    advice = "switch it on the venue, or set MARGIN_MODE=cross"
    return _check(venue, MARGIN_MODE, Finding.WARNING, f"{text}: {hindrance}", advice)


def account_type(venue: Venue, text: str, *, what_to_do: str = "") -> Check:
    """What kind of account it is; ``what_to_do`` when it is of a kind that cannot be used."""
    return _check(venue, ACCOUNT_TYPE, Finding.WRONG if what_to_do else Finding.FINE, text, what_to_do)


def trading(venue: Venue, *, allowed: bool) -> Check:
    """Whether the key may place orders for futures."""
    if allowed:
        return _check(venue, TRADING, Finding.FINE, "the key may trade futures")
    advice = "enough for HOLDFAST_MODE=shadow; for production allow it to trade futures"
    return _check(venue, TRADING, Finding.WARNING, "the key may not trade futures", advice)


def withdrawal(venue: Venue, *, allowed: bool) -> Check:
    """Whether the key may take money away, which nothing here needs (S20)."""
    if not allowed:
        return _check(venue, WITHDRAWAL, Finding.FINE, "the key may not withdraw")
    advice = f"make a key that may read and trade only; {ALLOW_WITHDRAWAL} lets production start with this one"
    return _check(venue, WITHDRAWAL, Finding.WRONG, "the key may withdraw", advice)


def _check(venue: Venue, name: str, finding: Finding, text: str, what_to_do: str = "") -> Check:
    return Check(subject=venue, name=name, finding=finding, text=text, what_to_do=what_to_do)

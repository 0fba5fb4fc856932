"""What a day's result does to opening: smaller sizes, and pauses (S3).

A :class:`TradingDay` is made from what positions came to, and :func:`opening_terms` says what may be opened on it now.

Invariants:
1. The size is never larger than the base size, and never larger after a worse result.
2. A day that was once at the stop stays stopped until the next UTC day, whatever is won afterwards.
3. A new UTC day starts with nothing won or lost, and with the full size.
4. Fewer losing closes in a row than the limit never pause, and a close that is no loss starts the count anew.
5. A pause lasts its minutes, and the count starts anew with it.
6. What is switched off changes nothing.
7. While it is not known what the account holds, a day that has lost anything opens nothing.
8. Every answer tells what it was made from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from messages.journal import PositionResult
from messages.values import ZERO, Money

DAY_MS: Final = 86_400_000
_MS_A_MINUTE: Final = 60_000
_HUNDRED: Final = Decimal(100)
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentPolicy:
    """The adjustments of S3; percents are of the balance at the start of the day.

    Attributes:
        size_follows_day: Whether the day's result changes the size, and stops the day.
        steps: From which result on the size is which part of the base size, mildest first.
        stop_at_percent: From this result on nothing is opened until the next UTC day.
        pauses_after_losses: Whether losing closes pause opening.
        consecutive_losses: So many losing closes in a row pause it.
        pause_minutes: For so long; 0 is off as well.
    """

    size_follows_day: bool = True
    steps: tuple[tuple[Decimal, Decimal], ...] = (
        (Decimal(-1), Decimal("0.75")),
        (Decimal(-2), Decimal("0.5")),
        (Decimal(-3), Decimal("0.25")),
    )
    stop_at_percent: Decimal = Decimal(-5)
    pauses_after_losses: bool = True
    consecutive_losses: int = 4
    pause_minutes: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """One UTC day of the account so far.

    Attributes:
        start_ms: Its midnight.
        balance: What the account held then; ``None`` while that is not known.
        realized: Won and lost since, net.
        worst: The least that ``realized`` has been, zero at most.
        losses: Losing closes in a row, also of days before, since the last pause began.
        paused_until_ms: When the last pause after losses ends; 0 before the first.
    """

    start_ms: int
    balance: Money | None = None
    realized: Money = ZERO
    worst: Money = ZERO
    losses: int = 0
    paused_until_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningTerms:
    """What may be opened now.

    Attributes:
        size_usd: The base size times ``factor``.
        paused_until_ms: Nothing is opened before; ``None``: opening is not paused.
        why: What it follows from, with the figures.
        inputs: The same for the record, by name.
    """

    size_usd: Money
    factor: Decimal
    paused_until_ms: int | None
    why: str
    inputs: tuple[tuple[str, str], ...]


def trading_day(
    *, results: Iterable[PositionResult], now_ms: int, balance: Money | None, policy: AdjustmentPolicy
) -> TradingDay:
    """The day of ``now_ms``, from the results of it and of the days before, in any order.

    A result counts to the day in which its position was closed; ``balance`` is what the account held at midnight.
    """
    start_ms = day_start_ms(now_ms)
    realized = worst = ZERO
    losses, paused_until_ms = 0, 0
    for result in sorted(results, key=lambda each: (each.closed_ms, each.position_id)):
        if result.closed_ms >= start_ms:
            realized += result.net_pnl
            worst = min(worst, realized)
        losses = losses + 1 if result.net_pnl < ZERO else 0
        if losses >= policy.consecutive_losses:
            losses, paused_until_ms = 0, result.closed_ms + policy.pause_minutes * _MS_A_MINUTE
    return TradingDay(
        start_ms=start_ms,
        balance=balance,
        realized=realized,
        worst=worst,
        losses=losses,
        paused_until_ms=paused_until_ms,
    )


def day_start_ms(now_ms: int) -> int:
    """Midnight of the UTC day of ``now_ms``."""
    return now_ms - now_ms % DAY_MS


def opening_terms(*, day: TradingDay, base_usd: Money, now_ms: int, policy: AdjustmentPolicy) -> OpeningTerms:
    """What may be opened at ``now_ms``, which lies in ``day``, where ``base_usd`` is the size of an ordinary day."""
    factor, paused_until_ms, reasons = _ONE, None, []
    percent = _percent(day.realized, day.balance)
    if policy.size_follows_day:
        if _is_at_most(day.worst, day.balance, policy.stop_at_percent):
            paused_until_ms = day.start_ms + DAY_MS
            known = f"the day was at {policy.stop_at_percent} % or worse"
            reasons.append(f"the day lost {day.worst}, of what is not known yet" if day.balance is None else known)
        for level, part in policy.steps:
            if _is_at_most(day.realized, day.balance, level):
                factor = min(factor, part)
    if policy.pauses_after_losses and now_ms < day.paused_until_ms:
        paused_until_ms = max(paused_until_ms or 0, day.paused_until_ms)
        reasons.append(f"{policy.consecutive_losses} losing closes in a row")
    if factor != _ONE and percent is not None:
        reasons.append(f"the day is at {percent} %, sizes are {factor} of {base_usd}")
    inputs = (
        ("base_usd", f"{base_usd:f}"),
        ("day_balance", "" if day.balance is None else f"{day.balance:f}"),
        ("day_realized", f"{day.realized:f}"),
        ("day_worst", f"{day.worst:f}"),
        ("day_percent", "" if percent is None else f"{percent:f}"),
        ("losses_in_a_row", str(day.losses)),
        ("factor", f"{factor:f}"),
        ("paused_until_ms", "" if paused_until_ms is None else str(paused_until_ms)),
    )
    return OpeningTerms(
        size_usd=base_usd * factor,
        factor=factor,
        paused_until_ms=paused_until_ms,
        why="; ".join(reasons),
        inputs=inputs,
    )


def _is_at_most(amount: Money, balance: Money | None, percent: Decimal) -> bool:
    """Whether ``amount`` is ``percent`` of ``balance`` or less, as any loss is of nothing, or of what is not known."""
    if balance is None or balance <= ZERO:
        return amount < ZERO
    # As products, which are exact.
    return amount * _HUNDRED <= balance * percent


def _percent(amount: Money, balance: Money | None) -> Decimal | None:
    """For people: two digits after the point."""
    if balance is None or balance <= ZERO:
        return None
    return (amount * _HUNDRED / balance).quantize(Decimal("0.01"))

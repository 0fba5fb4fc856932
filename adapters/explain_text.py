"""A position's story in words: one line a step, and beneath each order why it was sent and what the venue said.

Times are UTC. Nothing of it is coloured, so that it can be piped and pasted.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from adapters.status_text import number
from messages.explanation import EventStep, Explanation, FillStep, FundingStep, InputView, OrderStep, Step
from messages.journal import Severity
from messages.orders import FillKind
from messages.state import IntentAction

_INDENT = " " * 14
_LOUD = {Severity.WARNING: "! ", Severity.ERROR: "!! ", Severity.CRITICAL: "!!! "}


def explanation_lines(story: Explanation) -> Iterator[str]:
    """The whole story, line by line."""
    yield from _header(story)
    day = ""
    for step in story.steps:
        today = _time(step.at_ms).strftime("%Y-%m-%d")
        if today != day:
            day = today
            yield f"--- {day} UTC"
        first, *more = _lines(step)
        yield f"{_clock(step.at_ms)}  {first}"
        yield from (f"{_INDENT}{line}" for line in more)


def _header(story: Explanation) -> Iterator[str]:
    yield f"{story.venue}/{story.symbol} {story.side} {story.opened_quantity}, position {story.position_id}"
    opened = _time(story.opened_ms).strftime("%Y-%m-%d %H:%M:%S")
    if story.closed_ms is None:
        stop = "no stop" if story.stop_price is None else f"stop {story.stop_price}"
        yield f"{story.phase} since {opened}: {story.quantity} open at {story.entry_price}, {stop}"
    else:
        closed = _time(story.closed_ms).strftime("%Y-%m-%d %H:%M:%S")
        reason = story.close_reason or "unknown"
        yield f"{story.phase} ({reason}), {opened} to {closed}: from {story.entry_price} to {story.exit_price}"
    yield f"gross {story.realized_pnl:+.4f}, commission {story.commission:.4f}, funding {story.funding:+.4f}"


def _lines(step: Step) -> list[str]:
    match step:
        case OrderStep():
            return _order(step)
        case EventStep():
            return [f"{_LOUD.get(step.severity, '')}{step.kind}: {step.text}"]
        case FillStep():
            what = "fill" if step.kind is FillKind.TRADE else step.kind.replace("_", " ")
            made = f", made {step.realized_pnl:+.4f}" if step.realized_pnl else ""
            name = step.client_order_id or step.venue_order_id
            return [f"{what}: {step.side} {step.quantity} at {step.price}{made}, commission {step.commission} [{name}]"]
        case FundingStep():
            return [f"funding: {step.amount:+.4f}"]


def _order(step: OrderStep) -> list[str]:
    rule = step.rule or "not on record"
    before = f" (before: {step.before})" if step.before is not None else ""
    lines = [
        f"> {_what(step)}",
        f"why: {rule}{f', {step.why}' if step.why else ''}{before}",
    ]
    if step.inputs:
        lines.append("from: " + ", ".join(_input(item) for item in step.inputs))
    for request in step.requests:
        took_ms = request.answered_ms - request.asked_ms
        said = f" {request.says}" if request.says else ""
        lines.append(f"{request.operation} at {_clock(request.asked_ms)}, {took_ms} ms: {request.answer}{said}")
    text = f": {step.outcome_text}" if step.outcome_text else ""
    lines.append(f"outcome: {step.outcome.replace('_', ' ')}{text}")
    return lines


def _what(step: OrderStep) -> str:
    size = "the whole position" if step.quantity is None else str(step.quantity)
    words = [step.action, step.purpose.replace("_", " "), f"[{step.client_order_id}]"]
    if step.action is not IntentAction.CANCEL:
        words += [step.side, step.kind.replace("_", " "), size]
    if step.price is not None:
        words.append(f"for {step.price}")
    if step.trigger_price is not None:
        words.append(f"at {step.trigger_price}")
    if step.attached_stop_id is not None:
        words.append(f"with a stop at {step.attached_stop_price} [{step.attached_stop_id}]")
    return " ".join(words)


def _input(item: InputView) -> str:
    if item.age_ms is None:
        return f"{item.name} {number(item.value)}"
    return f"{item.name} {number(item.value)} ({item.age_ms / 1_000:.1f} s old)"


def _clock(at_ms: int) -> str:
    return f"{_time(at_ms):%H:%M:%S}.{at_ms % 1_000:03}"


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1_000, tz=UTC)

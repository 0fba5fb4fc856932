"""A venue that does not know its own orders for a while (F3): when its "does not exist" is not to be believed.

Invariants:
1. A stop that is denied for the first time is placed again: a stop too many does no harm, one too few does.
2. A stop that stands, as the refusal of another one shows, is not taken for lost on the same word again.
3. Where the replacement is denied too, and every other order with it, nothing more is placed on that word.
"""

from typing import Final

from messages.journal import Severity
from messages.state import StopOrder, TakeProfitPhase
from rules.position_draft import Draft
from rules.stop_lifecycle import StopEvent

FORGETFUL_MS: Final = 600_000
"""How long after a denial another one proves little."""


def denied_lately(draft: Draft) -> bool:
    """Whether the venue denied a stop of this position a short while ago."""
    return draft.denied is not None and draft.now_ms < draft.denied_ms + FORGETFUL_MS


def hides_more(draft: Draft) -> bool:
    """Whether a take profit that is denied is to be left alone: the stop is, or lately was, denied as well."""
    working = draft.position.stop.working
    return denied_lately(draft) or (working is not None and working.client_order_id in draft.missing)


def believes_denial(draft: Draft, working: StopOrder) -> bool:
    """Whether ``working``, which the venue says not to have, is to be taken for lost."""
    if not denied_lately(draft):
        draft.denied, draft.denied_ms = working, draft.now_ms
        return True
    if draft.denied is not None and draft.denied.client_order_id == working.client_order_id:
        return False
    if not _denies_everything(draft):
        return True
    draft.denied_ms = draft.now_ms
    _tell_once(draft, working)
    return False


def denied_stop_stands(draft: Draft) -> bool:
    """Another stop was refused because there is one: the one that was denied is there after all, and works again."""
    stop = draft.denied
    if stop is None or not denied_lately(draft) or draft.position.stop.working is not None:
        return False
    draft.pass_stop_to(StopEvent.PLACE_CONFIRMED)
    draft.change_stop(working=stop, next=None, intent_id=None, attempts=0, not_before_ms=0)
    _tell_once(draft, stop)
    return True


def _denies_everything(draft: Draft) -> bool:
    """One order may be lost without a word; that each of several is, again, is the venue's memory, not the orders."""
    profits = [item for item in draft.position.take_profits if item.phase is TakeProfitPhase.WORKING]
    return bool(profits) and all(item.client_order_id in draft.missing for item in profits)


def _tell_once(draft: Draft, stop: StopOrder) -> None:
    if draft.forgetful_told:
        return
    draft.forgetful_told = True
    draft.record(
        "venue_forgets",
        f"the venue says that it does not have the stop at {stop.trigger_price}, and has it: its word is not believed",
        Severity.CRITICAL,
    )

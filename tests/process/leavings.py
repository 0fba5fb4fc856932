"""What is naked or too many by the venue's own ledger, and what of it a death may leave."""

from adapters.simulator.paper import PaperExchange
from tests.process.books import Books
from tests.process.simulated_venue import SimulatedVenue


def naked_problems(exchange: PaperExchange) -> list[str]:
    """What no death excuses: an order sent twice and, where stops come with the entry, a moment without one.

    Where a stop is moved by another one beside it, whoever dies between the two leaves both: that is excused as far as
    nobody lived.
    """
    can = exchange.config.exchange.profile.capabilities
    ledger = exchange.ledger_snapshot()
    uncovered = ("unprotected_seconds", "positions_uncovered_now") if can.attach_stop_to_entry else ()
    twice = "duplicate_orders" if can.amend_stop else "accepted_twice"
    found = [name for name in (*uncovered, twice) if ledger[name]]
    return [f"the venue's ledger counts {ledger[name]} {name}" for name in found]


def left_behind(exchange: PaperExchange) -> tuple[int, int]:
    """How many orders the venue counts that outlived their position, and their successor."""
    ledger = exchange.ledger_snapshot()
    zombies, doubles, twice = ledger["zombie_orders"], ledger["duplicate_orders"], ledger["accepted_twice"]
    assert isinstance(zombies, int)
    assert isinstance(doubles, int)
    assert isinstance(twice, int)
    return zombies, doubles - twice


def uncovered_since(venue: SimulatedVenue) -> dict[str, int]:
    """The positions that are uncovered now, and since when (UTC ms)."""
    with venue.exchange() as exchange:
        records = exchange.engine.ledger.book.open.items()
        return {name: each.uncovered.since_ms for name, each in records if each.uncovered.since_ms is not None}


def orphans_now(books: Books) -> list[str]:
    """Orders that nobody removed although a process is at work."""
    now = books.ledger()["zombie_orders_now"]
    return [f"{now} orders rest without a position"] if now else []

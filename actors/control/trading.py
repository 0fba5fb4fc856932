"""Commands about positions: see them, open, close, protect them, and open nothing more."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from actors import addresses
from actors.control.cockpit import SHELL, Asked, Cockpit
from actors.control.registry import Command
from messages.positions import ClosePosition, VerifyPosition
from messages.shell import ArgumentKind, ArgumentSpec, CommandRefusedError, CommandSpec, Confirmation, Role
from messages.state import CloseReason
from messages.status import PositionView
from messages.supervision import LockSymbol, PauseOpening, RawSignal, ReadAccountNow, ResumeOpening, UnlockSymbol
from messages.values import PositionKey, Side, Symbol, Venue

HIGHEST_SCORE: Final = 100
"""What a person asks for passes the scores that signals are filtered by."""
POSITIONS: Final = "position/"


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)


def _positions(cockpit: Cockpit, asked: Asked) -> list[PositionView]:
    """The open positions, of one symbol when one is named."""
    symbol, venue = asked.text("symbol").upper(), asked.text("venue").lower()
    return [
        view
        for view in cockpit.status().positions
        if (not symbol or view.symbol == symbol) and (not venue or view.venue == venue)
    ]


def _keys(cockpit: Cockpit, views: Iterable[PositionView]) -> list[PositionKey]:
    """The keys of ``views``: in hedge mode the address of an actor names the side."""
    paths = set(cockpit.system.paths())
    keys = []
    for view in views:
        one_way = PositionKey(venue=view.venue, symbol=view.symbol)
        both = PositionKey(venue=view.venue, symbol=view.symbol, hedge_side=view.side)
        keys.append(both if addresses.position(both) in paths else one_way)
    return keys


def _some(cockpit: Cockpit, asked: Asked) -> list[PositionKey]:
    keys = _keys(cockpit, _positions(cockpit, asked))
    if not keys:
        wanted = asked.text("symbol").upper()
        what = f"no open position {wanted}" if wanted else "no open position"
        raise CommandRefusedError("no_such_position", f"{what}: positions lists them")
    return keys


def _named(keys: Iterable[PositionKey]) -> list[str]:
    return [addresses.position(key).removeprefix(POSITIONS) for key in keys]


def positions(cockpit: Cockpit, asked: Asked) -> object:
    """The open positions, as the table shows them."""
    return [_plain(view) for view in _positions(cockpit, asked)]


def status(cockpit: Cockpit, _asked: Asked) -> object:
    """The whole picture."""
    return _plain(cockpit.status())


def orders(cockpit: Cockpit, asked: Asked) -> object:
    """The orders of open positions, as the positions know them."""
    rows: list[dict[str, object]] = []
    for view in _positions(cockpit, asked):
        place = {"venue": view.venue, "symbol": view.symbol}
        stop = str(view.stop_price) if view.stop_price is not None else None
        rows.append({**place, "order": "stop", "phase": view.stop_phase, "trigger_price": stop})
        rows.extend(
            {**place, "order": f"tp{item.level}", "phase": item.phase, "trigger_price": str(item.trigger_price)}
            for item in view.take_profits
        )
    return rows


def explain(cockpit: Cockpit, asked: Asked) -> object:
    """Why each order of a position was sent.

    Raises:
        CommandRefusedError: There is no such position on record.
    """
    if cockpit.explain is None:
        raise CommandRefusedError("cannot", "there are no records to read: holdfast explain reads them from the disk")
    try:
        return cockpit.explain(asked.text("position"))
    except LookupError as error:
        raise CommandRefusedError("no_such_position", str(error.args[0])) from error


def open_(cockpit: Cockpit, asked: Asked) -> object:
    """Offer a signal; every check that a signal passes it has to pass."""
    venues = cockpit.venues()
    venue = asked.text("venue").lower() or (venues[0] if venues else "")
    now = datetime.fromtimestamp(cockpit.now_ms() / 1_000, UTC)
    signal_id = f"{SHELL}-{cockpit.owner_epoch}-{cockpit.next_number()}"
    raw: dict[str, object] = {
        "id": signal_id,
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "symbol": asked.text("symbol").upper(),
        "side": {"long": "BUY", "short": "SELL"}[asked.text("side")],
        "score_week": HIGHEST_SCORE,
        "score_month": HIGHEST_SCORE,
        "exchange": venue,
    }
    raw |= {name: asked.text(name) for name in ("entry", "sl", "tp1", "tp2") if asked.text(name)}
    cockpit.ref("signal/wave").tell(RawSignal(raw=raw, origin=SHELL))
    return {"signal": signal_id, "told": f"offered to {venue}; its fate is in the log, the position in positions"}


def close(cockpit: Cockpit, asked: Asked) -> object:
    """Close the positions of a symbol at market."""
    keys = _some(cockpit, asked)
    for key in keys:
        cockpit.ref(addresses.desk(key.venue)).tell(ClosePosition(key=key, reason=CloseReason.OPERATOR))
    return {"closing": _named(keys)}


def flatten(cockpit: Cockpit, asked: Asked) -> object:
    """Open nothing more, and close everything, or one symbol."""
    if not asked.text("symbol"):
        cockpit.ref(addresses.RISK).tell(PauseOpening(why="flattened from the shell"))
    keys = _keys(cockpit, _positions(cockpit, asked))
    for key in keys:
        cockpit.ref(addresses.desk(key.venue)).tell(ClosePosition(key=key, reason=CloseReason.OPERATOR))
    return {"closing": _named(keys), "opening_paused": not asked.text("symbol")}


def protect(cockpit: Cockpit, asked: Asked) -> object:
    """Read the account of positions now, and mend what is missing."""
    keys = _some(cockpit, asked)
    for key in keys:
        desk = cockpit.ref(addresses.desk(key.venue))
        desk.tell(VerifyPosition(key=key, why="asked for in the shell"))
    return {"verifying": _named(keys)}


def pause_opening(cockpit: Cockpit, asked: Asked) -> object:
    """Open nothing more."""
    why = asked.text("why") or "paused from the shell"
    cockpit.ref(addresses.RISK).tell(PauseOpening(why=why))
    return {"told": f"nothing is opened: {why}; protection goes on"}


def resume_opening(cockpit: Cockpit, _asked: Asked) -> object:
    """Undo a pause; what pauses by itself goes on."""
    cockpit.ref(addresses.RISK).tell(ResumeOpening())
    return {"told": "opening goes on, unless something else pauses it: see state risk"}


def reconcile(cockpit: Cockpit, asked: Asked) -> object:
    """Read whole accounts now, and compare them with the record; what nobody tracks is adopted by policy."""
    venues = [asked.text("venue").lower()] if asked.text("venue") else cockpit.venues()
    for venue in venues:
        path = addresses.exchange(Venue(venue), "account")
        cockpit.ref(path).tell(ReadAccountNow(why="asked for in the shell"))
    return {"reading": venues}


def lock(cockpit: Cockpit, asked: Asked) -> object:
    """Open nothing on a symbol until it is unlocked; also across restarts."""
    symbol = Symbol(asked.text("symbol").upper())
    cockpit.ref(addresses.RISK).tell(LockSymbol(symbol=symbol, why=asked.text("why") or "locked from the shell"))
    return {"locked": symbol}


def unlock(cockpit: Cockpit, asked: Asked) -> object:
    """Undo a lock."""
    symbol = Symbol(asked.text("symbol").upper())
    cockpit.ref(addresses.RISK).tell(UnlockSymbol(symbol=symbol))
    return {"unlocked": symbol}


def commands() -> list[Command]:
    """Commands about positions."""
    symbol = ArgumentSpec(
        name="symbol", kind=ArgumentKind.SYMBOL, positional=True, required=True, summary="such as BTCUSDT"
    )
    maybe = ArgumentSpec(name="symbol", kind=ArgumentKind.SYMBOL, positional=True, summary="all of them without it")
    venue = ArgumentSpec(name="venue", summary="only on this venue")
    side = ArgumentSpec(
        name="side",
        kind=ArgumentKind.CHOICE,
        positional=True,
        required=True,
        choices=tuple(Side),
        summary="which way",
    )
    position = ArgumentSpec(
        name="position", positional=True, required=True, summary="its id, the start of it, or VENUE/SYMBOL"
    )
    prices = tuple(
        ArgumentSpec(name=name, summary=summary)
        for name, summary in (
            ("sl", "the stop's price"),
            ("tp1", "the first take profit's price"),
            ("tp2", "the second one's"),
            ("entry", "the price that the signal was made at"),
        )
    )
    why = ArgumentSpec(name="why", summary="the reason that is recorded")
    account, yes, none = Confirmation.ACCOUNT, Confirmation.YES, Confirmation.NONE
    viewer, operator = Role.VIEWER, Role.OPERATOR
    several = [
        (status, "status", "how it stands as a whole", "status", (), viewer, none),
        (positions, "positions", "the open positions", "positions --venue paper", (maybe, venue), viewer, none),
        (
            orders,
            "orders",
            "stops and take profits of the open positions",
            "orders BTCUSDT",
            (maybe, venue),
            viewer,
            none,
        ),
        (
            explain,
            "explain",
            "why each order of a position was sent",
            "explain paper/BTCUSDT",
            (position,),
            viewer,
            none,
        ),
        (
            open_,
            "open",
            "open a position, through every check that a signal passes",
            "open BTCUSDT long --venue paper",
            (symbol, side, venue, *prices),
            operator,
            account,
        ),
        (close, "close", "close a symbol's position at market", "close BTCUSDT", (symbol, venue), operator, account),
        (
            flatten,
            "flatten",
            "open nothing more and close everything, or close one symbol",
            "flatten",
            (maybe, venue),
            operator,
            account,
        ),
        (
            protect,
            "protect",
            "read positions back from the venue now, and mend what is missing",
            "protect BTCUSDT",
            (maybe, venue),
            operator,
            none,
        ),
        (
            pause_opening,
            "pause-opening",
            "open nothing more; protection goes on",
            "pause-opening",
            (why,),
            operator,
            yes,
        ),
        (resume_opening, "resume-opening", "undo pause-opening and flatten", "resume-opening", (), operator, account),
        (
            reconcile,
            "reconcile",
            "read whole accounts now and compare them with the record",
            "reconcile --venue paper",
            (venue,),
            operator,
            none,
        ),
        (
            reconcile,
            "adopt",
            "look now for positions that nobody tracks, and take them over as UNTRACKED says",
            "adopt",
            (venue,),
            operator,
            yes,
        ),
        (lock, "lock", "open nothing on a symbol until it is unlocked", "lock BTCUSDT", (symbol, why), operator, yes),
        (unlock, "unlock", "undo a lock", "unlock BTCUSDT", (symbol,), operator, yes),
    ]
    return [
        Command(
            spec=CommandSpec(
                name=name,
                summary=summary,
                example=example,
                group="trade",
                role=role,
                arguments=arguments,
                confirmation=confirmation,
            ),
            run=run,
        )
        for run, name, summary, example, arguments, role, confirmation in several
    ]

"""``holdfast check`` as a script sees it: exit codes and JSON, beside a running instance and without one."""

import queue
import random
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from adapters.check_request import REQUEST_FILE
from adapters.connect import connect
from adapters.simulator.wire.dialect import Keys
from adapters.venues.rest import VenueConfig
from messages.orders import OrderSpec
from messages.values import ClientOrderId, OrderKind, OrderPurpose, OrderSide, Symbol, Venue
from messages.venue import OrderAccepted, PlaceOrder, VenueAnswer
from tests.process.installation import Installation
from tests.process.signal_writer import SignalWriter
from tests.process.simulated_venue import SimulatedVenue, record_prices
from tests.process.test_full_disk import until_open
from tests.process.test_stopping import CALM

KEYS = Keys()
BTC = Symbol("BTCUSDT")
ETH = Symbol("ETHUSDT")
FLAT_PRICE = ((600, "0"),)
ANSWER_S = 20.0
NOTHING_LISTENS = {"BYBIT_REST_URL": "http://127.0.0.1:9", "BYBIT_WS_URL": "ws://127.0.0.1:9"}


def test_a_paper_account_is_checked_by_its_instance_while_that_runs_and_by_the_command_afterwards(
    installation: Installation,
) -> None:
    installation.environment.update(CALM)
    empty = installation.run("check", "--json")
    with installation.start() as life:
        life.until_running()
        SignalWriter(path=installation.signals, symbols=(str(BTC),), chance=random.Random(1)).write(str(BTC))
        until_open(life, 1)
        beside = installation.run("check", "--json")
        mended = installation.run("check", "--fix", "--json")
        life.interrupt()
        ended = life.finished()
    alone = installation.run("check", "--json")
    shown = installation.run("check", "--fix")

    assert (empty.code, empty.json()["positions"]) == (0, 0)
    for done in (beside, mended):
        assert done.code == 0, done.err
        assert (done.json()["positions"], done.json()["findings"]) == (1, [])
        assert "running instance" in done.json()["by"]
    assert ended.code == 0
    assert "taken the account over" not in installation.logged(), "the check did not depose the instance"
    assert not (installation.data_dir / REQUEST_FILE).exists()
    assert (alone.code, alone.json()["positions"], alone.json()["findings"]) == (0, 1, [])
    assert alone.json()["by"] == "this command"
    assert (shown.code, "0 findings" in shown.out) == (0, True)


def test_accounts_that_no_instance_runs_are_mended_over_their_venues_dialects_and_then_fine(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "installation", dict(CALM))
    data = [
        part
        for symbol, price in ((BTC, 60_000), (ETH, 3_000))
        for part in ("--data", record_prices(tmp_path / f"{symbol}.csv", Decimal(price), FLAT_PRICE))
    ]
    with ExitStack() as resources:
        venues = [
            SimulatedVenue(venue=name, directory=tmp_path / name, arguments=data) for name in ("bybit", "binance")
        ]
        for venue in venues:
            resources.enter_context(venue)
            installation.environment.update(venue.environment)
            buy_by_hand(venue, BTC, Decimal("0.01"))
            buy_by_hand(venue, ETH, Decimal("0.2"))
        named = ("--venue", "bybit,binance", "--json")
        looked = installation.run("check", *named)
        mended = installation.run("check", "--fix", *named)
        again = installation.run("check", "--fix", *named)

    wanted = {
        (venue, symbol, what)
        for venue in ("bybit", "binance")
        for symbol in (BTC, ETH)
        for what in ("no_stop", "no_take_profit_1", "no_take_profit_2")
    }
    for done, fixed in ((looked, False), (mended, True)):
        assert done.code == 1, done.err
        report = done.json()
        assert report["positions"] == 4
        assert {(item["venue"], item["symbol"], item["what"]) for item in report["findings"]} == wanted
        assert {item["fixed"] for item in report["findings"]} == {fixed}
    assert again.code == 0, again.out
    assert (again.json()["positions"], again.json()["findings"], again.json()["orders_sent"]) == (4, [], 0)


def buy_by_hand(venue: SimulatedVenue, symbol: Symbol, quantity: Decimal) -> None:
    """A position with nothing around it, as a strategy bot may open one."""
    config = VenueConfig(
        venue=Venue(venue.venue),
        api_key=KEYS.api_key,
        api_secret=KEYS.api_secret,
        rest_url=venue.environment[f"{venue.venue.upper()}_REST_URL"],
        ws_url=venue.environment[f"{venue.venue.upper()}_WS_URL"],
    )
    calls, _ = connect(config)
    answers: queue.SimpleQueue[VenueAnswer] = queue.SimpleQueue()
    order = OrderSpec(
        client_order_id=ClientOrderId(f"bot{symbol}"),
        symbol=symbol,
        side=OrderSide.BUY,
        kind=OrderKind.MARKET,
        purpose=OrderPurpose.ENTRY,
        quantity=quantity,
    )
    try:
        calls.send(PlaceOrder(order=order), timeout_s=ANSWER_S, done=answers.put)
        answer = answers.get(timeout=ANSWER_S + 1)
    finally:
        calls.close()
    assert isinstance(answer, OrderAccepted), answer


def test_what_is_wrong_or_out_of_reach_has_an_exit_code_of_its_own(installation: Installation) -> None:
    unknown = installation.run("check", "--venue", "nonsense")
    installation.environment.update(NOTHING_LISTENS)
    away = installation.run("check", "--venue", "bybit", "--json", timeout_s=120.0)
    shadow = installation.run("check", "--fix", "--mode", "shadow", "--venue", "bybit")
    assert unknown.code == 2, unknown.err
    assert away.code == 3, away.err
    assert (away.json()["positions"], away.json()["findings"]) == (0, [])
    assert away.json()["errors"]
    assert "Traceback" not in away.err + unknown.err + shadow.err
    assert shadow.code == 2

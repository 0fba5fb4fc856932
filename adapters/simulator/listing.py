"""The instruments that the paper venue lists, and central prices for its seeded market."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from messages.instruments import Instrument
from messages.values import Price, Symbol, Venue

_LISTED = (
    # symbol, base price, price tick, quantity step, largest order
    ("BTCUSDT", "60000", "0.1", "0.001", "120"),
    ("ETHUSDT", "3000", "0.01", "0.01", "2000"),
    ("SOLUSDT", "150", "0.01", "0.1", "20000"),
    ("BNBUSDT", "600", "0.01", "0.01", "5000"),
    ("XRPUSDT", "0.6", "0.0001", "1", "5000000"),
    ("DOGEUSDT", "0.12", "0.00001", "1", "20000000"),
    ("ADAUSDT", "0.45", "0.0001", "1", "5000000"),
    ("LINKUSDT", "15", "0.001", "0.1", "200000"),
    ("AVAXUSDT", "30", "0.001", "0.1", "100000"),
    ("LTCUSDT", "80", "0.01", "0.01", "20000"),
)
MIN_NOTIONAL = Decimal(5)


def paper_instruments(venue: Venue, symbols: Iterable[str] | None = None) -> tuple[Instrument, ...]:
    """The listed instruments, or those of them that ``symbols`` names."""
    wanted = None if symbols is None else set(symbols)
    return tuple(
        Instrument(
            venue=venue,
            symbol=Symbol(symbol),
            price_tick=Decimal(tick),
            quantity_step=Decimal(step),
            min_quantity=Decimal(step),
            max_quantity=Decimal(most),
            max_market_quantity=Decimal(most),
            min_notional=MIN_NOTIONAL,
        )
        for symbol, _, tick, step, most in _LISTED
        if wanted is None or symbol in wanted
    )


def base_prices() -> Mapping[Symbol, Price]:
    """The central price of each listed instrument."""
    return {Symbol(symbol): Decimal(base) for symbol, base, _, _, _ in _LISTED}


def recorded_instrument(venue: Venue, symbol: Symbol, prices: Iterable[Price]) -> Instrument:
    """An instrument for recorded prices: its tick is the finest decimal place in them.

    The quantity step is that of the listed instrument of this symbol, else worth between 0.1 and 1 USDT.
    """
    known = list(prices)
    exponent = min(int(price.normalize().as_tuple().exponent) for price in known)
    listed = {symbol: Decimal(step) for symbol, _, _, step, _ in _LISTED}
    step = listed.get(symbol, Decimal(1).scaleb(-known[0].adjusted() - 1))
    return Instrument(
        venue=venue,
        symbol=symbol,
        price_tick=Decimal(1).scaleb(min(0, exponent)),
        quantity_step=step,
        min_quantity=step,
        min_notional=MIN_NOTIONAL,
    )

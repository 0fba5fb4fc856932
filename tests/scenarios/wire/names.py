"""How the simulated dialects name a fill, where they do not show the exchange's own number."""

from collections.abc import Callable, Mapping
from typing import Final

from adapters.simulator.wire import bitget_rows, bybit_rows

NAMES_OF_FILLS: Final[Mapping[str, Callable[[str], str]]] = {
    "bybit": bybit_rows.native_id,
    "bitget": lambda fill: str(bitget_rows.TRADES + int(fill)),
}

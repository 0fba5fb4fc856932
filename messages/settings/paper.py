"""The simulated venue inside the process."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from messages.settings.value_types import PositivePercent, Usd, symbol_names
from messages.values import Symbol


class PaperSettings(BaseModel):
    """The paper venue."""

    # The wallet is that of a new account; the latency, of one way, is drawn from a quarter up to it.
    paper_symbols: Annotated[tuple[Symbol, ...], BeforeValidator(symbol_names), Field(min_length=1)] = (
        Symbol("BTCUSDT"),
        Symbol("ETHUSDT"),
        Symbol("SOLUSDT"),
    )
    paper_volatility_percent: PositivePercent = Decimal("2.0")  # an hour's movement
    paper_wallet_usd: Usd = Decimal(10_000)
    paper_latency_ms: Annotated[int, Field(ge=0, le=5_000)] = 4

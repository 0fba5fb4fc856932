"""Where signals come from, and which of them are taken (S2)."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from messages.settings.value_types import Count, Minutes, Percent, Seconds, WebSocketUrl, symbol_names
from messages.values import Symbol


class SignalSettings(BaseModel):
    """Signals and waves (S2)."""

    # S2.1 The signal server.
    signal_ws_url: WebSocketUrl = "ws://localhost:8765"
    signal_ws_token: SecretStr | None = None
    signal_ws_auto_reconnect: bool = True
    signal_ws_reconnect_interval: Seconds = 5
    signal_ws_max_reconnect_attempts: Annotated[int, Field(ge=-1)] = -1
    signal_buffer_size: Count = 100

    # S2.3-2.5 Waves.
    wave_check_minutes: Minutes = (6, 20, 35, 50)
    wave_check_duration_seconds: Annotated[int, Field(ge=1, le=900)] = 120  # no longer than a wave
    stoplist_symbols: Annotated[tuple[Symbol, ...], BeforeValidator(symbol_names)] = ()
    min_score_week: Decimal = Decimal(0)
    min_score_month: Decimal = Decimal(50)
    max_spread_percent: Percent = Decimal("2.0")
    max_trades_per_15min: Count = 10
    signal_buffer_percent: Annotated[Decimal, Field(ge=0, le=1000)] = Decimal(33)

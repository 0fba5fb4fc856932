"""Leverage and margin mode at Bitget."""

from adapters.venues.bitget_account import margin_mode_of
from adapters.venues.bitget_orders import MARGIN_COIN, MARGIN_MODES, PRODUCT, number
from adapters.venues.bitget_session import BitgetSession
from messages.values import MarginMode, Symbol
from messages.venue import LeverageSet, OrderRejected, RejectReason, SetLeverage


class Settings:
    """Reads and sets them; ``margin_modes`` is what is known already, shared by the clients of the account."""

    def __init__(self, session: BitgetSession, margin_modes: dict[Symbol, MarginMode], *, hedge: bool) -> None:
        self._session = session
        self._margin_modes = margin_modes
        self._hedge = hedge

    def margin_mode(self, symbol: Symbol) -> MarginMode:
        """Every order names the margin mode, and one that differs from the symbol's would change or break it."""
        known = self._margin_modes.get(symbol)
        if known is None:
            row = self._session.get("AccountAccount", symbol=str(symbol), marginCoin=MARGIN_COIN)
            known = self._margin_modes[symbol] = margin_mode_of(row)
        return known

    def set_leverage(self, request: SetLeverage) -> LeverageSet | OrderRejected:
        """Bring leverage and margin mode to what is asked; what is there already is left alone."""
        session, symbol = self._session, request.symbol
        row = session.get("AccountAccount", symbol=str(symbol), marginCoin=MARGIN_COIN)
        if (row.get("posMode") == "hedge_mode") != self._hedge:
            text = f"the account is in {row.get('posMode')}; switch it, or set the position mode to match"
            return OrderRejected(reason=RejectReason.OTHER, text=text)
        common = {"marginCoin": MARGIN_COIN}
        mode = MARGIN_MODES[request.margin_mode]
        if row.get("marginMode") != mode:
            body = {"symbol": str(symbol), **common, "marginMode": mode, "productType": PRODUCT}
            session.post("AccountSetMarginMode", body)
        self._margin_modes[symbol] = request.margin_mode
        if request.margin_mode is MarginMode.CROSS:
            present = {number(row, "crossedMarginLeverage")}
        elif request.hedge_side is not None:
            present = {number(row, f"isolated{request.hedge_side.title()}Lever")}
        else:
            present = {number(row, "isolatedLongLever"), number(row, "isolatedShortLever")}
        if present != {request.leverage}:
            body = {
                "symbol": str(symbol),
                "leverage": str(request.leverage),
                **common,
                "productType": PRODUCT,
            }
            if request.hedge_side is not None and request.margin_mode is MarginMode.ISOLATED:
                body["holdSide"] = str(request.hedge_side)
            session.post("AccountSetLeverage", body)
        return LeverageSet(symbol=symbol, leverage=request.leverage, margin_mode=request.margin_mode)

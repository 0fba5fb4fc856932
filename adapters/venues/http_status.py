"""What an HTTP status means when the venue's own code is not in the answer.

ccxt takes these for a refused key. Without the venue's code they are not the venue's word: 407 is a proxy's, 511 that
of a network which wants a login first, 401 that of whatever stands before a venue in maintenance. All of them pass, and
none of them says what became of a request.
"""

from collections.abc import Mapping
from typing import Final

import ccxt

NOT_THE_VENUES_WORD: Final[Mapping[str, type[ccxt.BaseError]]] = {
    "401": ccxt.ExchangeNotAvailable,
    "407": ccxt.ExchangeNotAvailable,
    "511": ccxt.ExchangeNotAvailable,
}

"""How far a venue's clock is from ours."""

from dataclasses import dataclass


@dataclass(slots=True)
class VenueClock:
    """Written by the account's actor when it has measured, read by whoever compares a time of the venue with ours.

    Attributes:
        ahead_ms: The venue's clock is ahead of ours by this much, negative when it is behind; 0 before the first
            measurement. Fills are attributed by it: a host that is ten seconds fast would ask for them from after they
            happened.
    """

    ahead_ms: int = 0

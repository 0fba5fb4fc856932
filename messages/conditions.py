"""What the parameters of additions and partial closes are chosen by (S3)."""

from enum import StrEnum


class Regime(StrEnum):
    """How a market has been moving lately."""

    TRENDING = "trending"
    RANGING = "ranging"
    CHOPPY = "choppy"


class BalanceProfile(StrEnum):
    """How large the account is."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"

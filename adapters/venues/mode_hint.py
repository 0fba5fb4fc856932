"""What people are told when a venue refuses an order because of the account's position mode (F26)."""

from typing import Final

MODE_HINT: Final = "; the account is in the other position mode: set it back, or restart so that it is told again"

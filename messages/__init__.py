"""Everything that may cross an actor boundary: commands, events, reports and value types.

**Invariant:** values only. A message is frozen, slotted and built by keyword; no message reads a clock, a file or
another actor, and no amount of money is ever a float.
"""

__version__ = "0.1.0"

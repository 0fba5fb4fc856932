"""The console script's own module: another package named ``supervisor`` in the environment cannot take its place."""

from supervisor import main

__all__ = ["main"]

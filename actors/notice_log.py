"""What the kernel tells, for the log: an actor that fails is never silent."""

from typing import Final

from loguru import logger

from actors.kernel import (
    ActorCrashed,
    ActorHung,
    ActorParked,
    ActorRestarted,
    DeadLetter,
    GroupEscalated,
    Notice,
    SystemFailed,
)

LOST_WITH_A_FAILURE: Final = {"crashed", "hung", "overflow"}
"""Messages that die for one of these reasons had somebody who should have handled them."""


def log_notice(notice: Notice) -> None:
    """Log ``notice`` as severely as it is; a subscriber of the actor system."""
    match notice:
        case ActorCrashed(path=path, error=error, message=message, restart_in_s=restart_in_s):
            after = "is not restarted" if restart_in_s is None else f"is restarted in {restart_in_s:.2f} s"
            logger.error("{} crashed at {} and {}: {}", path, message, after, error)
        case ActorHung(path=path, message=message, seconds=seconds, stack=stack):
            logger.error("{} hung at {} for {:.1f} s and is replaced\n{}", path, message, seconds, stack)
        case ActorRestarted(path=path, down_s=down_s):
            logger.warning("{} is back after {:.2f} s", path, down_s)
        case ActorParked(path=path, error=error):
            logger.critical("{} failed too often and is parked: {}", path, error)
        case GroupEscalated(path=path, error=error):
            logger.error("{} gave up on its children: {}", path, error)
        case SystemFailed(error=error):
            logger.critical("the tree of actors gave up: {}", error)
        case DeadLetter(path=path, message=message, reason=reason) if reason in LOST_WITH_A_FAILURE:
            logger.warning("{} did not handle {} ({})", path, type(message).__name__, reason)
        case _:
            logger.debug("{}", notice)

"""Commands that steer actors: hold them, start them anew, give them up, tell them again what nobody handled."""

from typing import Final

from actors.control.cockpit import Asked, Cockpit
from actors.control.registry import Command
from actors.control.shown import message_line
from messages.delivery import DEFAULT_DELIVERY
from messages.shell import ArgumentKind, ArgumentSpec, CommandRefusedError, CommandSpec, Confirmation, Role

PATH: Final = ArgumentSpec(
    name="path", kind=ArgumentKind.PATH, positional=True, required=True, summary="the actor's address"
)


def _told(path: str, what: str) -> dict[str, str]:
    return {"path": path, "told": what}


def suspend(cockpit: Cockpit, asked: Asked) -> object:
    """Deliver nothing more to an actor; its messages wait."""
    path = cockpit.ref(asked.text("path")).path
    cockpit.system.suspend(path)
    return _told(path, "nothing is delivered until resume; messages wait")


def resume(cockpit: Cockpit, asked: Asked) -> object:
    """Deliver again."""
    path = cockpit.ref(asked.text("path")).path
    cockpit.system.resume(path)
    return _told(path, "delivered again")


def restart(cockpit: Cockpit, asked: Asked) -> object:
    """Stop an actor in order and start it anew; a parked one is started."""
    path = cockpit.ref(asked.text("path")).path
    cockpit.system.restart(path)
    return _told(path, "stopped in order and started anew; its mailbox is kept")


def abandon(cockpit: Cockpit, asked: Asked) -> object:
    """Give an incarnation up as if it hung."""
    path = cockpit.ref(asked.text("path")).path
    cockpit.system.abandon(path)
    return _told(path, "given up: what it still does is refused, and another one starts")


def crash(cockpit: Cockpit, asked: Asked) -> object:
    """Let an actor fail, to see it come back."""
    path = cockpit.ref(asked.text("path")).path
    cockpit.system.crash(path, f"{asked.session.role} in the shell")
    return _told(path, "it crashes at its next turn; crashes and history show what follows")


def redeliver(cockpit: Cockpit, asked: Asked) -> object:
    """Tell a dead letter again to the actor that it was for.

    Raises:
        CommandRefusedError: There is no such letter any more, or handling it twice could do harm.
    """
    number = int(asked.number("number", 0))
    letter = next((each for each in cockpit.system.dead_letters() if each.number == number), None)
    if letter is None:
        raise CommandRefusedError("no_such_letter", f"no dead letter {number}: dead lists the last ones")
    delivery = getattr(type(letter.message), "DELIVERY", DEFAULT_DELIVERY)
    if not delivery.idempotent and not asked.flag("force"):
        raise CommandRefusedError(
            "not_repeatable",
            f"{type(letter.message).__name__} may have been handled in part, and is not made to be handled twice: "
            f"--force tells it all the same",
        )
    cockpit.ref(letter.path).tell(letter.message)
    return _told(letter.path, message_line(letter.message))


def shutdown(cockpit: Cockpit, _asked: Asked) -> object:
    """Begin the ordered stop."""
    cockpit.stop()
    return {"told": "the process stops in order; stops on the venue stay"}


def reload(cockpit: Cockpit, _asked: Asked) -> object:
    """Read the settings again.

    Raises:
        CommandRefusedError: This process cannot, or the new settings are wrong; the old ones stay.
    """
    if cockpit.reload is None:
        raise CommandRefusedError("cannot", "this process does not read its settings again: restart it")
    try:
        return {"changes": cockpit.reload()}
    except ValueError as error:
        raise CommandRefusedError("wrong_settings", f"nothing is changed: {error}") from error


def commands() -> list[Command]:
    """Commands that steer actors and the process."""
    number = ArgumentSpec(
        name="number", kind=ArgumentKind.NUMBER, positional=True, required=True, summary="as dead shows it"
    )
    force = ArgumentSpec(name="force", kind=ArgumentKind.FLAG, summary="also what is not made to be handled twice")
    yes, account, none = Confirmation.YES, Confirmation.ACCOUNT, Confirmation.NONE
    operator, admin = Role.OPERATOR, Role.ADMIN
    several = [
        (suspend, "suspend", "let an actor's messages wait", "suspend risk", (PATH,), operator, yes),
        (resume, "resume", "deliver an actor's messages again", "resume risk", (PATH,), operator, none),
        (
            restart,
            "restart",
            "stop an actor in order and start it anew, or start a parked one",
            "restart position/paper/BTCUSDT",
            (PATH,),
            operator,
            yes,
        ),
        (
            abandon,
            "abandon",
            "give an actor up as if it hung, and start another one",
            "abandon exchange/paper/execution",
            (PATH,),
            admin,
            yes,
        ),
        (crash, "crash", "let an actor fail, to see it come back", "crash risk", (PATH,), admin, account),
        (
            redeliver,
            "redeliver",
            "tell a dead letter again",
            "redeliver 12",
            (number, force),
            admin,
            yes,
        ),
        (reload, "reload", "read the settings again, and say what changed", "reload", (), operator, yes),
        (shutdown, "shutdown", "stop the process in order", "shutdown", (), admin, account),
    ]
    return [
        Command(
            spec=CommandSpec(
                name=name,
                summary=summary,
                example=example,
                group="steer",
                role=role,
                arguments=arguments,
                confirmation=confirmation,
            ),
            run=run,
        )
        for run, name, summary, example, arguments, role, confirmation in several
    ]

"""Mistakes that a kernel could contain, each planted by overriding one method of one part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.kernel import Kernel, Parts
from actors.kernel.cell import Cell, Incarnation, Status
from actors.kernel.deathwatch import DeathWatch
from actors.kernel.judge import Judge
from actors.kernel.lifecycle import Lifecycle
from actors.kernel.mailbox import Envelope, Mailbox
from actors.kernel.plan import Driver
from actors.kernel.tree import Group, Leaf, Node, Plan
from actors.kernel.turn import Turn


class LastInFirstOut(Mailbox):
    """Serves a lane from the wrong end."""

    def put(self, envelope: Envelope) -> Envelope | None:
        spilled = super().put(envelope)
        queue = self._lanes[envelope.delivery.lane]
        if queue:
            queue.rotate(1)
        return spilled


class UrgentOnly(Mailbox):
    """Never lets a lower lane have a turn while a higher one waits."""

    def _fair_choice(self) -> Any:
        return next(queue for queue in self._lanes if queue)


class OverflowForgets(Mailbox):
    """Does not hand over what had to make room."""

    def put(self, envelope: Envelope) -> Envelope | None:
        spilled = super().put(envelope)
        return None if spilled is not envelope else spilled


class MergesUncounted(Mailbox):
    """Forgets that a merged message stands for two."""

    def merge(self, envelope: Envelope, message: object, weight: int) -> None:
        super().merge(envelope, message, 0)


class RetriesEverything(Cell):
    """Handles a message again whatever its type says."""

    def may_retry(self, envelope: Envelope) -> bool:
        return True


class RetriesForEver(Cell):
    """Knows no limit of retries."""

    def may_retry(self, envelope: Envelope) -> bool:
        return envelope.delivery.idempotent and envelope.promise is None


class LosesTheMessageInFlight(Cell):
    """A crash takes what was in flight with it."""

    def settle_after_crash(self, envelopes: list[Envelope], reason: str, traceback: str) -> None:
        return


class RetriesAtTheEnd(Cell):
    """Puts a message that is retried behind those that came after it."""

    def settle_after_crash(self, envelopes: list[Envelope], reason: str, traceback: str) -> None:
        for envelope in envelopes:
            if self.may_retry(envelope) and not self.closed:
                envelope.attempts += 1
                spilled = self.mailbox.put(envelope)
                if spilled is not None:
                    self.bury([spilled], "overflow")
            else:
                self.bury([envelope], reason, traceback=traceback)


class NobodyIsFenced(Cell):
    """A replaced incarnation may still tell and act."""

    def end(self, incarnation: Incarnation) -> tuple[list[Envelope], bool]:
        slot, was_current = super().end(incarnation)
        incarnation.fenced = False
        return slot, was_current


class AskersAreForgotten(Cell):
    """Dead letters do not answer who asked."""

    def bury(self, envelopes: Any, reason: str, *, traceback: str = "") -> None:
        kept = list(envelopes)
        for envelope in kept:
            envelope.promise = None
        super().bury(kept, reason, traceback=traceback)


class DeferredRepliesAreForgotten(Cell):
    """The deferred replies of an incarnation that ends are not answered."""

    def end(self, incarnation: Incarnation) -> tuple[list[Envelope], bool]:
        incarnation.deferred = None
        return super().end(incarnation)


class TimersOutliveCancelling(Cell):
    """Delivers a timer's message although the timer was cancelled or belongs to an earlier life."""

    def unfit(self, envelope: Envelope, incarnation: Incarnation) -> str | None:
        timer, envelope.timer = envelope.timer, None
        try:
            return super().unfit(envelope, incarnation)
        finally:
            envelope.timer = timer


class ClosedKeepsWhatWaits(Cell):
    """A removed address leaves its waiting messages unsettled, and their askers waiting."""

    def close(self, reason: str) -> None:
        with self.lock:
            self.closed = reason
            self.mailbox.drain()


class SettlesTwice(Turn):
    """A stuck thread that wakes up settles its message although the kernel did."""

    def _settle(self, envelope: Envelope, answer: object) -> bool:
        if self._incarnation.slot is None:
            self._cell.handled += envelope.weight
        return super()._settle(envelope, answer)


class EpochsStandStill(Lifecycle):
    """The next incarnation carries the number of the last."""

    def _begin(self, cell: Cell) -> None:
        cell.epoch = max(0, cell.epoch - 1)
        super()._begin(cell)


class NeverGivesUpStopping(Lifecycle):
    """Waits for ever for an actor that does not stop."""

    def _order_stop(self, cell: Cell) -> None:
        super()._order_stop(cell)
        incarnation = cell.incarnation
        if incarnation is not None and incarnation.giving_up is not None:
            incarnation.giving_up.cancel()


class NeverGivesUpStarting(Lifecycle):
    """Waits for ever for an actor that does not start."""

    def _begin(self, cell: Cell) -> None:
        super()._begin(cell)
        incarnation = cell.incarnation
        if incarnation is not None and incarnation.watched_start is not None:
            incarnation.watched_start.cancel()


class NobodyHangs(Kernel):
    """Never finds a hung actor."""

    def scan(self) -> bool:
        return False


class StartsTooEarly(Driver):
    """Does not wait until what it stops is down."""

    def drive(self, plan: Plan) -> None:
        for node in reversed(plan.members):
            if node in plan.to_stop:
                self.stop(node)
        plan.to_stop.clear()
        super().drive(plan)


class NobodyLooksUp(Driver):
    """What waits further up the tree is not driven when something below is done."""

    def drive_from(self, node: Node | None) -> None:
        if node is not None and node.plan is not None:
            self.drive(node.plan)


class OnlyTheFailed(Judge):
    """Restarts the child that failed, whatever the strategy."""

    def _replan(self, group: Group, failed: Leaf | Group, delay_s: float) -> None:
        not_before_s = self._runtime.monotonic_s() + delay_s
        self._driver.drive(self._driver.cover(group, [failed], [failed], not_before_s))


class ForgetsTheWatchers(DeathWatch):
    """Tells only the first watcher."""

    def ended(self, leaf: Leaf, epoch: int, reason: str, *, will_restart: bool) -> None:
        for watcher in list(leaf.watchers)[1:]:
            del leaf.watchers[watcher]
        super().ended(leaf, epoch, reason, will_restart=will_restart)


class StopsInStartOrder(Driver):
    """Takes a group down from its first child to its last."""

    def stop(self, node: Node) -> bool:
        if isinstance(node, Group):
            node.children.reverse()
            try:
                return super().stop(node)
            finally:
                node.children.reverse()
        return super().stop(node)


class ParkedIsStuck(Judge):
    """Leaves a parked actor's status as it was, so that nobody knows it is parked."""

    def _carry_out(self, leaf: Leaf, verdict: Any, error: str, delay_s: float) -> None:
        super()._carry_out(leaf, verdict, error, delay_s)
        if leaf.cell.status is Status.PARKED:
            leaf.cell.status = Status.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A mistake, and within how many seeds the fuzz must catch it."""

    parts: Callable[[], Parts]
    within_seeds: int


MISTAKES: dict[str, Planted] = {
    "last in, first out": Planted(parts=lambda: Parts(mailbox=LastInFirstOut), within_seeds=60),
    "urgent only": Planted(parts=lambda: Parts(mailbox=UrgentOnly), within_seeds=60),
    "overflow forgets": Planted(parts=lambda: Parts(mailbox=OverflowForgets), within_seeds=60),
    "merges uncounted": Planted(parts=lambda: Parts(mailbox=MergesUncounted), within_seeds=60),
    "retries everything": Planted(parts=lambda: Parts(cell=RetriesEverything), within_seeds=60),
    "retries for ever": Planted(parts=lambda: Parts(cell=RetriesForEver), within_seeds=60),
    "loses the message in flight": Planted(parts=lambda: Parts(cell=LosesTheMessageInFlight), within_seeds=60),
    "retries at the end": Planted(parts=lambda: Parts(cell=RetriesAtTheEnd), within_seeds=60),
    "nobody is fenced": Planted(parts=lambda: Parts(cell=NobodyIsFenced), within_seeds=60),
    "askers are forgotten": Planted(parts=lambda: Parts(cell=AskersAreForgotten), within_seeds=60),
    "deferred replies are forgotten": Planted(parts=lambda: Parts(cell=DeferredRepliesAreForgotten), within_seeds=60),
    "timers outlive cancelling": Planted(parts=lambda: Parts(cell=TimersOutliveCancelling), within_seeds=60),
    "closed keeps what waits": Planted(parts=lambda: Parts(cell=ClosedKeepsWhatWaits), within_seeds=60),
    "settles twice": Planted(parts=lambda: Parts(turn=SettlesTwice), within_seeds=60),
    "epochs stand still": Planted(parts=lambda: Parts(lifecycle=EpochsStandStill), within_seeds=60),
    "never gives up stopping": Planted(parts=lambda: Parts(lifecycle=NeverGivesUpStopping), within_seeds=60),
    "never gives up starting": Planted(parts=lambda: Parts(lifecycle=NeverGivesUpStarting), within_seeds=60),
    "nobody hangs": Planted(parts=lambda: Parts(kernel=NobodyHangs), within_seeds=60),
    "starts too early": Planted(parts=lambda: Parts(driver=StartsTooEarly), within_seeds=60),
    "nobody looks up": Planted(parts=lambda: Parts(driver=NobodyLooksUp), within_seeds=60),
    "only the failed": Planted(parts=lambda: Parts(judge=OnlyTheFailed), within_seeds=60),
    "forgets the watchers": Planted(parts=lambda: Parts(deathwatch=ForgetsTheWatchers), within_seeds=60),
    "stops in start order": Planted(parts=lambda: Parts(driver=StopsInStartOrder), within_seeds=60),
    "parked is stuck": Planted(parts=lambda: Parts(judge=ParkedIsStuck), within_seeds=60),
}

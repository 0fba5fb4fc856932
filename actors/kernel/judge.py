"""What a failure leads to: counted against the intensities, folded into its incident, decided, planned."""

from collections.abc import Callable

from actors.kernel import supervision
from actors.kernel.cell import Status
from actors.kernel.crash import CrashRecord
from actors.kernel.deathwatch import DeathWatch
from actors.kernel.incidents import Incidents
from actors.kernel.notices import (
    ActorCrashed,
    ActorParked,
    GroupEscalated,
    IncidentOpened,
    Notice,
    SystemFailed,
)
from actors.kernel.plan import Driver
from actors.kernel.runtime import Runtime
from actors.kernel.supervision import Verdict
from actors.kernel.tree import Group, Leaf


class Judge:
    """Applies the pure decisions of ``supervision`` to the tree.

    ``fail_host`` fails the actor whose brood escalated; ``fail_system`` ends the whole tree.
    """

    def __init__(
        self,
        *,
        runtime: Runtime,
        driver: Driver,
        deaths: DeathWatch,
        publish: Callable[[Notice], None],
        fail_host: Callable[[Leaf, str], None],
        fail_system: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._driver = driver
        self._deaths = deaths
        self._publish = publish
        self._fail_host = fail_host
        self._fail_system = fail_system
        self._jitter = runtime.random_for("/kernel")
        self.incidents = Incidents()

    def crashed(self, leaf: Leaf, record: CrashRecord, reason: str) -> None:
        """An incarnation ended against its will; the leaf is already down."""
        delay_s = self._count(leaf, record.uptime_s)
        opened, delay_s = self.incidents.fold(record, leaf.path, self._runtime.monotonic_s(), delay_s)
        at_ms = self._runtime.now_ms()
        if opened:
            self._publish(
                IncidentOpened(path=leaf.path, at_ms=at_ms, fingerprint=record.fingerprint, error=record.error)
            )
        going_down = self._driver.being_stopped(leaf)
        verdict = self._verdict(leaf, crashed=True)
        if going_down and verdict is not Verdict.REMOVE:
            verdict = Verdict.RESTART
        comes_back = verdict is Verdict.RESTART and not leaf.leaving and not self._driver.halting
        self._publish(
            ActorCrashed(
                path=leaf.path,
                at_ms=at_ms,
                epoch=record.epoch,
                error=record.error,
                fingerprint=record.fingerprint,
                message=record.message,
                restart_in_s=delay_s if comes_back else None,
            )
        )
        self._deaths.ended(leaf, record.epoch, reason, will_restart=comes_back)
        if going_down and verdict is Verdict.RESTART:
            self._driver.drive_from(leaf)
        else:
            self._carry_out(leaf, verdict, record.error, delay_s)

    def stopped_itself(self, leaf: Leaf, epoch: int, uptime_s: float) -> None:
        """An incarnation ended by its own will; the leaf is already down."""
        delay_s = self._count(leaf, uptime_s)
        verdict = self._verdict(leaf, crashed=False)
        self._deaths.ended(leaf, epoch, "stopped", will_restart=verdict is Verdict.RESTART)
        self._carry_out(leaf, verdict, f"{leaf.path} keeps stopping", delay_s)

    def restart(self, leaf: Leaf) -> None:
        """An operator starts it anew, and with it whoever its group's strategy says; its failures are forgiven."""
        leaf.failures = 0
        leaf.failed_at_s.clear()
        if leaf.plan is not None and not leaf.plan.to_stop and leaf not in leaf.plan.reached:
            self._driver.hurry(leaf.plan)  # it is down and only waits for its back-off
        else:
            self._replan(leaf.parent, leaf, 0.0)

    def _carry_out(self, leaf: Leaf, verdict: Verdict, error: str, delay_s: float) -> None:
        match verdict:
            case Verdict.RESTART:
                self._replan(leaf.parent, leaf, delay_s)
            case Verdict.REMOVE:
                self._driver.leave(leaf)
            case Verdict.PARK:
                leaf.cell.status = Status.PARKED
                self._runtime.trace(f"park {leaf.path}")
                at_ms, epoch = self._runtime.now_ms(), leaf.cell.epoch
                self._publish(ActorParked(path=leaf.path, at_ms=at_ms, epoch=epoch, error=error))
                self._deaths.ended(leaf, epoch, "parked", will_restart=False)
                self._driver.drive_from(leaf)
            case Verdict.ESCALATE:
                self._escalate(leaf.parent, error)

    def _replan(self, group: Group, failed: Leaf | Group, delay_s: float) -> None:
        members = supervision.affected(strategy=group.spec.strategy, children=tuple(group.children), failed=failed)
        not_before_s = self._runtime.monotonic_s() + delay_s
        self._runtime.trace(f"plan {failed.path} {not_before_s!r}")
        self._driver.drive(self._driver.cover(group, members, members, not_before_s))

    def _escalate(self, group: Group, error: str) -> None:
        self._runtime.trace(f"escalate {group.path}")
        self._publish(GroupEscalated(path=group.path, at_ms=self._runtime.now_ms(), error=error))
        parent, now_s = group.parent, self._runtime.monotonic_s()
        if group.host is not None:
            self._fail_host(group.host, error)
            return
        if parent is None:
            self._publish(SystemFailed(path="/", at_ms=self._runtime.now_ms(), error=error))
            self._fail_system(error)
            return
        if self._driver.is_closed(group):
            self._driver.drive_from(group)  # it is on its way down already, and comes up anew
            return
        _note(parent.failed_at_s, now_s, parent.spec.intensity.within_s)
        if self._group_exhausted(parent):
            self._escalate(parent, error)
            return
        quiet = now_s - group.escalated_at_s >= group.spec.backoff.reset_after_s
        group.failures = 1 if quiet else group.failures + 1
        group.escalated_at_s = now_s
        group.failed_at_s.clear()
        delay_s = supervision.restart_delay_s(
            backoff=group.spec.backoff, failures=group.failures, jitter=self._jitter.uniform(-1, 1)
        )
        self._replan(parent, group, delay_s)

    def _count(self, leaf: Leaf, uptime_s: float) -> float:
        spec, group, now_s = leaf.cell.spec, leaf.parent, self._runtime.monotonic_s()
        leaf.failures = 1 if uptime_s >= spec.backoff.reset_after_s else leaf.failures + 1
        _note(leaf.failed_at_s, now_s, spec.intensity.within_s)
        _note(group.failed_at_s, now_s, group.spec.intensity.within_s)
        return supervision.restart_delay_s(
            backoff=spec.backoff, failures=leaf.failures, jitter=self._jitter.uniform(-1, 1)
        )

    def _verdict(self, leaf: Leaf, *, crashed: bool) -> Verdict:
        spec = leaf.cell.spec
        return supervision.verdict(
            restart=spec.restart,
            crashed=crashed,
            exhausted=supervision.too_often(
                failures_s=leaf.failed_at_s, now_s=self._runtime.monotonic_s(), intensity=spec.intensity
            ),
            group_exhausted=self._group_exhausted(leaf.parent),
            on_exhausted=spec.on_exhausted,
        )

    def _group_exhausted(self, group: Group) -> bool:
        return supervision.too_often(
            failures_s=group.failed_at_s,
            now_s=self._runtime.monotonic_s(),
            intensity=group.spec.intensity,
            children=len(group.children),
        )


def _note(failures_s: list[float], now_s: float, within_s: float) -> None:
    while failures_s and now_s - failures_s[0] > within_s:
        failures_s.pop(0)
    failures_s.append(now_s)

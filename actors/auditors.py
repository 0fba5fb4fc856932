"""The monitors of one venue that look at it from outside: protection, zombies, and the whole check."""

from dataclasses import dataclass

from actors import addresses
from actors.check import CheckActor, CheckParts
from actors.kernel import Actor, ActorSystem
from actors.monitors.protection import ProtectionMonitor, ProtectionParts
from actors.monitors.zombie import ZombieMonitor, ZombieParts
from actors.plan_orders import CountedCalls
from actors.venue_clock import VenueClock
from messages.settings import ZombieScope
from rules.position_case import PositionPolicies
from rules.zombies import ZombiePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPolicy:
    """Settings of S12 and S15; ``selfcheck_minute`` is of the UTC day, ``None`` never."""

    zombie_scope: ZombieScope = ZombieScope.OWN
    zombie_threshold: int = 10
    selfcheck_minute: int | None = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditors:
    """Makes the auditors of one venue, for a process that runs the account."""

    system: ActorSystem
    calls: CountedCalls
    clock: VenueClock
    policies: PositionPolicies
    audit: AuditPolicy
    hedge_mode: bool
    owner_epoch: int

    def protection(self) -> Actor:
        """Is each position covered?"""
        venue = self.calls.venue
        return ProtectionMonitor(
            ProtectionParts(
                venue=venue,
                execution=self.system.ref(addresses.exchange(venue, "execution")),
                desk=self.system.ref(addresses.desk(venue)),
                journal=self.system.ref(addresses.JOURNAL),
                directory=self.system.find,
                capabilities=self.calls.capabilities,
                policies=self.policies,
                hedge_mode=self.hedge_mode,
                owner_epoch=self.owner_epoch,
            )
        )

    def zombies(self) -> Actor:
        """Does any order rest that no position can use?"""
        venue = self.calls.venue
        return ZombieMonitor(
            ZombieParts(
                venue=venue,
                execution=self.system.ref(addresses.exchange(venue, "execution")),
                desk=self.system.ref(addresses.desk(venue)),
                journal=self.system.ref(addresses.JOURNAL),
                directory=self.system.find,
                scope=self.audit.zombie_scope,
                threshold=self.audit.zombie_threshold,
                hedge_mode=self.hedge_mode,
                clock=self.clock,
                owner_epoch=self.owner_epoch,
            )
        )

    def check(self) -> Actor:
        """Everything at once, when asked and once a day."""
        venue = self.calls.venue
        return CheckActor(
            CheckParts(
                venue=venue,
                execution=self.system.ref(addresses.exchange(venue, "execution")),
                journal=self.system.ref(addresses.JOURNAL),
                desk=self.system.ref(addresses.desk(venue)),
                capabilities=self.calls.capabilities,
                policies=self.policies,
                zombies=ZombiePolicy(scope=self.audit.zombie_scope, hedge_mode=self.hedge_mode),
                owner_epoch=self.owner_epoch,
                daily_minute=self.audit.selfcheck_minute,
                plan_orders=self.calls.take_share,
            )
        )

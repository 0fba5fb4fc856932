"""The small tree that ``holdfast check`` lives in where no process runs the account: journal, execution, checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actors import addresses
from actors.check import CheckActor, CheckParts
from actors.execution import ExecutionActor
from actors.journal import JournalActor
from actors.kernel import Actor, ActorSystem, ChildSpec, Dispatcher, GroupSpec
from actors.ports import JournalPort, VenueCalls
from messages.settings import ZombieScope
from messages.signals import Signal
from messages.values import Symbol, Venue
from rules.position_case import PositionPolicies
from rules.zombies import ZombiePolicy

NOBODY = "nobody"
"""Where people would be told: here the command line tells them itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedVenue:
    """One venue to be checked."""

    calls: VenueCalls
    hedge_mode: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHouse:
    """What the tree is built on.

    Attributes:
        managed: Symbols that have, or had, a position of ours.
        signals: The last signal for each symbol, for positions that are on no record.
    """

    journal: JournalPort
    owner_epoch: int
    venues: Sequence[CheckedVenue]
    policies: PositionPolicies
    zombie_scope: ZombieScope = ZombieScope.OWN
    managed: frozenset[Symbol] = frozenset()
    signals: Mapping[tuple[Venue, Symbol], Signal] = field(default_factory=dict)

    def root(self, system: ActorSystem) -> GroupSpec:
        """The whole tree, in the order in which it starts."""
        return GroupSpec(
            name="check",
            children=[
                ChildSpec(name=addresses.JOURNAL, factory=lambda: self._journal(system), dispatcher=Dispatcher.PINNED),
                *(self._execution(system, each) for each in self.venues),
                *(self._check(system, each) for each in self.venues),
            ],
        )

    def _journal(self, system: ActorSystem) -> Actor:
        return JournalActor(journal=self.journal, directory=system.find, alert_path=NOBODY, risk_path=NOBODY)

    def _execution(self, system: ActorSystem, venue: CheckedVenue) -> ChildSpec:
        return ChildSpec(
            name=addresses.exchange(venue.calls.venue, "execution"),
            factory=lambda: ExecutionActor(
                calls=venue.calls,
                journal=system.ref(addresses.JOURNAL),
                directory=system.find,
                owner_epoch=self.owner_epoch,
            ),
        )

    def _check(self, system: ActorSystem, venue: CheckedVenue) -> ChildSpec:
        name = venue.calls.venue

        def build() -> Actor:
            return CheckActor(
                CheckParts(
                    venue=name,
                    execution=system.ref(addresses.exchange(name, "execution")),
                    journal=system.ref(addresses.JOURNAL),
                    desk=None,
                    capabilities=venue.calls.capabilities,
                    policies=self.policies,
                    zombies=ZombiePolicy(scope=self.zombie_scope, managed=self.managed, hedge_mode=venue.hedge_mode),
                    owner_epoch=self.owner_epoch,
                    signals=self.signals,
                )
            )

        return ChildSpec(name=addresses.check(name), factory=build)

"""What one reading of an account shows to be wrong, and what two readings say about what was mended."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from actors.mending import REPLACED, Known, name_of
from messages.account_check import CheckFinding
from messages.orders import OrderReport, PositionReport
from messages.values import Symbol, VenueOrderId
from messages.venue import AccountReport
from rules.expected_protection import expected_protection
from rules.position_case import PositionPolicies
from rules.protection_audit import Finding, FindingKind, audit
from rules.repair import UNPROTECTED
from rules.zombies import Zombie, ZombiePolicy, find_zombies


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One reading, judged.

    Attributes:
        findings: About the stops and take profits of positions.
        zombies: Orders of no use; also those that are not ours to take away.
        surplus: Stops beside others that are enough, as far as they are ours to take away.
        of_others: The orders that are not ours to touch (ZOMBIE_SCOPE).
        differences: Between the record and the venue.
    """

    report: AccountReport
    known: Known
    findings: tuple[Finding, ...]
    zombies: tuple[Zombie, ...]
    surplus: tuple[OrderReport, ...]
    differences: tuple[CheckFinding, ...]
    of_others: frozenset[VenueOrderId] = frozenset()

    def is_about(self, finding: Finding, position: PositionReport) -> bool:
        """Whether ``finding`` is about ``position``."""
        return (finding.venue, finding.symbol, finding.hedge_side) == name_of(position)

    @property
    def can_be_mended(self) -> bool:
        """Whether there is anything that an order, or who is responsible, could put right."""
        ours = [finding for finding in self.findings if not self._is_only_about_others(finding)]
        return bool(ours or self.differences) or any(zombie.may_go for zombie in self.zombies)

    def _is_only_about_others(self, finding: Finding) -> bool:
        """Whether all is covered in spite of it, and what it names is not ours to touch."""
        return not finding.quantity_uncovered and bool(finding.orders) and self.of_others.issuperset(finding.orders)

    def all_of_it(self) -> dict[tuple[str, ...], CheckFinding]:
        """Every finding by what it is, so that two readings can be compared."""
        found: dict[tuple[str, ...], CheckFinding] = {}
        for finding in self.findings:
            key = (finding.symbol, str(finding.hedge_side), str(finding.what))
            found[key] = CheckFinding(
                venue=finding.venue,
                symbol=finding.symbol,
                what=str(finding.what),
                side=finding.hedge_side,
                orders=finding.orders,
                text=f"{finding.quantity_uncovered} not covered" if finding.quantity_uncovered else "",
            )
        for zombie in self.zombies:
            order = zombie.order
            found["zombie", order.symbol, order.venue_order_id] = CheckFinding(
                venue=order.venue,
                symbol=order.symbol,
                what=f"zombie_{zombie.kind}",
                side=order.hedge_side,
                orders=(order.venue_order_id,),
                text=f"{order.kind} {order.client_order_id or order.venue_order_id}"
                + ("" if zombie.may_go else ": not ours to take away (ZOMBIE_SCOPE)"),
            )
        found.update({("record", item.symbol, str(item.side), item.what): item for item in self.differences})
        return found


def judge(
    report: AccountReport,
    *,
    known: Known,
    policies: PositionPolicies,
    zombies: ZombiePolicy,
    now_ms: int,
    is_running: bool,
) -> Judgement:
    """What is wrong by ``report``; in a running process also what is on the venue and on no record."""
    wanted = {}
    for position in report.positions:
        instrument = known.instruments.get((position.venue, position.symbol))
        if instrument is not None:
            expected = expected_protection(
                position=position,
                instrument=instrument,
                policies=policies,
                row=known.rows.get(name_of(position)),
                signal=known.signals.get((position.venue, position.symbol)),
            )
            wanted[name_of(position)] = expected.take_profits
    findings = tuple(
        finding
        for finding in audit(
            positions=report.positions, orders=report.orders, instruments=known.instruments, wanted=wanted
        )
        if finding.what is not FindingKind.ORPHAN_ORDER
    )
    doubled = {
        order_id for finding in findings if finding.what is FindingKind.DUPLICATE_STOP for order_id in finding.orders
    }
    return Judgement(
        report=report,
        known=known,
        findings=findings,
        zombies=find_zombies(positions=report.positions, orders=report.orders, policy=zombies, now_ms=now_ms),
        surplus=tuple(order for order in report.orders if order.venue_order_id in doubled and zombies.allows(order)),
        differences=_differences(report, known, is_running=is_running),
        of_others=frozenset(order.venue_order_id for order in report.orders if not zombies.allows(order)),
    )


def _differences(report: AccountReport, known: Known, *, is_running: bool) -> tuple[CheckFinding, ...]:
    """The database against the venue (S14); without a process, what is on no record is nobody's business."""
    open_there = {name_of(position): position for position in report.positions}
    found = []
    for name, row in known.rows.items():
        position = open_there.get(name)
        if position is None or position.side is not row.side:
            what, text = "phantom_position", f"{row.side} {row.quantity} is on record and not on the venue"
        elif position.quantity != row.quantity:
            what, text = "size_differs", f"the venue has {position.quantity}, the record {row.quantity}"
        else:
            continue
        if not is_running:
            text += "; holdfast run brings the record into line"
        found.append(CheckFinding(venue=name[0], symbol=name[1], side=name[2], what=what, text=text))
    for name, position in open_there.items() if is_running else ():
        if name not in known.rows:
            text = f"{position.side} {position.quantity} is on the venue and not on record (UNTRACKED)"
            found.append(
                CheckFinding(venue=name[0], symbol=name[1], side=name[2], what="untracked_position", text=text)
            )
    return tuple(found)


def unmended(
    first: Judgement,
    last: Judgement,
    *,
    why: Mapping[Symbol, str],
    fixes: bool = False,
    replaced: Collection[VenueOrderId] = (),
) -> tuple[CheckFinding, ...]:
    """What was found, and whether it is still there; what only came up later and is still there is told as well.

    ``why`` nothing could be sent, whether it was to be mended at all, and the orders of others that had to be replaced.
    """
    before, now = first.all_of_it(), last.all_of_it()
    found = []
    for key, finding in {**before, **now}.items():
        is_left = key in now
        remarks = [finding.text]
        if is_left:
            remarks.append(why.get(finding.symbol, ""))
            if fixes and not key[0].startswith("zombie") and last.of_others & set(finding.orders):
                covered = finding.what in UNPROTECTED and not finding.text
                remarks += ["covered beside it"] if covered else []
                remarks.append("not ours to touch (ZOMBIE_SCOPE)")
        elif set(replaced) & set(finding.orders):
            remarks.append(REPLACED)
        text = "; ".join(each for each in remarks if each)
        found.append(
            CheckFinding(
                venue=finding.venue,
                symbol=finding.symbol,
                what=finding.what,
                fixed=not is_left,
                text=text,
                side=finding.side,
                orders=finding.orders,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.venue, each.symbol, each.what, each.orders)))

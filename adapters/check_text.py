"""What a check found, in lines for people."""

from collections.abc import Iterator

from messages.account_check import AccountChecked, CheckFinding


def check_lines(checked: AccountChecked, *, fix: bool) -> Iterator[str]:
    """One line a finding, and what it all comes to."""
    for error in checked.errors:
        yield f"could not be checked: {error}"
    for finding in checked.findings:
        yield _line(finding, fix=fix)
    left = len(checked.findings) - checked.fixed
    total = f"{checked.positions} positions checked by {checked.by}: {len(checked.findings)} findings"
    if fix:
        total += f", {checked.fixed} mended with {checked.orders_sent} orders, {left} left"
    yield total
    if left and not fix:
        yield "holdfast check --fix mends what can be mended, and touches nothing else"


def _line(finding: CheckFinding, *, fix: bool) -> str:
    fate = ("mended" if finding.fixed else "left") if fix else "found"
    side = f" {finding.side}" if finding.side is not None else ""
    orders = f" [{' '.join(finding.orders)}]" if finding.orders else ""
    return f"{fate:7} {finding.venue:8} {finding.symbol + side:14} {finding.what:24} {finding.text}{orders}".rstrip()

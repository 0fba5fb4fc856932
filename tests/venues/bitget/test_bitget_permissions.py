"""What Bitget's codes say that a key may do."""

import pytest

from messages.checks import Finding
from tests.venues.bitget.canned import Answer, Asked, canned, success


def findings(authorities: list[str] | None) -> dict[str, Finding]:
    """Of the checks of permissions, for a key with these codes."""

    def route(asked: Asked) -> Answer:
        if asked.path.endswith("spot/account/info"):
            return success({"userId": "1", "authorities": authorities})
        return success({"posMode": "one_way_mode", "marginMode": "isolated", "assetMode": "single"})

    with canned(route) as venue:
        checks = {check.name: check.finding for check in venue.rest.preflight()}
    assert checks["key"] is Finding.FINE
    return {name: checks[name] for name in ("trading", "withdrawal")}


def test_a_key_for_futures_alone_is_fine() -> None:
    assert findings(["coow", "cpow", "stor", "wtor"]) == {"trading": Finding.FINE, "withdrawal": Finding.FINE}


def test_a_key_that_only_reads_may_not_trade() -> None:
    assert findings(["coor", "cpor", "stor"]) == {"trading": Finding.WARNING, "withdrawal": Finding.FINE}


def test_a_key_that_may_withdraw_is_wrong_whatever_else_it_may() -> None:
    assert findings(["coow", "wwow", "something"])["withdrawal"] is Finding.WRONG


@pytest.mark.parametrize("authorities", [["coow", "wxyw"], ["trade", "readonly"], [], None])
def test_a_code_that_nobody_explains_does_not_pass_for_harmless(authorities: list[str] | None) -> None:
    assert findings(authorities) == {"trading": Finding.UNKNOWN, "withdrawal": Finding.UNKNOWN}

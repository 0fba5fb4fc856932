"""The four ways in which venues say that a perpetual goes on, and when it does not."""

import pytest

from adapters.venues.delisting import ends_ms


@pytest.mark.parametrize("figure", [None, "", "0", "-1", 0, 4_133_404_800_000, "4133404800000", "soon"])
def test_a_perpetual_that_goes_on_has_no_end(figure: object) -> None:
    assert ends_ms(figure) is None


@pytest.mark.parametrize("figure", [1_641_110_400_000, "1641110400000"])
def test_an_announced_end_is_a_time(figure: object) -> None:
    assert ends_ms(figure) == 1_641_110_400_000

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rules.limits import Book, Limits, Refused, closed, filled, release, reserve

LIMITS = Limits(max_positions=3, max_exposure_usd=Decimal(1000))
keys = st.sampled_from(["A", "B", "C", "D", "E"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens to the book; the reservation of a key in round ``number`` is named after both."""

    what: str
    key: str
    number: int
    notional: Decimal

    @property
    def reservation_id(self) -> str:
        return f"{self.key}{self.number}"


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(["reserve", "reserve", "reserve", "add", "add", "fill", "fill_part", "release", "close"]),
        key=keys,
        number=st.integers(1, 2),
        notional=st.decimals("1", "700", places=2),
    ),
    max_size=30,
)


def _reserve(book: Book, step: Step) -> Book | Refused:
    return reserve(
        book,
        reservation_id=step.reservation_id,
        key=step.key,
        notional=step.notional,
        limits=LIMITS,
        adds=step.what == "add",
    )


def _after(book: Book, step: Step) -> Book:
    """The book after ``step``; what is filled was reserved, and costs no more than that."""
    reserved = book.reserved.get(step.reservation_id)
    match step.what:
        case "reserve" | "add":
            answer = _reserve(book, step)
            return book if isinstance(answer, Refused) else answer
        case "release":
            return release(book, reservation_id=step.reservation_id)
        case "close":
            return closed(book, key=step.key)
        case _ if reserved is None:
            return book
        case "fill":
            notional = book.open.get(step.key, Decimal(0)) + min(step.notional, reserved)
            return filled(book, reservation_id=step.reservation_id, key=step.key, notional=notional)
        case _:
            part = min(step.notional, reserved)
            return filled(
                book,
                reservation_id=step.reservation_id,
                key=step.key,
                notional=book.open.get(step.key, Decimal(0)) + part,
                remaining=reserved - part,
            )


def _lived(history: list[Step]) -> list[Book]:
    books = [Book()]
    for step in history:
        books.append(_after(books[-1], step))
    return books


@given(history=steps)
def test_1_no_sequence_of_reservations_releases_fills_and_closes_passes_the_limits_at_any_instant(
    history: list[Step],
) -> None:
    for book in _lived(history):
        assert book.positions <= LIMITS.max_positions
        assert book.exposure <= LIMITS.max_exposure_usd
        assert book.reserved.keys() == book.reserved_keys.keys()


@given(history=steps, key=keys)
def test_2_a_key_that_is_open_is_reserved_for_an_addition_only_and_one_that_is_being_reserved_not_at_all(
    history: list[Step], key: str
) -> None:
    book = _lived(history)[-1]
    being_reserved = key in book.reserved_keys.values()
    for adds in (False, True):
        answer = reserve(book, reservation_id="new", key=key, notional=Decimal(1), limits=Limits(), adds=adds)
        assert isinstance(answer, Book) is ((key in book.open) is adds and not being_reserved)


@given(history=steps, step=st.builds(Step, what=st.just("reserve"), key=keys, number=st.just(3), notional=st.just(1)))
def test_3_the_same_reservation_asked_for_twice_counts_once(history: list[Step], step: Step) -> None:
    once = _reserve(_lived(history)[-1], step)
    if isinstance(once, Book):
        assert _reserve(once, step) == once


@given(history=steps, key=keys)
def test_4_what_is_released_or_closed_can_be_reserved_again(history: list[Step], key: str) -> None:
    book = closed(_lived(history)[-1], key=key)
    for number in (1, 2):
        book = release(book, reservation_id=f"{key}{number}")
    answer = reserve(book, reservation_id="new", key=key, notional=Decimal(1), limits=Limits())
    assert isinstance(answer, Book)
    assert release(answer, reservation_id="new") == book


@given(history=steps)
def test_5_a_refusal_has_a_reason(history: list[Step]) -> None:
    for book, step in zip(_lived(history), history, strict=False):
        answer = _reserve(book, step)
        assert isinstance(answer, Book) or answer.reason


def test_two_signals_at_once_cannot_pass_together() -> None:
    limits = Limits(max_positions=1)
    book = reserve(Book(), reservation_id="r1", key="A", notional=Decimal(200), limits=limits)
    assert isinstance(book, Book)
    refused = reserve(book, reservation_id="r2", key="B", notional=Decimal(200), limits=limits)
    assert refused == Refused(reason="1 positions are open or being opened, of 1")


def test_the_exposure_may_be_used_up_to_the_limit_and_no_further() -> None:
    book = reserve(Book(), reservation_id="r1", key="A", notional=Decimal(1000), limits=LIMITS)
    assert isinstance(book, Book)
    refused = reserve(book, reservation_id="r2", key="B", notional=Decimal("0.01"), limits=LIMITS)
    assert isinstance(refused, Refused)
    assert "1000" in refused.reason


def test_an_adopted_position_counts_even_when_it_is_over_the_limits() -> None:
    book = filled(Book(), reservation_id="", key="A", notional=Decimal(5000))
    assert book.exposure == 5000
    assert isinstance(reserve(book, reservation_id="r1", key="B", notional=Decimal(1), limits=LIMITS), Refused)


def test_a_partly_filled_entry_keeps_the_rest_of_its_reservation_and_is_one_position() -> None:
    book = reserve(Book(), reservation_id="r1", key="A", notional=Decimal(100), limits=LIMITS)
    assert isinstance(book, Book)
    book = filled(book, reservation_id="r1", key="A", notional=Decimal(37), remaining=Decimal(63))
    assert (book.positions, book.exposure) == (1, Decimal(100))
    assert release(book, reservation_id="r1").exposure == 37


def test_a_reservation_without_value_is_refused() -> None:
    assert isinstance(reserve(Book(), reservation_id="r1", key="A", notional=Decimal(0), limits=LIMITS), Refused)

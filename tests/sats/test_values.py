"""Values with a meaning of their own."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.sats import ConnectionId, Err, Identity, Ok, Some, TimeDuration, Timestamp, Variant

A = "c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38"


@pytest.mark.parametrize(
    ("issuer", "subject", "expected"),
    [
        ("localhost", "test-subject", A),
        (
            "https://auth.spacetimedb.com",
            "abc",
            "c2007ed88b359c8be3576ce6fe5c8e6614451f6f3dbee3e82dcc4d75c249d633",
        ),
    ],
)
def test_an_identity_is_derived_from_issuer_and_subject(issuer: str, subject: str, expected: str) -> None:
    assert Identity.derive(issuer, subject).hex() == expected


def test_the_bytes_of_an_identity_are_its_hex_reversed() -> None:
    identity = Identity.from_hex(A)
    assert identity.to_bytes() == bytes.fromhex(A)[::-1]
    assert Identity(identity.to_bytes()) == identity == Identity.from_hex("0x" + A) == Identity.from_int(int(A, 16))
    assert (str(identity), repr(identity)) == (A, f"Identity.from_hex('{A}')")
    assert int(identity) == int(A, 16)


@pytest.mark.parametrize("text", ["", "00", A + "00", "zz" * 32, A[:-1], " " + A[:-1], "0x" + A[2:]])
def test_hex_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Identity.from_hex(text)
    assert str(caught.value) == f"Identity takes 64 hexadecimal digits, got {text!r}"


def test_bytes_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError) as caught:
        ConnectionId(bytes(32))
    assert str(caught.value) == "ConnectionId takes 16 bytes, got 32"


@given(st.integers(0, (1 << 128) - 1), st.integers(0, (1 << 128) - 1))
def test_connection_ids_are_ordered_like_their_numbers(left: int, right: int) -> None:
    assert (ConnectionId.from_int(left) < ConnectionId.from_int(right)) == (left < right)
    assert (ConnectionId.from_int(left) >= ConnectionId.from_int(right)) == (left >= right)
    assert (ConnectionId.from_int(left) == ConnectionId.from_int(right)) == (left == right)


def test_the_zero_connection_id_is_none() -> None:
    assert not ConnectionId.zero()
    assert ConnectionId.random()
    assert ConnectionId.random() != ConnectionId.random()


def test_identities_and_connection_ids_are_not_compared() -> None:
    assert Identity.zero() != ConnectionId.zero()
    with pytest.raises(TypeError):
        _ = Identity.zero() < ConnectionId.zero()


@given(st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=-5, minutes=-30))])))
def test_timestamps_keep_datetimes_to_the_microsecond(moment: datetime) -> None:
    assert Timestamp.from_datetime(moment).to_datetime() == moment


def test_timestamps_count_from_the_epoch() -> None:
    moment = Timestamp.from_datetime(datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc))
    assert moment.micros == 1_700_000_000_123_456
    assert moment == Timestamp.from_seconds(1_700_000_000.123456)
    assert moment.to_seconds() == 1_700_000_000.123456
    assert str(moment) == "2023-11-14T22:13:20.123456+00:00"
    assert str(Timestamp((1 << 63) - 1)) == "9223372036854775807 us"


def test_a_datetime_without_time_zone_is_no_timestamp() -> None:
    with pytest.raises(ValueError) as caught:
        Timestamp.from_datetime(datetime(2020, 1, 1))  # noqa: DTZ001 - that it has no time zone is the point
    assert str(caught.value) == (
        "a datetime without time zone is not a point in time: datetime.datetime(2020, 1, 1, 0, 0)"
    )


def test_moments_and_spans_add_up() -> None:
    start, end = Timestamp(1_000_000), Timestamp(3_500_000)
    assert end - start == TimeDuration(2_500_000)
    assert start + TimeDuration(2_500_000) == start + timedelta(seconds=2.5) == end
    assert end - TimeDuration(2_500_000) == end - timedelta(seconds=2.5) == start
    assert start < end <= Timestamp(3_500_000)
    assert TimeDuration(1) > TimeDuration(-1)


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.000000 s"), (-1_500_000, "-1.500000 s"), ((1 << 63) - 1, "9223372036854.775807 s")]
)
def test_the_text_of_a_duration(micros: int, text: str) -> None:
    assert str(TimeDuration(micros)) == text
    assert TimeDuration.from_timedelta(timedelta(microseconds=-1)).micros == -1
    assert TimeDuration(-1).to_timedelta() == timedelta(microseconds=-1)


def test_texts_of_sums() -> None:
    assert repr(Variant("Circle", 2.5)) == "Variant('Circle', 2.5)"
    assert repr(Variant("Empty")) == "Variant('Empty')"
    assert (str(Variant("Circle", 2.5)), str(Variant("Empty"))) == ("Circle(2.5)", "Empty")
    assert (repr(Some(None)), repr(Ok(1)), repr(Err("x"))) == ("Some(None)", "Ok(1)", "Err('x')")


ALL = [
    Identity.from_hex(A),
    ConnectionId.from_int(5),
    Timestamp(5),
    TimeDuration(5),
    Variant("A", 5),
    Variant("A"),
    Some(None),
    Ok(5),
    Err(5),
]


@pytest.mark.parametrize("value", ALL, ids=repr)
def test_values_are_equal_to_their_copies_and_to_nothing_else(value: Any) -> None:
    for other in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert other == value
        assert hash(other) == hash(value)
    assert [other for other in ALL if other == value] == [value]
    assert value != 5
    assert value != ()


@pytest.mark.parametrize(
    ("value", "attribute"),
    [(Variant("A"), "name"), (Variant("A"), "value"), (Some(1), "value"), (Timestamp(1), "micros"), (Ok(1), "value")],
)
def test_values_cannot_be_changed(value: Any, attribute: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, attribute, 5)


def test_a_variant_can_be_matched() -> None:
    match Variant("Circle", 2.5):
        case Variant("Circle", radius):
            assert radius == 2.5
        case _:
            pytest.fail("the pattern should match")

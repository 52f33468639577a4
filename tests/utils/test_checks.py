"""Checks that name the argument, what is allowed and what came."""

import json
import re

import numpy as np
import pytest

from mne_duin.utils._checks import (
    as_list,
    check_number,
    check_option,
    check_type,
    draw_seed,
    import_optional,
)


def test_options():
    assert check_option("size", "big", ("big", None)) == "big"
    assert check_option("size", None, ("big", None)) is None
    with pytest.raises(ValueError, match="^`size` must be one of 'big', None; got 3.$"):
        check_option("size", 3, (option for option in ("big", None)))


def test_types():
    assert check_type("name", "a", str) == "a"
    assert check_type("name", None, str, none=True) is None
    message = "^`name` must be str or int or None; got float 0.5.$"
    with pytest.raises(TypeError, match=message):
        check_type("name", 0.5, (str, int), none=True)
    with pytest.raises(TypeError, match="^`name` must be str; got NoneType None.$"):
        check_type("name", None, str)


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (3, {}),
        (3.5, {"low": 3.5}),
        (np.float32(2), {"low": 0, "high": 2}),
        (np.int64(2), {"integer": True}),
        (1e-9, {"low": 0, "closed": False}),
        (0, {"low": 0}),
    ],
)
def test_numbers_within_their_limits(value, options):
    assert check_number("n", value, **options) is value


@pytest.mark.parametrize(
    ("value", "options", "error", "message"),
    [
        (0, {"low": 1}, ValueError, "`n` must be at least 1; got 0."),
        (3, {"high": 2}, ValueError, "`n` must be at most 2; got 3."),
        (0, {"low": 0, "closed": False}, ValueError, "`n` must be above 0; got 0."),
        (5, {"low": 0, "high": 1}, ValueError, "at least 0 and at most 1; got 5."),
        (float("nan"), {"low": 0}, ValueError, "`n` must be at least 0; got nan."),
        (1.0, {"integer": True}, TypeError, "a whole number; got float 1.0."),
        (True, {}, TypeError, "`n` must be a number; got bool True."),
        ("1", {}, TypeError, "`n` must be a number; got str '1'."),
        (None, {}, TypeError, "`n` must be a number; got NoneType None."),
        (1j, {}, TypeError, "`n` must be a number; got complex 1j."),
    ],
)
def test_numbers_beyond_their_limits(value, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        check_number("n", value, **options)


def test_lists():
    assert as_list(None) == []
    assert as_list("name") == ["name"]
    assert as_list(3) == [3]
    assert as_list(("a", "b")) == ["a", "b"]
    assert as_list(np.arange(2)) == [0, 1]


def test_optional_packages():
    assert import_optional("json", extra="doc", purpose="read") is json
    message = (
        "The package 'no_such_package' is needed to fly. Install it with: pip inst"
    )
    with pytest.raises(ImportError, match=message + r'all "mne-duin\[3d\]"'):
        import_optional("no_such_package", extra="3d", purpose="fly")


def test_seeds():
    assert draw_seed(7) == 7
    assert draw_seed(np.int64(7)) == 7
    first, again = (draw_seed(np.random.RandomState(3)) for _ in range(2))
    assert first == again
    stream = np.random.default_rng(3)
    assert draw_seed(stream) != draw_seed(stream)
    assert len({draw_seed(None) for _ in range(5)}) == 5
    assert all(0 <= draw_seed(None) < 2**31 for _ in range(5))
    with pytest.raises(
        TypeError, match="`random_state` must be a whole number; got st"
    ):
        draw_seed("seed")
    with pytest.raises(ValueError, match="`random_state` must be at least 0; got -1"):
        draw_seed(-1)


def test_no_seed_touches_the_global_state():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    draw_seed(None)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002

"""Signatures of dataclasses begin with what a class adds."""

import inspect
from dataclasses import dataclass

import pytest

from mne_duin.utils._signature import own_parameters_first


@dataclass(kw_only=True)
class Base:
    lr: float = 0.1
    max_iter: int = 5


@own_parameters_first
@dataclass(kw_only=True)
class Middle(Base):
    n_codes: int = 2
    lr: float = 0.2


@own_parameters_first
@dataclass(kw_only=True)
class Last(Middle):
    n_codes: int = 3
    n_layers: int = 1


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (Base, ["lr", "max_iter"]),
        (Middle, ["n_codes", "lr", "max_iter"]),
        (Last, ["n_layers", "n_codes", "lr", "max_iter"]),
    ],
)
def test_a_field_stands_with_the_class_that_brought_it_in(cls, names):
    assert list(inspect.signature(cls).parameters) == names


def test_defaults_and_calls_stay():
    parameters = inspect.signature(Last).parameters
    assert {name: p.default for name, p in parameters.items()} == vars(Last())
    assert vars(Last(lr=3.0)) == vars(Last()) | {"lr": 3.0}


def test_positional_fields_are_refused():
    with pytest.raises(TypeError, match="`lr` of Positional is not keyword-only"):

        @own_parameters_first
        @dataclass
        class Positional:
            lr: float = 0.1

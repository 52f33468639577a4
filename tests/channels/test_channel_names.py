"""Names: the published styles, the pairs they imply, and what is no contact."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mne_duin.channels import Contact, bipolar_pairs, name_table, parse_contact
from mne_duin.channels._names import split_pair

STYLES = {
    "TI'2": ("TI'", 2),
    "T2aA12": ("T2aA", 12),
    "LA1": ("LA", 1),
    "POL A1-Ref": ("A", 1),
    "POL A1": ("A", 1),
    "EEG A'10-Ref": ("A'", 10),
    "LAH01": ("LAH", 1),
    "G_12": ("G", 12),
    "A10'": ("A'", 10),
    "s1": ("s", 1),
    "A1-A2": ("A", 1),
    "TI'2-TI'3": ("TI'", 2),
    "TO’9": ("TO'", 9),
    "L-AMY-3": ("L-AMY", 3),
    "POL $A11": ("$A", 11),
    "Ä3": ("Ä", 3),
    "EEG LA 04-REF": ("LA", 4),
    "C'3": ("C'", 3),
}
OTHERS = "DC10 C3 EKG EKG1 Fp1 O2 EMG2 REF1 TRIG 12 A X'".split()
OTHERS += ["EEG C3-Ref", "STI 014", "POL DC01"]


@pytest.mark.parametrize("name", STYLES)
def test_published_styles(name):
    contact = parse_contact(name)
    assert contact == Contact(*STYLES[name])
    assert (contact.shaft, contact.number) == STYLES[name]


@pytest.mark.parametrize("name", OTHERS)
def test_other_channels_are_no_contacts(name):
    assert parse_contact(name) is None


SHAFTS = st.from_regex(r"[A-Z]{1,3}[a-z]?'?", fullmatch=True).filter(
    lambda shaft: parse_contact(f"{shaft}99") is not None
)


@given(
    SHAFTS, st.integers(11, 99), st.sampled_from(["{}{}", "{}{:03d}", "{}_{}", "{} {}"])
)
def test_every_way_to_write_a_contact_means_the_same(shaft, number, style):
    name = style.format(shaft, number)
    for written in (name, f"POL {name}", f"EEG {name}-Ref", f" {name} "):
        assert parse_contact(written) == (shaft, number)


def test_the_group_decides_a_shaft_that_ends_in_a_digit():
    table = name_table(["T12", "T12"], ["T1", None])
    assert list(table["shaft"]) == ["T1", "T"]
    assert list(table["number"]) == [2, 12]


def test_a_pair_needs_one_shaft():
    assert split_pair("LA1-LA2") == ((("LA", 1)), ("LA", 2))
    assert split_pair("A1-B2") is None
    assert split_pair("L-A1-L-A2") == (("L-A", 1), ("L-A", 2))


def test_pairs_keep_the_order_of_the_data_and_never_bridge_a_gap():
    names = ["B2", "B1", "A3", "A1", "A2", "A5", "EKG", "A1-A2"]
    assert bipolar_pairs(names) == [("B1", "B2"), ("A1", "A2"), ("A2", "A3")]
    assert ("A3", "A5") in bipolar_pairs(names, max_gap=2)


def shaft(spacing):
    """Contacts on a line along x with the given steps."""
    x = np.concatenate([[0.0], np.cumsum(spacing)])
    names = [f"A{i}" for i in range(1, len(x) + 1)]
    return pd.DataFrame(
        {"x": x, "y": 0.0, "z": 0.0}, index=pd.Index(names, name="name")
    )


def test_neighbours_by_number_that_are_far_apart_are_not_paired():
    contacts = shaft([3.5, 3.5, 30.0, 3.5])
    assert ("A3", "A4") not in bipolar_pairs(contacts)
    assert ("A3", "A4") in bipolar_pairs(contacts, max_distance=None)
    assert bipolar_pairs(contacts, max_distance=3.0) == []


def test_pairs_without_coordinates_pass():
    contacts = shaft([3.5, 3.5]).astype(float)
    contacts.loc["A2"] = np.nan
    assert bipolar_pairs(contacts) == [("A1", "A2"), ("A2", "A3")]


@pytest.mark.parametrize(
    ("argument", "value"), [("max_gap", 0), ("max_distance", -1.0)]
)
def test_limits_must_be_positive(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be"):
        bipolar_pairs(["A1", "A2"], **{argument: value})

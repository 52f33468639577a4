"""Names: the published styles, the pairs they imply, and what is no contact."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mne_duin.channels import Contact, bipolar_pairs, name_table, parse_contact
from mne_duin.channels._names import (
    find_other_channels,
    recorded_pairs,
    split_pair,
)

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
    "M1_7": ("M1", 7),
    "_AHL1": ("AHL", 1),
    "_GL_A12": ("GL_A", 12),
    "A1-AV": ("A", 1),
    "A10'-Pz": ("A'", 10),
    "1LD1": ("1LD", 1),
    "A-1": ("A", 1),
    "BP3": ("BP", 3),
    "CH01": ("CH", 1),
    "LPLAN-INS1": ("LPLAN-INS", 1),
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


@pytest.mark.parametrize(
    ("names", "other"),
    [
        ("LA1 LA2 EKG1 EKG2 C3 PZ TRIG DC01", "EKG1 EKG2 TRIG DC01 PZ C3"),
        ("C1 C2 C3 C4 C5 C6 DC01 EKG1", "DC01 EKG1"),
        ("C3 C4 F7 F8 T3 T4 O1 O2 LA1 LA2", "C3 C4 F7 F8 T3 T4 O1 O2"),
        ("FP1 FP2 F7 F8 C2 -0 -1 G1 G2", "FP1 FP2 F7 F8 C2 -0 -1"),
        ("O01 O02 P01 P02 T01 T02", ""),
        ("T33 T34 P52 P53 F49 F50", ""),
        ("BP1 BP2 CH1 CH2 CH16 DCLS1", ""),
        ("C3 CZ C4 LOC ROC LOC1 DC7 RES1", "C3 CZ C4 LOC ROC DC7 RES1"),
        ("EKG+RES1 N/A REF EKGL ECG-R LA1", "EKG+RES1 N/A REF EKGL ECG-R"),
        ("G E LA1 X1", ""),
    ],
)
def test_what_is_no_contact_is_seen_from_all_names(names, other):
    assert set(find_other_channels(names.split())) == set(other.split())


def test_a_position_makes_a_contact_of_an_ambiguous_name():
    names = ["C3", "C4", "DC1", "EKG1", "LOC"]
    assert set(find_other_channels(names)) == set(names)
    assert set(find_other_channels(names, placed=names)) == {"EKG1"}


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        ("A1-A2 A2-A3 EKG", "A1-A2 A2-A3"),
        ("LA10-LA9 LA10-LA3", "LA10-LA9 LA10-LA3"),
        ("A-1-A-2 A-2-A-3", "A-1-A-2 A-2-A-3"),
        ("A1-2 A2-3 A3-4", "A1-2 A2-3 A3-4"),
        ("A1-1 A1-2 A1-3", ""),
        ("A1-B5 A2-B5 A3-B5", ""),
        ("A1-AV A2-AV A3-Ref A4-G2", ""),
        ("G1-G2 G2-G3", "G1-G2 G2-G3"),
        ("A1 A2 LPLAN-INS1", ""),
        ("A1_A2 LB2>LB3 C'1/C'2", "A1_A2 LB2>LB3 C'1/C'2"),
        ("M1_7 M1_8 G_12 A1_B2 LA/1", ""),
    ],
)
def test_recorded_pairs_are_seen_from_all_names(names, pairs):
    assert set(recorded_pairs(names.split())) == set(pairs.split())


def test_the_reference_of_channels_tsv_makes_pairs():
    found = recorded_pairs(["A1", "A2", "A3"], ["A2", "A3", None])
    assert found == {"A1": ("A1", "A2"), "A2": ("A2", "A3")}
    assert recorded_pairs(["A1", "A2", "A3", "A4"], ["A4"] * 3 + [None]) == {}


def test_plain_numbers_are_numbers_of_their_group():
    table = name_table(["1", "2", "12"], ["1", "1", "G"])
    assert list(table["shaft"]) == ["1", "1", "G"]
    assert list(table["number"]) == [1, 2, 12]
    assert name_table(["7"])["shaft"].isna().all()


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

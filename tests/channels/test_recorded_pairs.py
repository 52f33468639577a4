"""Channels recorded as pairs; references of all and of white-matter contacts."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import (
    assign_labels,
    bipolar_pairs,
    complete_pairs,
    reference_average,
    reference_bipolar,
    reference_laplacian,
    reference_matrix,
    reference_white_matter,
)

PAIRS = ["A1-A2", "A2-A3", "B1-B2"]


def contacts_of(names):
    """Contacts of two shafts in the left hemisphere, 3.5 mm apart."""
    xyz = [(-45 - 3.5 * int(n[1]), -15.0 + 20 * (n[0] == "B"), 12.0) for n in names]
    table = pd.DataFrame(xyz, pd.Index(names, name="name"), ["x", "y", "z"])
    return table.assign(space="MNI152Lin")


def raw_of(names, kinds="seeg"):
    """Noise in volts."""
    data = np.random.default_rng(0).standard_normal((len(names), 50))
    return mne.io.RawArray(data, mne.create_info(names, 100.0, kinds), verbose="error")


def test_a_recorded_pair_is_never_differenced_again():
    raw = raw_of(PAIRS)
    contacts = assign_labels(contacts_of(["A1", "A2", "A3", "B1", "B2"]))
    with mne.utils.catch_logging(verbose="info") as log:
        new, table = reference_bipolar(raw, contacts)
    assert "kept as they are: A1-A2, A2-A3, B1-B2" in log.getvalue()
    np.testing.assert_array_equal(new.get_data(), raw.get_data())
    assert list(table["anode"]) == ["A1", "A2", "B1"]
    ends = contacts.loc[["A1", "A2"]]
    np.testing.assert_allclose(
        table.loc["A1-A2", ["x", "y", "z"]].astype(float), ends[["x", "y", "z"]].mean()
    )
    both = table.loc["A1-A2", ["anode_label", "cathode_label"]]
    assert list(both) == list(ends["label"])
    assert bipolar_pairs(complete_pairs(contacts, PAIRS)) == []


def test_recorded_pairs_and_single_contacts_keep_the_order_of_the_data():
    names = ["C2", "A1-A2", "C1", "A2-A3"]
    contacts = contacts_of(["C2", "A1", "C1", "A2", "A3"])
    raw = raw_of(names)
    new, table = reference_bipolar(raw, contacts)
    assert new.ch_names == ["A1-A2", "C1-C2", "A2-A3"] == list(table.index)
    data = dict(zip(names, raw.get_data(), strict=True))
    np.testing.assert_allclose(new.get_data("C1-C2")[0], data["C1"] - data["C2"])
    np.testing.assert_array_equal(new.get_data("A2-A3")[0], data["A2-A3"])


def test_another_reference_of_recorded_pairs_is_refused_aloud():
    contacts = contacts_of(["A1", "A2", "A3", "B1", "B2"])
    with pytest.warns(RuntimeWarning, match="laplacian reference cannot be made"):
        new, _ = reference_laplacian(raw_of(PAIRS), contacts)
    assert new.ch_names == PAIRS


def test_common_average():
    names = ["A1", "A2", "B1", "X"]
    raw = raw_of(names)
    new, table = reference_average(raw, contacts_of(["A1", "A2", "B1"]))
    data = raw.get_data(["A1", "A2", "B1"])
    np.testing.assert_allclose(new.get_data(), data - data.mean(axis=0), atol=1e-15)
    assert list(table.index) == ["A1", "A2", "B1"]
    with pytest.raises(ValueError, match="average reference leaves no channel"):
        reference_matrix(contacts_of(["A1"]), "average")


@pytest.mark.parametrize(
    "column",
    [
        {"WM": ["0", "1", "0", "1"]},
        {"gray_white": ["Gray Matter", "White Matter", "n/a", "White Matter"]},
        {"label": ["x", "Left-Cerebral-White-Matter", "y", "wm-lh-insula"]},
        {"tissue": ["grey", "white", None, "white"], "label_distance": [0, 3, 1, 4]},
    ],
)
def test_white_matter(column):
    names = ["A1", "A2", "A3", "A4"]
    raw = raw_of(names)
    new, _ = reference_white_matter(raw, contacts_of(names).assign(**column))
    white = raw.get_data(["A2", "A4"]).mean(axis=0)
    assert new.ch_names == ["A1", "A3"]
    np.testing.assert_allclose(
        new.get_data(), raw.get_data(["A1", "A3"]) - white, atol=1e-15
    )


def test_white_matter_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="No contact is known to lie in white matter"):
        reference_white_matter(raw_of(["A1", "A2"]), contacts_of(["A1", "A2"]))

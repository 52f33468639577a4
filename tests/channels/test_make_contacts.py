"""Contacts without BIDS: the same table from every kind of source."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin import make_contacts, reference_bipolar
from mne_duin.channels import as_contacts
from mne_duin.viz import plot_contacts

XYZ = {"TI'1": (-38, -20, 8), "TI'2": (-42, -20, 8), "B3": (30, 5, 10)}


@pytest.fixture
def expected():
    return pd.DataFrame(
        {
            "shaft": ["TI'", "TI'", "B"],
            "number": pd.array([1, 2, 3], dtype="Int64"),
            "x": [-38.0, -42.0, 30.0],
            "y": [-20.0, -20.0, 5.0],
            "z": [8.0, 8.0, 10.0],
            "space": "MNI305",
            "hemisphere": ["L", "L", "R"],
        },
        index=pd.Index(list(XYZ), name="name"),
    )


def montage(frame="mni_tal"):
    points = {name: np.array(xyz) / 1000.0 for name, xyz in XYZ.items()}
    return mne.channels.make_dig_montage(points, coord_frame=frame)


def recording(kind="seeg", extra=("ECG",)):
    names = [*XYZ, *extra]
    info = mne.create_info(names, 500.0, [kind] * 3 + ["misc"] * len(extra))
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(rng.normal(size=(len(names), 1000)), info, verbose=False)
    with pytest.warns(RuntimeWarning, match="assuming identity"):
        raw.set_montage(montage(), on_missing="ignore")
    return raw


@pytest.mark.parametrize("unit", ["m", "cm", "mm", None])
@pytest.mark.parametrize("scale", ["m", "cm", "mm"])
def test_tables_in_any_unit(expected, unit, scale):
    if unit not in (None, scale):
        return
    table = pd.DataFrame.from_dict(XYZ, orient="index", columns=["X", "Y", "Z"])
    table = table / {"m": 1000, "cm": 10, "mm": 1}[scale]
    for source in (
        table,
        table.rename_axis("Name").reset_index(),
        table.T.to_dict("list"),
    ):
        found = make_contacts(source, space="MNI305", unit=unit)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_objects_of_mne_with_their_frame(expected):
    raw = recording()
    epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose=False)
    for source in (montage(), raw, raw.info, epochs):
        found = make_contacts(source)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    # Formats of EEG know no type of contacts; names tell.
    eeg = recording("eeg")
    pd.testing.assert_frame_equal(make_contacts(eeg), expected, check_dtype=False)


def test_labels_are_kept_and_pairs_are_described():
    table = pd.DataFrame.from_dict(XYZ, orient="index", columns=["x", "y", "z"])
    table["label"] = ["STG", "MTG", "Insula"]
    table.loc["TI'1-TI'2"] = [np.nan, np.nan, np.nan, None]
    found = make_contacts(table, space="MNI152")
    assert found["label"].tolist()[:3] == ["STG", "MTG", "Insula"]
    pair = found.loc["TI'1-TI'2"]
    assert (pair["anode"], pair["cathode"]) == ("TI'1", "TI'2")
    assert pair[["x", "y", "z"]].tolist() == [-40.0, -20.0, 8.0]


def test_what_is_not_known_is_said():
    with pytest.warns(RuntimeWarning, match="state it with `space`"):
        found = make_contacts(montage("unknown"))
    assert found["space"].isna().all()
    with pytest.raises(ValueError, match="state the unit with `unit`"):
        make_contacts({"A1": (4000.0, 0, 0)}, space="MNI152")
    with pytest.raises(ValueError, match="`space` must be one of"):
        make_contacts(XYZ, space="talairach space")
    with pytest.raises(ValueError, match="occur twice"):
        make_contacts(pd.DataFrame({"x": [1, 2.0]}, index=["A1", "A1"]))
    with pytest.raises(TypeError, match="`source` must be"):
        make_contacts([1, 2])
    info = mne.create_info(["Fp1", "STI"], 100.0, ["eeg", "stim"])
    with pytest.raises(ValueError, match="There is no intracranial channel"):
        make_contacts(info)
    with pytest.raises(ValueError, match="which the positions do not"):
        make_contacts(XYZ, space="MNI152", names=["A9"])


def test_head_coordinates_are_not_taken_for_a_template():
    points = {name: np.array(xyz) / 1000.0 for name, xyz in XYZ.items()}
    fiducials = {"nasion": [0, 0.1, 0], "lpa": [-0.08, 0, 0], "rpa": [0.08, 0, 0]}
    head = mne.channels.make_dig_montage(points, **fiducials, coord_frame="head")
    with pytest.warns(RuntimeWarning, match="head coordinates"):
        assert make_contacts(head)["space"].isna().all()
    with pytest.raises(ValueError, match="Pass the montage that was set"):
        make_contacts(head, space="MNI152")


def test_functions_read_the_montage_where_contacts_are_none(expected):
    raw = recording()
    bipolar, table = reference_bipolar(raw)
    same, other = reference_bipolar(raw, expected)
    assert bipolar.ch_names == ["TI'1-TI'2"]
    np.testing.assert_array_equal(bipolar.get_data(), same.get_data())
    pd.testing.assert_frame_equal(table, other, check_dtype=False)
    with pytest.raises(TypeError, match="`contacts` must be a contacts table"):
        as_contacts(None)


def test_a_montage_is_drawn(expected):
    def offsets(contacts):
        figure = plot_contacts(contacts, color_by="shaft", show=False)
        return [part.get_offsets().data for part in figure.axes[0].collections]

    for source in (montage(), recording(), recording().info):
        for own, other in zip(offsets(source), offsets(expected), strict=True):
            np.testing.assert_allclose(own, other)

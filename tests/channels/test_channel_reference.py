"""References: the samples, the order of the channels, and the table that goes along."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import (
    assign_labels,
    reference_bipolar,
    reference_laplacian,
    reference_shaft,
)

ORDER = ["EKG", "B2", "A1", "A3", "B1", "A2", "A4", "C7"]
CONTACTS = [name for name in ORDER if name != "EKG"]


@pytest.fixture(scope="module")
def contacts():
    """Two shafts and a lone contact in the left hemisphere, 3.5 mm apart."""
    xyz = [
        (-45.0 - 3.5 * int(name[1]), -15.0 + 20 * (name[0] == "B"), 12.0)
        for name in CONTACTS
    ]
    table = pd.DataFrame(xyz, pd.Index(CONTACTS, name="name"), ["x", "y", "z"])
    table = assign_labels(table.assign(space="MNI152Lin", size="5"))
    return table


@pytest.fixture(scope="module")
def raw():
    """Noise with an annotation."""
    data = np.random.default_rng(0).standard_normal((len(ORDER), 400))
    kinds = ["ecg"] + ["seeg"] * len(CONTACTS)
    raw = mne.io.RawArray(data, mne.create_info(ORDER, 100.0, kinds), verbose="error")
    return raw.set_annotations(mne.Annotations([1.0], [0.5], ["ba"]))


def make_epochs(raw):
    """Two epochs with metadata."""
    events = np.array([[100, 0, 1], [250, 0, 2]])
    return mne.Epochs(
        raw,
        events,
        {"ba": 1, "da": 2},
        0,
        0.5,
        baseline=None,
        preload=True,
        metadata=pd.DataFrame({"word": ["ba", "da"]}),
        verbose="error",
    )


def test_bipolar_is_the_difference_in_the_order_of_the_data(raw, contacts):
    new, table = reference_bipolar(raw, contacts)
    assert new.ch_names == list(table.index) == ["A1-A2", "A3-A4", "B1-B2", "A2-A3"]
    for name, pair in table.iterrows():
        wanted = raw.get_data(pair["anode"]) - raw.get_data(pair["cathode"])
        np.testing.assert_allclose(new.get_data(name), wanted, atol=1e-15)
        ends = contacts.loc[[pair["anode"], pair["cathode"]], ["x", "y", "z"]]
        np.testing.assert_allclose(pair[["x", "y", "z"]].to_numpy(float), ends.mean())
    assert set(new.get_channel_types()) == {"seeg"}
    assert new.info["custom_ref_applied"]
    assert raw.ch_names == ORDER
    assert list(new.annotations.description) == ["ba"]


def test_bipolar_equals_mne(raw, contacts):
    new, table = reference_bipolar(raw, contacts)
    theirs = mne.set_bipolar_reference(
        raw.copy().load_data(),
        list(table["anode"]),
        list(table["cathode"]),
        verbose="error",
    )
    np.testing.assert_allclose(
        new.get_data(), theirs.get_data(new.ch_names), atol=1e-15
    )


def test_labels_of_a_pair_follow_the_stated_rule(raw, contacts):
    labels = contacts.copy()
    labels.loc["A1", ["label", "label_distance"]] = ["one", 3.0]
    labels.loc["A2", ["label", "label_distance"]] = ["two", 1.0]
    labels.loc["A3", ["label", "label_distance"]] = [None, np.nan]
    labels.loc["A4", ["label", "label_distance"]] = ["four", np.nan]
    labels.loc["B1", ["label", "label_distance"]] = ["x", np.nan]
    labels.loc["B2", ["label", "label_distance"]] = ["y", np.nan]
    _, table = reference_bipolar(raw, labels)
    assert table["label"].to_dict() == {
        "A1-A2": "two",
        "A3-A4": "four",
        "B1-B2": "x",
        "A2-A3": "two",
    }
    assert list(table["label_rule"]) == ["nearer", "only", "anode", "only"]
    assert table.loc["A1-A2", ["anode_label", "cathode_label"]].tolist() == [
        "one",
        "two",
    ]
    assert (table["size"] == "5").all()


def test_positions_are_midpoints_in_head_coordinates(raw, contacts, tmp_path):
    new, table = reference_bipolar(raw, contacts)
    new.save(tmp_path / "pairs_raw.fif", verbose="error")
    back = mne.io.read_raw_fif(tmp_path / "pairs_raw.fif", verbose="error")
    montage = back.get_montage()
    montage.apply_trans(mne.channels.compute_native_head_t(montage))
    assert montage.get_positions()["coord_frame"] == "head"
    places = np.array([montage.get_positions()["ch_pos"][n] for n in table.index])
    steps = np.linalg.norm(places[0] - places[3]) * 1e3
    assert steps == pytest.approx(3.5, rel=0.02)


def test_laplacian(raw, contacts):
    new, table = reference_laplacian(raw, contacts)
    assert new.ch_names == ["B2", "A1", "A3", "B1", "A2", "A4"] == list(table.index)
    middle = raw.get_data("A2") - (raw.get_data("A1") + raw.get_data("A3")) / 2
    np.testing.assert_allclose(new.get_data("A2"), middle, atol=1e-15)
    end = raw.get_data("A4") - raw.get_data("A3")
    np.testing.assert_allclose(new.get_data("A4"), end, atol=1e-15)


def test_laplacian_of_a_missing_neighbour(raw, contacts):
    new, _ = reference_laplacian(raw, contacts.drop("A2"), max_gap=1)
    assert "A1" not in new.ch_names
    wide, _ = reference_laplacian(raw, contacts.drop("A2"), max_gap=2)
    both = raw.get_data("A3") - (raw.get_data("A1") + raw.get_data("A4")) / 2
    assert "A1" in wide.ch_names
    np.testing.assert_allclose(wide.get_data("A3"), both, atol=1e-15)


def test_shaft_average(raw, contacts):
    new, _ = reference_shaft(raw, contacts)
    shaft = [f"A{i}" for i in range(1, 5)]
    assert "C7" not in new.ch_names
    np.testing.assert_allclose(new.get_data(shaft).mean(axis=0), 0, atol=1e-15)
    wanted = raw.get_data("A3") - raw.get_data(shaft).mean(axis=0)
    np.testing.assert_allclose(new.get_data("A3"), wanted, atol=1e-15)


@pytest.mark.parametrize(
    "function", [reference_bipolar, reference_laplacian, reference_shaft]
)
def test_bad_contacts_are_excluded_and_never_bridged(raw, contacts, function):
    marked = raw.copy()
    marked.info["bads"] = ["A2"]
    with mne.utils.catch_logging(verbose="info") as log:
        new, table = function(marked, contacts)
    said = log.getvalue()
    assert "Bad channels left out: A2" in said
    assert "Channels without a contact left out: EKG" in said
    assert not any("A2" in name for name in new.ch_names)
    assert "A1-A3" not in new.ch_names
    assert len(table) == len(new.ch_names)


def test_epochs_keep_events_and_metadata(raw, contacts):
    epochs = make_epochs(raw)
    new, _ = reference_bipolar(epochs, contacts)
    np.testing.assert_array_equal(new.events, epochs.events)
    assert new.event_id == epochs.event_id
    assert list(new.metadata["word"]) == ["ba", "da"]
    continuous, _ = reference_bipolar(raw, contacts)
    np.testing.assert_allclose(
        new.get_data(), make_epochs(continuous).get_data(), atol=1e-15
    )


def test_picking_and_reordering_keeps_the_link(raw, contacts):
    few = raw.copy().pick(["A3", "A2", "C7"])
    new, table = reference_bipolar(few, contacts.sample(frac=1, random_state=1))
    assert new.ch_names == ["A2-A3"]
    assert table.loc["A2-A3", "anode"] == "A2"


def test_what_cannot_be_referenced(raw, contacts):
    with pytest.raises(ValueError, match="bipolar reference leaves no channel"):
        reference_bipolar(raw.copy().pick(["A1", "C7"]), contacts)
    with pytest.raises(ValueError, match="No channel of the data is in `contacts`"):
        reference_bipolar(raw.copy().pick(["EKG"]), contacts)


def test_180_contacts_are_fast():
    names = [f"S{shaft}x{i}" for shaft in range(12) for i in range(1, 16)]
    raw = mne.io.RawArray(
        np.random.default_rng(0).standard_normal((180, 20000)),
        mne.create_info(names, 1000.0, "seeg"),
        verbose="error",
    )
    new, table = reference_bipolar(
        raw, pd.DataFrame(index=pd.Index(names, name="name"))
    )
    assert len(table) == 12 * 14
    assert new.get_data().shape == (168, 20000)

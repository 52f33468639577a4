"""RegionSelector on Epochs, arrays, lists of epochs, in pipelines and copies."""

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_duin.channels import RegionSelector

NAMES = ["A1", "A2", "B1", "B2"]
LABELS = [
    "ctx-lh-precentral",
    "Left-Amygdala",
    "ctx-lh-superiortemporal",
    "ctx-lh-insula",
]


@pytest.fixture
def contacts():
    """Four contacts, one in vSMC and one in STG."""
    place = {"x": -50.0, "y": 0.0, "z": 10.0, "space": "MNI152Lin"}
    return pd.DataFrame({"label": LABELS} | place, pd.Index(NAMES, name="name"))


def make_epochs(names=NAMES, n_epochs=20):
    """Epochs whose first sample tells the class on channel A1."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((n_epochs, len(names), 8))
    labels = np.arange(n_epochs) % 2
    data[:, names.index("A1"), 0] += 10 * labels
    info = mne.create_info(list(names), 100.0, "seeg")
    return mne.EpochsArray(data, info, verbose="error"), labels


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1], ["B1", "EKG", "A1"]])
def test_epochs_are_matched_by_name(contacts, names):
    epochs, _ = make_epochs(names)
    before = epochs.get_data()
    out = RegionSelector(contacts).fit_transform(epochs)
    kept = [name for name in names if name in ("A1", "B1")]
    assert out.ch_names == kept
    rows = [names.index(name) for name in kept]
    np.testing.assert_array_equal(out.get_data(), before[:, rows])
    assert epochs.ch_names == list(names)


def test_arrays_follow_the_table(contacts):
    epochs, _ = make_epochs()
    selector = RegionSelector(contacts, "insula").fit(epochs.get_data())
    assert selector.ch_names_ == ["B2"]
    assert list(selector.picks_) == [3]
    out = selector.transform(epochs.get_data())
    np.testing.assert_array_equal(out, epochs.get_data()[:, 3:])


def test_lists_of_one_epoch_epochs(contacts):
    epochs, _ = make_epochs()
    parts = [epochs[i] for i in range(3)]
    out = RegionSelector(contacts).fit(parts).transform(parts)
    assert [part.ch_names for part in out] == [["A1", "B1"]] * 3


def test_pipeline_and_cross_validation(contacts):
    epochs, y = make_epochs()
    pipe = make_pipeline(
        RegionSelector(contacts, regions=["vSMC"]),
        FunctionTransformer(lambda x: np.asarray(x).reshape(len(x), -1)),
        LogisticRegression(),
    )
    scores = cross_val_score(pipe, epochs.get_data(), y, cv=4)
    assert scores.mean() > 0.9
    pipe.set_params(regionselector__regions="insula")
    assert cross_val_score(pipe, epochs.get_data(), y, cv=4).mean() < 0.9


def test_clone_keeps_the_parameters(contacts):
    selector = RegionSelector(contacts, regions=("STG",))
    copy = clone(selector)
    pd.testing.assert_frame_equal(copy.contacts, contacts)
    assert copy.regions == ("STG",)
    assert not hasattr(copy.fit(make_epochs()[0].get_data()), "contacts_")


def test_a_region_column_is_enough(contacts):
    table = contacts.drop(columns="label").assign(region=["vSMC", None, "STG", None])
    assert RegionSelector(table).fit(make_epochs()[0]).ch_names_ == ["A1", "B1"]


def test_messages(contacts):
    epochs, _ = make_epochs()
    with pytest.raises(ValueError, match=r"No contact lies in MTG.*vSMC \(1\)"):
        RegionSelector(contacts, "MTG").fit(epochs)
    with pytest.raises(ValueError, match="no contact has an anatomical label"):
        RegionSelector(contacts.assign(label=None)).fit(epochs)
    with pytest.raises(ValueError, match=r"one channel for each of 4 contacts"):
        RegionSelector(contacts).fit(np.zeros((2, 3, 8)))
    with pytest.raises(TypeError, match="`X` must be"):
        RegionSelector(contacts).fit("epochs")

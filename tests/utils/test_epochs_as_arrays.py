"""Whatever users hand over becomes one kind of array."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.utils._epochs import as_array, is_epochs_list, run_names


def make(n_epochs=4, n_channels=3, *, sfreq=200.0, metadata=None, types="seeg"):
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((n_epochs, n_channels, 50))
    info = mne.create_info([f"é'{i}" for i in range(n_channels)], sfreq, types)
    return mne.EpochsArray(data, info, metadata=metadata, verbose="error")


def test_epochs_keep_what_is_known():
    metadata = pd.DataFrame({"subject": list("abab"), "word": list("xyxy")})
    epochs = make(metadata=metadata)
    known = as_array(epochs)
    assert known.data.dtype == np.float32
    np.testing.assert_allclose(known.data, epochs.get_data(), rtol=1e-6)
    assert known.sfreq == 200
    assert known.ch_names == ["é'0", "é'1", "é'2"]
    assert known.subject.tolist() == list("abab")
    assert known.metadata["word"].tolist() == list("xyxy")
    assert as_array(known) is known
    assert len(known) == 4
    part = known[[2, 0]]
    assert np.array_equal(part.data, known.data[[2, 0]])
    assert part.subject.tolist() == ["a", "a"]
    assert part.metadata.index.tolist() == [2, 0]


def test_lists_are_joined():
    metadata = pd.DataFrame({"subject": list("abab")})
    epochs = make(metadata=metadata)
    listed = as_array([epochs[i] for i in range(4)])
    whole = as_array(epochs)
    assert np.array_equal(listed.data, whole.data)
    assert listed.subject.tolist() == whole.subject.tolist()
    assert (listed.sfreq, listed.ch_names) == (whole.sfreq, whole.ch_names)
    assert as_array([make(), epochs]).metadata is None
    assert not is_epochs_list([])
    assert not is_epochs_list([epochs, 3])
    assert is_epochs_list((epochs,))


def test_epochs_are_not_changed():
    epochs = make()
    before = epochs.get_data().copy()
    as_array(epochs).data[:] = 0
    assert np.array_equal(epochs.get_data(), before)


def test_arrays_know_little():
    X = np.ones((2, 3, 4), int)
    known = as_array(X)
    assert known.data.dtype == np.float32
    assert (known.sfreq, known.ch_names, known.subject) == (None, None, None)
    assert as_array(X, sfreq=100).sfreq == 100.0
    assert as_array(X.tolist()).data.shape == (2, 3, 4)


def test_sampling_rates_must_agree():
    assert as_array(make(), sfreq=200).sfreq == 200
    with pytest.raises(ValueError, match="`X` has .* of 200 Hz, but `sfreq` is 100 Hz"):
        as_array(make(), sfreq=100)
    with pytest.raises(TypeError, match="`sfreq` must be a number; got str 'fast'"):
        as_array(np.ones((2, 3, 4)), sfreq="fast")


def test_epochs_need_neural_channels():
    with pytest.raises(ValueError, match=r"no usable neural channel.*\['ecg'\]"):
        as_array(make(types="ecg"))
    with pytest.warns(RuntimeWarning, match="1 channels of `trials` are not .*: é'1"):
        known = as_array(make(types=["seeg", "eog", "ecog"]), name="trials")
    assert known.ch_names == ["é'0", "é'2"]


def test_names_of_runs():
    metadata = pd.DataFrame({"run": ["1", "2", "1"], "word": list("abc")})
    assert run_names(metadata).tolist() == ["1", "2", "1"]
    metadata["session"] = ["x", "x", "y"]
    assert run_names(metadata).tolist() == ["x/1", "x/2", "y/1"]
    assert run_names(metadata.assign(run=[1, 2, 1])).tolist() == ["x/1", "x/2", "y/1"]
    assert run_names(metadata[["session"]]) is None
    assert run_names(None) is None

"""mne-rt takes a live decoder, where it installs."""

import warnings

import numpy as np
import pytest
from live_trials import ONSETS, RATE

from mne_duin import LiveDecoder
from mne_duin.live._rt import import_mne_rt

with warnings.catch_warnings():
    # The package warns of names of its own dependencies.
    warnings.simplefilter("ignore")
    try:
        mne_rt = import_mne_rt()
    except ImportError as error:
        pytest.skip(str(error), allow_module_level=True)


def test_windows_of_mne_rt_are_decided_on(subject):
    live = LiveDecoder(subject.lda, subject.contacts)
    decoder = live.as_rt_decoder(subject.raw.ch_names, RATE)
    assert isinstance(decoder, mne_rt.RTDecode)
    assert decoder.fitted
    assert decoder.n_channels_ == len(subject.raw.ch_names)
    expected = subject.lda.predict_proba(subject.epochs)
    data = subject.raw.get_data()
    for number in (2, 9):
        stop = round((ONSETS[number] + 0.8) * RATE)
        window = data[:, stop - round(3.0 * RATE) : stop]
        found = decoder.predict_proba(window)
        np.testing.assert_allclose(found, expected[number], atol=0.1)
        assert decoder.predict(window) == subject.y[number]
    with pytest.raises(ValueError, match="filters need are 2 s"):
        decoder.predict_proba(data[:, :256])
    with pytest.raises(NotImplementedError, match="is fitted"):
        decoder.fit(window[None], ["ba"])


def test_a_session_of_mne_rt_accepts_it(subject):
    live = LiveDecoder(subject.lda, subject.contacts)
    decoder = live.as_rt_decoder(subject.raw.ch_names, RATE)
    session = mne_rt.RTStream.__new__(mne_rt.RTStream)
    session.set_decoder(decoder)
    assert session.decoder is decoder

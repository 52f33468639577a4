"""A small subject and a decoder that was fitted on causally filtered trials of it."""

from types import SimpleNamespace

import pytest
from live_trials import RATE, make_raw, prepared

from mne_duin import LiveDecoder, make_lda


@pytest.fixture(scope="session")
def subject():
    """A recording, its trials, their contacts and a fitted LDA."""
    raw = make_raw()
    epochs, contacts = prepared(raw, causal=True)
    y = epochs.metadata["trial_type"].to_numpy()
    lda = make_lda("evoked").fit(epochs, y)
    return SimpleNamespace(raw=raw, epochs=epochs, contacts=contacts, y=y, lda=lda)


@pytest.fixture
def live(subject):
    """A live decoder that was started with the channels of the recording."""
    decoder = LiveDecoder(subject.lda, subject.contacts)
    return decoder.start(subject.raw.ch_names, RATE)

"""Simulated unit speech: what is said is known, and only the kind asked for says it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.signal import butter, sosfiltfilt

from mne_duin import simulate_unit_speech

SMALL = {"hours": 0.02, "n_trials_per_word": 2, "n_words": 3}


@pytest.fixture(scope="module")
def both():
    return simulate_unit_speech(**SMALL, random_state=3)


def test_what_comes_back(both):
    epochs, contacts, unlabelled, truth = both
    assert list(contacts.index) == epochs.ch_names == unlabelled.ch_names
    assert epochs.get_data().shape == (6, 8, 800)
    assert unlabelled.get_data().shape == (9, 8, 3200)
    assert epochs.metadata["trial_type"].value_counts().to_dict() == dict.fromkeys(
        ["word01", "word02", "word03"], 2
    )
    assert list(truth.channels.index) == epochs.ch_names
    assert (truth.channels > 0).to_numpy().any(0).all()
    assert 1 < 1e6 * epochs.get_data().std() < 60


def test_a_trial_says_the_units_of_its_word(both):
    epochs, _, _, truth = both
    for index, word in enumerate(epochs.metadata["trial_type"]):
        said = truth.trial_units[truth.trial_units["epoch"] == index]
        assert tuple(said["unit"]) == truth.words[word]
        # Units follow each other without a gap.
        ends = (said["onset"] + said["duration"]).to_numpy()
        np.testing.assert_allclose(said["onset"].to_numpy()[1:], ends[:-1])


def test_units_of_tokens(both):
    _, _, unlabelled, truth = both
    units = truth.token_units("unlabelled", (9, 80))
    assert units.max() == truth.n_units
    assert units.min() >= 0
    said = truth.unlabelled_units[truth.unlabelled_units["epoch"] == 4]
    for token in range(80):
        start, end = 0.1 * token, 0.1 * (token + 1)
        inside = said["onset"].clip(start) < (said["onset"] + said["duration"]).clip(
            upper=end
        )
        wanted = set(said["unit"][inside]) | {truth.n_units}
        assert units[4, token] in wanted
    # Somebody talks for most of the time.
    assert 0.4 < (units < truth.n_units).mean() < 0.95


def test_more_hours_leave_the_rest_as_it_is(both):
    epochs, _, unlabelled, _ = both
    more = simulate_unit_speech(**SMALL | {"hours": 0.03}, random_state=3)
    assert_array_equal(more[0].get_data(), epochs.get_data())
    assert_array_equal(more[2].get_data()[:9], unlabelled.get_data())


def _modulation(kind, band):
    """Return the difference in log power between tokens with and without speech."""
    _, _, unlabelled, truth = simulate_unit_speech(
        kind=kind, hours=0.05, n_words=2, n_trials_per_word=1, snr=4.0, random_state=1
    )
    x = unlabelled.get_data()
    x = sosfiltfilt(butter(4, band, "bandpass", fs=400.0, output="sos"), x)
    power = np.log((x**2).reshape(len(x), 8, 80, 40).mean(-1))
    units = truth.token_units("unlabelled", (len(x), 80))
    is_said = (units < truth.n_units)[:, None]
    own = [np.mean(power, where=is_said == said, axis=(0, 2)) for said in (True, False)]
    return (own[0] - own[1]).max()


@pytest.mark.parametrize(
    ("kind", "slow", "fast"),
    [
        pytest.param("phase-locked", True, False, marks=pytest.mark.slow),
        pytest.param("power", False, True, marks=pytest.mark.slow),
        ("both", True, True),
    ],
)
def test_the_kind_says_what_carries_the_units(kind, slow, fast):
    assert (_modulation(kind, (4.0, 12.0)) > 0.3) == slow
    assert (_modulation(kind, (75.0, 145.0)) > 0.3) == fast


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "evoked"}, "`kind` must be"),
        ({"similarity": 1.5}, "`similarity` must"),
        ({"n_words": 50}, "`n_words` must"),
        ({"n_channels": 500}, "`n_channels` must"),
        ({"n_units": 3, "vocabulary": 100}, "`vocabulary` must"),
        ({"hours": 0.001}, "`hours` must"),
    ],
)
def test_settings_are_checked(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        simulate_unit_speech(**SMALL | wrong, random_state=0)

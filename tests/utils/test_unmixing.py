"""Unmixing a band before its power is taken."""

import mne
import numpy as np
import pytest

from mne_duin.utils import _unmixing
from mne_duin.utils._bands import add_bands, bandpass, log_powers
from mne_duin.utils._stored import StoredArray, open_source
from mne_duin.utils._unmixing import learn_unmixing, whitener

SFREQ = 500.0
BAND = {"high-gamma-unmixed": (70.0, 150.0)}
MIXING = np.array([[1.0, 0.6, 0.0], [0.5, 1.0, 0.4], [0.2, 0.7, 1.0]])


def noise(n_epochs=40, n_sources=3, seed=0):
    """Sources whose power does not change."""
    return np.random.default_rng(seed).standard_normal((n_epochs, n_sources, 600))


def sources(n_epochs=40, seed=0):
    """Noise of three sources, each of them loud in half of the epochs."""
    loud = np.arange(n_epochs)[:, None] >> np.arange(3) & 1 == 1
    return noise(n_epochs, seed=seed) * np.where(loud, 3.0, 1.0)[..., None], loud


def learn(data):
    """Return the matrix of a band and one subject."""
    return learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"][0]


def in_band(data):
    """The channels of all epochs in the band, one row each."""
    signal = bandpass(data, SFREQ, (70.0, 150.0))
    return signal.swapaxes(0, 1).reshape(signal.shape[1], -1)


def whitening(data):
    """The ZCA of the channels in the band."""
    signal = in_band(data)
    n_samples = signal.shape[1]
    return whitener(signal @ signal.T / n_samples, 160 * n_samples / SFREQ)


@pytest.mark.parametrize("source", [noise, lambda: sources()[0]])
def test_channels_are_uncorrelated_afterwards_and_keep_their_amplitude(source):
    data = np.array([1e-5, 1e-3, 1.0])[:, None] * (MIXING @ source())
    before, after = in_band(data), learn(data) @ in_band(data)
    np.testing.assert_allclose(np.corrcoef(after), np.eye(3), atol=0.03)
    np.testing.assert_allclose(after.std(1) / before.std(1), 1.0, atol=0.01)
    # Each stays closest to its channel.
    similar = np.corrcoef(before, after)[:3, 3:]
    assert (similar.argmax(1) == np.arange(3)).all()


def test_sources_whose_power_changes_are_separated():
    mixing = np.array([[1.0, 0.9, 0.0], [0.0, 1.0, 0.9], [0.0, 0.0, 1.0]])
    found = learn(mixing @ sources()[0]) @ mixing
    found /= np.diag(found)[:, None]
    np.testing.assert_allclose(found, np.eye(3), atol=0.05)
    # Whitening alone leaves a rotation.
    whitened = whitening(mixing @ sources()[0]) @ mixing
    whitened /= np.diag(whitened)[:, None]
    assert np.abs(whitened - np.eye(3)).max() > 0.3


@pytest.mark.parametrize(
    ("source", "done"),
    [(noise, "whitened"), (lambda: sources()[0], "separated into sources")],
)
def test_what_was_done_is_logged(source, done):
    with mne.utils.use_log_level("DEBUG"), mne.utils.catch_logging() as log:
        learn(MIXING @ source())
    assert f"high-gamma: channels are {done}." in log.getvalue()


def test_a_component_takes_the_place_of_the_channel_that_it_is_strongest_in():
    order = [2, 0, 1]
    matrix, moved = learn(MIXING @ sources()[0]), learn(MIXING[order] @ sources()[0])
    np.testing.assert_allclose(moved, matrix[np.ix_(order, order)], atol=1e-3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(MIXING @ noise(), id="power that does not change"),
        pytest.param(
            MIXING @ (noise() * np.repeat([1.0, 5.0], 20)[:, None, None]),
            id="all sources change alike",
        ),
        pytest.param(MIXING @ sources(3)[0], id="too few epochs to be confirmed"),
        pytest.param(
            np.array([[1.0, 1.0, 1.0], [1.0, 1.1, 1.0], [1.0, 1.0, 0.9]]) @ noise(12),
            id="channels that are nearly the same, which whitening leaves correlated",
        ),
    ],
)
def test_channels_are_whitened_where_sources_cannot_be_separated(data):
    np.testing.assert_allclose(learn(data), whitening(data), rtol=1e-4, atol=1e-6)


def test_sources_separated_by_chance_are_not_used(monkeypatch):
    """Three channels of 24 sources, each in all of them, stay whitened."""
    rng = np.random.default_rng(5)
    data = rng.standard_normal((3, 24)) @ noise(12, 24)
    found = learn(data)
    np.testing.assert_allclose(found, whitening(data), rtol=1e-4, atol=1e-6)
    monkeypatch.setattr(_unmixing, "LEAST_GAIN", -np.inf)
    monkeypatch.setattr(_unmixing, "LEAST_ERRORS", -np.inf)
    # Without the rule they would be.
    assert np.abs(learn(data) / found - 1).max() > 0.1


def test_the_channel_that_is_one_too_many_stays_whitened():
    """A common average leaves one component less than there are channels."""
    mixing = np.array([[1.0, 0.1], [-0.2, 0.9], [-0.8, -1.0]])
    data = mixing @ sources()[0][:, :2]
    matrix, whitened = learn(data), whitening(data)
    kept = np.isclose(matrix, whitened, rtol=1e-4).all(1)
    assert kept.sum() == 1
    weaker, stronger = np.sort(np.abs(matrix @ mixing)[~kept], axis=1).T
    assert (weaker < 0.05 * stronger).all()
    assert (matrix @ in_band(data)).std() < 2 * in_band(data).std()


def test_power_of_mixed_sources_is_told_apart():
    signal, loud = sources()
    data = MIXING @ signal
    names = BAND | {"high-gamma": (70.0, 150.0)}
    power = add_bands(data, SFREQ, names, learn_unmixing(data, SFREQ, BAND))
    power = power[:, 3:].mean(-1)
    unmixed, mixed = power[:, :3], power[:, 3:]

    def leak(values):
        """How much other sources change a channel, relative to its own."""
        differences = [values[own].mean(0) - values[~own].mean(0) for own in loud.T]
        others = np.abs(differences)[~np.eye(3, dtype=bool)]
        return others.mean() / np.diag(differences).mean()

    assert leak(unmixed) < 0.1 * leak(mixed)


def test_how_loud_an_epoch_is_does_not_matter():
    signal = sources()[0]
    louder = signal * np.tile([1.0, 4.0], 20)[:, None, None]
    for data in (signal, louder):
        found = learn(MIXING @ data) @ MIXING
        found /= np.diag(found)[:, None]
        np.testing.assert_allclose(found, np.eye(3), atol=0.05)


def test_other_bands_are_not_unmixed():
    assert learn_unmixing(sources()[0], SFREQ, {"high-gamma": (70.0, 150.0)}) == {}


@pytest.mark.parametrize("subject", [None, np.arange(40) % 2])
def test_power_on_disk_is_that_in_memory(subject, tmp_path):
    data = (MIXING @ sources(seed=3)[0]).astype(np.float32)
    other = (MIXING.T @ sources(seed=4)[0]).astype(np.float32)
    if subject is not None:
        data = np.where((subject == 1)[:, None, None], other, data)
    np.save(tmp_path / "epochs.npy", data)
    stored = StoredArray.of(open_source(tmp_path / "epochs.npy", digest="known"))
    view = stored[:, [2, 0]][..., 50:550].pad_channels(1)
    n_subjects = 1 if subject is None else 2
    bands = BAND | {"beta": (13.0, 30.0)}
    unmixing, in_memory = (
        learn_unmixing(one, SFREQ, bands, subject, n_subjects)
        for one in (view, np.asarray(view))
    )
    for name, matrices in unmixing.items():
        np.testing.assert_array_equal(matrices, in_memory[name])
        # A padded channel stays as it is.
        np.testing.assert_array_equal(matrices[:, 2], [[0, 0, 1]] * n_subjects)
    ours = np.asarray(add_bands(view, SFREQ, bands, unmixing, subject))
    theirs = add_bands(np.asarray(view), SFREQ, bands, unmixing, subject)
    # The matrix of all stored channels adds in another order.
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert not ours[:, [2, 5, 8]].any()
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("power_*.npy")}
    assert len(files) == 1 + n_subjects
    add_bands(view, SFREQ, bands, unmixing, subject)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    changed = {name: 2 * own for name, own in unmixing.items()}
    louder = np.asarray(add_bands(view, SFREQ, bands, changed, subject))
    np.testing.assert_allclose(louder[:, 3:5], ours[:, 3:5] + np.log(4), atol=1e-5)
    np.testing.assert_array_equal(louder[:, 5:], ours[:, 5:])


def test_a_common_reference_is_not_amplified():
    data = MIXING @ sources()[0]
    data -= data.mean(1, keepdims=True)
    matrix = learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"][0]
    after = matrix @ in_band(data)
    assert np.isfinite(after).all()
    assert after.std() < 2 * in_band(data).std()


def test_a_touched_cable_does_not_count():
    data = MIXING @ sources()[0]
    expected = learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"]
    data = np.append(data, 1e3 * np.ones((3, 1)) * data[:1, :1], axis=0)
    found = learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"]
    np.testing.assert_array_equal(found, expected)


def test_long_recordings_are_read_in_part_from_beginning_to_end(monkeypatch):
    data = MIXING @ sources(n_epochs=80)[0]
    everything = learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"]
    monkeypatch.setattr(_unmixing, "MOST_SAMPLES", 600 * 20)
    part = learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"]
    every_fourth = learn_unmixing(data[::4], SFREQ, BAND)["high-gamma-unmixed"]
    np.testing.assert_array_equal(part, every_fourth)
    assert not np.array_equal(part, everything)


def test_few_samples_shrink_the_correlations():
    covariance = MIXING @ MIXING.T
    distances = [
        np.abs(whitener(covariance, n) - np.eye(3)).sum() for n in (0, 3, 30, np.inf)
    ]
    assert distances[0] < 1e-4
    assert distances == sorted(distances)
    whole = whitener(covariance, np.inf)
    np.testing.assert_allclose(
        whole @ covariance @ whole.T, np.diag(np.diag(covariance)), atol=1e-4
    )


def test_silence_has_no_power():
    data = sources()[0]
    data[:, 1] = 0
    matrix = learn_unmixing(data, SFREQ, BAND)["high-gamma-unmixed"][0]
    (power,) = log_powers(data, SFREQ, (70.0, 150.0), [matrix])
    assert not power[:, 1].any()

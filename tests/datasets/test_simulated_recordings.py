"""Simulated recordings: the same seed, the truth, and where the information is."""

import numpy as np
import pytest
from scipy.signal import welch
from sklearn.feature_selection import f_classif

from mne_duin.baselines import EvokedPower, make_lda
from mne_duin.channels import reference_bipolar
from mne_duin.datasets import (
    SimulationSettings,
    cut_epochs,
    simulate_recording,
    simulate_word_reading,
)

TINY = SimulationSettings(n_words=3, n_trials_per_word=2, n_runs=2)


@pytest.fixture(scope="module")
def simulated():
    return simulate_word_reading(random_state=0)


@pytest.fixture(scope="module")
def recording():
    settings = SimulationSettings(
        n_words=3, n_trials_per_word=6, n_runs=1, trouble=True
    )
    return simulate_recording(settings, random_state=3)


def information(epochs):
    """Return, per channel, how far the mean F value exceeds that of shuffled words."""
    words = epochs.metadata["trial_type"].to_numpy()
    short = epochs.copy().crop(-0.3, 1.0)
    parts = [
        EvokedPower(kind, unmixed=False)
        .fit_transform(short)
        .reshape(*epochs.get_data().shape[:2], -1)
        for kind in ("evoked", "high-gamma")
    ]
    features = np.concatenate(parts, axis=2)
    n_channels = features.shape[1]
    features = features.reshape(len(words), -1)
    rng = np.random.default_rng(0)
    draws = [words, *(rng.permutation(words) for _ in range(100))]
    values = np.array([f_classif(features, draw)[0] for draw in draws])
    values = values.reshape(len(draws), n_channels, -1).mean(axis=2)
    return (values[0] - values[1:].mean(axis=0)) / values[1:].std(axis=0)


def test_same_seed_same_recording_other_seed_another():
    one, same, other = (simulate_recording(TINY, random_state=n) for n in (5, 5, 6))
    for left, right in zip(one.raws, same.raws, strict=True):
        np.testing.assert_array_equal(left.get_data(), right.get_data())
    assert one.truth.equals(same.truth)
    shortest = min(one.raws[0].n_times, other.raws[0].n_times)
    left, right = (run.raws[0].get_data(stop=shortest) for run in (one, other))
    assert np.abs(np.corrcoef(left[0], right[0])[0, 1]) < 0.5


def test_more_runs_leave_the_earlier_ones_as_they_are():
    more = SimulationSettings(n_words=3, n_trials_per_word=2, n_runs=3)
    few, many = (simulate_recording(s, random_state=1) for s in (TINY, more))
    for left, right in zip(few.raws, many.raws[:2], strict=True):
        np.testing.assert_array_equal(left.get_data(), right.get_data())


def test_tables_of_epochs_contacts_and_truth_fit_together(simulated):
    epochs, contacts, truth = simulated
    assert epochs.ch_names == list(contacts.index) == list(truth.index)
    assert epochs.get_data().shape == (288, len(contacts), 1536)
    assert {"onset", "trial_type", "word", "response_time", "run"} <= set(
        epochs.metadata.columns
    )
    assert (epochs.metadata.groupby(["run", "trial_type"]).size() == 9).all()


def test_information_is_in_planted_channels_and_only_there(simulated):
    epochs, contacts, truth = simulated
    planted = truth["planted"].to_numpy() == 1
    excess = information(epochs)
    assert excess[planted].min() > 4.0
    assert excess[~planted].max() < 4.0
    assert 3 <= planted.sum() <= len(planted) - 5
    assert set(contacts["region"][planted]) == {"vSMC", "STG"}


@pytest.mark.parametrize("montage", ["left", "right"])
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(k, marks=pytest.mark.slow) for k in range(2, 6))]
)
def test_pairs_are_planted_exactly_where_one_of_their_contacts_is(montage, seed):
    settings = {"n_words": 2, "n_trials_per_word": 1, "n_runs": 1, "montage": montage}
    single = simulate_word_reading(**settings, reference=None, random_state=seed)[2]
    _, contacts, pairs = simulate_word_reading(**settings, random_state=seed)
    either = [
        int(single["planted"][anode] or single["planted"][cathode])
        for anode, cathode in zip(contacts["anode"], contacts["cathode"], strict=True)
    ]
    assert pairs["planted"].tolist() == either
    assert set(contacts["region"][pairs["planted"] == 1]) == {"vSMC", "STG"}


@pytest.mark.slow
def test_words_are_decoded_from_the_voice_onset_better_than_from_the_cue():
    recording = simulate_recording(random_state=11)
    scores = {}
    for align in ("response_time", "onset"):
        epochs, _, truth = cut_epochs(recording, align=align, reference="bipolar")
        epochs.pick(list(truth.index[truth["planted"] == 1]))
        y = epochs.metadata["trial_type"].to_numpy()
        train = (epochs.metadata["run"] != "4").to_numpy()
        lda = make_lda("both").fit(epochs[train], y[train])
        scores[align] = lda.score(epochs[~train], y[~train])
    assert 0.5 <= scores["response_time"] <= 0.9
    assert scores["onset"] < scores["response_time"] - 0.2


@pytest.mark.slow
def test_without_signal_nothing_is_decoded():
    epochs, _, _ = simulate_word_reading(n_words=4, n_runs=2, snr=0.0, random_state=0)
    assert np.abs(information(epochs)).max() < 4.0


@pytest.mark.slow
@pytest.mark.parametrize(("share", "kind"), [(1.0, "evoked"), (0.0, "high-gamma")])
def test_share_of_phase_locked_information(share, kind):
    epochs, _, truth = simulate_word_reading(
        phase_locked=share, snr=1.5, random_state=2
    )
    epochs.pick(list(truth.index[truth["planted"] == 1]))
    y = epochs.metadata["trial_type"].to_numpy()
    train = (epochs.metadata["run"] != "2").to_numpy()
    scores = {
        name: make_lda(name)
        .fit(epochs[train], y[train])
        .score(epochs[~train], y[~train])
        for name in ("evoked", "high-gamma")
    }
    chance = scores.pop("high-gamma" if kind == "evoked" else "evoked")
    assert chance < 0.45
    assert scores[kind] > 0.7


def test_neighbours_share_signals_and_distant_contacts_hardly_do(recording):
    raw = recording.raws[0].copy().pick("seeg").filter(1.0, 30.0, verbose="error")
    names = [name for name in raw.ch_names if name not in raw.info["bads"]]
    correlation = np.corrcoef(raw.get_data(picks=names))
    table = recording.contacts.loc[names]
    shaft, number = table["shaft"].to_numpy(), table["number"].to_numpy()
    same = shaft[:, None] == shaft[None]
    near = same & (np.abs(number[:, None] - number[None]) == 1)
    assert np.median(correlation[near]) > 0.35
    assert np.median(correlation[~same]) < np.median(correlation[near]) - 0.2


def test_spectrum_falls_and_shows_the_mains(recording):
    raw = recording.raws[0]
    frequencies, power = welch(raw.get_data(picks=["HP'1"])[0], 512.0, nperseg=2048)
    level = [
        power[(frequencies > low) & (frequencies < low + 4)].mean()
        for low in (2, 10, 30, 60, 180)
    ]
    assert (np.diff(np.log(level)) < 0).all()
    mains = power[np.abs(frequencies - 50.0).argmin()]
    assert mains > 20 * power[(frequencies > 53) & (frequencies < 57)].mean()


def test_trouble_is_a_broken_contact_and_one_without_coordinates(recording):
    raw, contacts = recording.raws[0], recording.contacts
    assert raw.info["bads"] == ["FA'2"]
    spread = raw.get_data(picks="seeg").std(axis=1)
    assert contacts.index[spread.argmax()] == "FA'2"
    assert list(contacts.index[contacts["x"].isna()]) == ["HP'5"]
    assert recording.truth["planted"]["FA'2"] == 0
    assert "TI'4" in contacts.index
    assert "TI'6" not in contacts.index
    assert raw.get_channel_types(picks=["ECG"]) == ["ecg"]


def test_epochs_begin_where_the_tables_say(recording):
    epochs, _, _ = cut_epochs(recording, align="onset", reference=None)
    raw = recording.raws[0]
    start = int(recording.events[0]["sample"][2] - 0.5 * 512)
    expected = raw.get_data(picks="seeg", start=start, stop=start + 1536)
    kept = [n for n, name in enumerate(raw.ch_names[:-1])]
    np.testing.assert_allclose(epochs.get_data()[2], expected[kept], atol=1e-12)


def test_bipolar_epochs_are_those_of_the_bipolar_recording(recording):
    epochs, _, _ = cut_epochs(recording, reference="bipolar")
    raw, _ = reference_bipolar(
        recording.raws[0].copy().pick("seeg"), recording.contacts
    )
    assert epochs.ch_names == raw.ch_names
    event = recording.events[0].iloc[1]
    start = round((event["onset"] + event["response_time"]) * 512) - 256
    expected = raw.get_data(start=start, stop=start + 1536)
    np.testing.assert_allclose(epochs.get_data()[1], expected, atol=1e-12)


def test_arguments_are_checked():
    with pytest.raises(
        ValueError, match="`align` must be one of 'response_time', 'ons"
    ):
        simulate_word_reading(align="voice")
    with pytest.raises(ValueError, match="`reference` must be one of 'bipolar', None"):
        simulate_word_reading(reference="average")
    with pytest.raises(
        TypeError, match="`settings` must be SimulationSettings or None"
    ):
        simulate_recording({"n_words": 8})

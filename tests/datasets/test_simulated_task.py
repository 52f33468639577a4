"""Words, contacts and the schedule of the simulated subjects."""

import re

import numpy as np
import pytest

from mne_duin.channels import assign_labels, assign_regions
from mne_duin.datasets.simulation._lexicon import (
    GESTURE_DURATION,
    GESTURES,
    WORDS,
    babble,
    vocabulary,
    word_gestures,
)
from mne_duin.datasets.simulation._montages import (
    MONTAGES,
    SPACING,
    get_montage,
    montage_table,
)
from mne_duin.datasets.simulation._schedule import (
    BETWEEN_VOICES,
    SHORTEST_SOA,
    draw_occurrences,
    draw_trials,
    draw_utterances,
    run_seconds,
)
from mne_duin.datasets.simulation._settings import SimulationSettings


def draw_run(seed, **settings):
    settings = SimulationSettings(**settings)
    words = vocabulary(settings.n_words)
    rng = np.random.default_rng(seed)
    trials = draw_trials(rng, words, settings)
    utterances = draw_utterances(rng, trials, words, settings)
    occurrences = draw_occurrences(rng, trials, utterances, settings)
    return settings, trials, utterances, occurrences


def test_no_two_words_are_made_of_the_same_gestures():
    spelled = [word_gestures(word) for word in WORDS]
    assert len(set(spelled)) == len(WORDS) == 59
    assert {gesture for word in spelled for gesture in word} == set(GESTURES)


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_short_and_spelled_without_repetition(word):
    gestures = word_gestures(word)
    assert 2 <= len(gestures) <= 8
    assert all(one != other for one, other in zip(gestures, gestures[1:], strict=False))
    assert re.search("[\u4e00-\u9fff]", WORDS[word])


def test_made_up_syllables_use_the_gestures_of_the_words():
    said = babble(np.random.default_rng(0), 200)
    assert set(said) == set(GESTURES)


@pytest.mark.parametrize("n_words", [1, 60])
def test_vocabulary_has_limits(n_words):
    with pytest.raises(ValueError, match="`n_words` must be at least 2 and at most 59"):
        vocabulary(n_words)


@pytest.mark.parametrize("name", MONTAGES)
def test_labels_of_the_montage_are_those_of_the_atlas(name):
    contacts = montage_table(MONTAGES[name])
    looked_up = assign_labels(contacts[["x", "y", "z", "space"]], max_distance=5.0)
    labels = [table["label"].fillna("").tolist() for table in (looked_up, contacts)]
    assert labels[0] == labels[1]
    # Regions by the label alone, as the montage has them; not by probability.
    named = looked_up[["x", "y", "z", "space", "hemisphere", "label"]]
    speech = assign_regions(named, ("vSMC", "STG"))["region"]
    assert speech.fillna("").tolist() == contacts["region"].fillna("").tolist()
    assert {"vSMC", "STG"} <= set(speech.dropna())


@pytest.mark.parametrize("name", MONTAGES)
def test_neighbours_are_3_5_mm_apart_and_a_number_is_missing(name):
    contacts = montage_table(MONTAGES[name])
    gaps = []
    for _, shaft in contacts.groupby("shaft"):
        steps = np.diff(shaft[["x", "y", "z"]].to_numpy(), axis=0)
        numbers = np.diff(shaft["number"])
        gaps.extend(numbers)
        distance = np.linalg.norm(steps, axis=1) / numbers
        np.testing.assert_allclose(distance, SPACING, atol=0.02)
    assert sorted(set(gaps)) == [1, 2]


def test_montage_must_be_known():
    with pytest.raises(ValueError, match="`montage` must be one of 'left', 'right'"):
        get_montage("middle")
    with pytest.raises(TypeError, match="`montage` must be str or Montage; got int 3"):
        get_montage(3)


@pytest.mark.parametrize("seed", range(5))
def test_trials_are_balanced_and_epochs_do_not_overlap(seed):
    settings, trials, _, _ = draw_run(seed)
    counts = trials["trial_type"].value_counts()
    assert (counts == settings.n_trials_per_word).all()
    assert len(counts) == settings.n_words
    voices = trials["onset"] + trials["response_time"]
    assert np.diff(trials["onset"]).min() >= SHORTEST_SOA - 1e-9
    assert np.diff(voices).min() >= BETWEEN_VOICES - 1e-9
    assert trials["response_time"].between(0.35, 0.95).all()
    on_grid = trials["onset"] * settings.sfreq
    np.testing.assert_allclose(on_grid, trials["sample"], atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_unlabelled_speech_never_runs_into_a_word(seed):
    settings, trials, utterances, _ = draw_run(seed, filler_rate=1.0)
    slowest = 1.5
    for (_, one), (_, other) in zip(
        utterances.iloc[:-1].iterrows(), utterances.iloc[1:].iterrows(), strict=True
    ):
        seconds = sum(GESTURE_DURATION[gesture] for gesture in one["gestures"])
        if other["labelled"]:
            assert one["onset"] + slowest * seconds < other["onset"]
    assert utterances["labelled"].sum() == len(trials)
    assert utterances["onset"].iloc[-1] < run_seconds(trials, settings) - 0.5
    assert (~utterances["labelled"]).sum() > len(trials)


def test_unlabelled_speech_tells_nothing_about_the_word():
    _, trials, utterances, _ = draw_run(0, filler_rate=1.0, n_trials_per_word=100)
    voices = (trials["onset"] + trials["response_time"]).to_numpy()
    fillers = utterances.loc[~utterances["labelled"], "onset"].to_numpy()
    delay = fillers[np.searchsorted(fillers, voices)] - voices
    means = trials.assign(delay=delay).groupby("trial_type")["delay"].mean()
    assert means.between(1.34, 1.46).all()


def test_gestures_of_an_utterance_keep_their_order_but_not_their_pace():
    _, trials, utterances, occurrences = draw_run(1, onset_jitter=0.0)
    said = occurrences[occurrences["kind"] != "cue"]
    assert len(said) == utterances["gestures"].map(len).sum()
    assert (occurrences["kind"] == "cue").sum() == len(trials)
    first = said["time"].to_numpy()[
        np.r_[0, np.cumsum(utterances["gestures"].map(len))[:-1]]
    ]
    np.testing.assert_allclose(first, utterances["onset"])
    assert said["speed"].between(0.67, 1.5).all()
    assert said["speed"].std() > 0.1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_runs", 0, "`n_runs` must be at least 1; got 0"),
        ("sfreq", 200.0, "`sfreq` must be at least 350.0; got 200.0"),
        ("phase_locked", 1.5, "`phase_locked` must be at least 0.0 and at most 1.0"),
        ("snr", -1.0, "`snr` must be at least 0.0; got -1.0"),
        ("rest", 0.0, "`rest` must be at least 0.5"),
    ],
)
def test_settings_have_limits(name, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SimulationSettings(**{name: value}).check()

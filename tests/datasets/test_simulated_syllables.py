"""Streams of syllables: what the tables say is what the signal holds."""

import numpy as np
import pytest

from mne_duin.datasets import simulate_syllables
from mne_duin.sequences import collapse, label_sequences, split_pinyin, token_labels

SMALL = {"n_epochs": 6, "n_runs": 2, "sfreq": 500.0, "random_state": 3}


@pytest.fixture(scope="module")
def simulated():
    return simulate_syllables(**SMALL)


def test_shapes_and_tables(simulated):
    epochs, contacts, tiers = simulated
    assert len(epochs) == 12
    assert epochs.get_data().shape[1:] == (len(contacts), 1750)
    assert list(contacts.index) == epochs.ch_names
    assert set(contacts["planted"]) == {0, 1}
    assert epochs.metadata["run"].tolist() == ["1"] * 6 + ["2"] * 6
    assert set(tiers["tier"]) == {"syllable", "initial", "final"}
    assert sorted(tiers["epoch"].unique()) == list(range(12))


def test_the_tiers_agree_with_each_other_and_the_metadata(simulated):
    epochs, _, tiers = simulated
    said = label_sequences(epochs, tiers, tier="syllable")
    assert [" ".join(own) for own in said] == epochs.metadata["syllables"].tolist()
    for position, tier in enumerate(("initial", "final")):
        parts = label_sequences(epochs, tiers, tier=tier)
        expected = [tuple(split_pinyin(one)[position] for one in own) for own in said]
        assert parts == expected
    assert all(4 <= len(own) <= 6 for own in said)
    assert all(a != b for own in said for a, b in zip(own, own[1:], strict=False))


def test_token_labels_keep_every_syllable(simulated):
    epochs, _, tiers = simulated
    y = token_labels(epochs, tiers, tier="syllable")
    said = label_sequences(epochs, tiers, tier="syllable")
    assert [collapse(own) for own in y] == said


def test_intervals_follow_each_other_in_the_epoch(simulated):
    epochs, _, tiers = simulated
    own = tiers[tiers["tier"] == "syllable"]
    for _, stream in own.groupby("epoch"):
        ends = (stream["onset"] + stream["duration"]).to_numpy()
        assert stream["onset"].iloc[0] == 0
        gaps = stream["onset"].to_numpy()[1:] - ends[:-1]
        assert ((gaps >= 0.04 - 1e-9) & (gaps <= 0.12 + 1e-9)).all()
        assert ends[-1] < epochs.times[-1]


def test_planted_channels_answer_and_others_do_not():
    def power(**changes):
        epochs, contacts, _ = simulate_syllables(**SMALL | changes)
        data = epochs.get_data()[..., 250:]
        return np.square(data - data.mean(-1, keepdims=True)).mean((0, 2)), contacts

    loud, contacts = power(snr=30.0)
    quiet, _ = power(snr=0.0)
    planted = contacts["planted"].to_numpy() == 1
    assert (loud[planted] > 2 * quiet[planted]).any()
    elsewhere = ~planted & contacts["region"].isin(["vSMC", "STG"]).to_numpy()
    assert np.allclose(loud[elsewhere], quiet[elsewhere], rtol=0.2)


@pytest.mark.slow
def test_the_seed_decides(simulated):
    again = simulate_syllables(**SMALL)
    assert np.array_equal(again[0].get_data(), simulated[0].get_data())
    assert again[2].equals(simulated[2])
    other = simulate_syllables(**SMALL | {"random_state": 4})
    assert not np.array_equal(other[0].get_data(), simulated[0].get_data())


def test_repeats_where_asked_for():
    options = SMALL | {"syllables": ("ba", "du"), "n_runs": 1, "repeats": True}
    epochs, _, tiers = simulate_syllables(**options)
    said = label_sequences(epochs, tiers, tier="syllable")
    assert any(a == b for own in said for a, b in zip(own, own[1:], strict=False))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"syllables": ("xi", "ji")},
            ValueError,
            "'xi' and 'ji' are both made of palat",
        ),
        (
            {"syllables": ("ba",)},
            ValueError,
            r"`syllables` must be two or more; got \['",
        ),
        ({"syllables": ("ba", "bü")}, ValueError, "one syllable of Standard Chinese"),
        ({"syllables": "ba"}, TypeError, "`syllables` must be list or tuple; got str"),
        ({"n_syllables": 4}, ValueError, "the smallest and the largest number; got 4"),
        (
            {"n_syllables": (5, 4)},
            ValueError,
            "`n_syllables` must be at least 1 and at",
        ),
        ({"n_syllables": (12, 12)}, ValueError, "does not fit into epochs that end at"),
        ({"n_epochs": 0}, ValueError, "`n_epochs` must be at least 1; got 0"),
        ({"pause": -0.1}, ValueError, "`pause` must be at least 0.0; got -0.1"),
        ({"tmin": 0.1}, ValueError, "`tmin` must be at most 0.0; got 0.1"),
        (
            {"reference": "car"},
            ValueError,
            "`reference` must be one of 'bipolar', None",
        ),
        ({"snr": -1.0}, ValueError, "`snr` must be at least 0.0; got -1.0"),
    ],
)
def test_refusals(changes, error, message):
    with pytest.raises(error, match=message):
        simulate_syllables(**SMALL | changes)

"""From annotations and tables to labels of tokens, and every refusal."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.sequences import (
    collapse,
    label_sequences,
    sequence_targets,
    token_labels,
    token_targets,
)

SFREQ = 200.0


def make_epochs(n_epochs=2, *, tmin=-0.2, tmax=0.6, annotations=None, first=0):
    """Epochs of a recording, 1 s apart, the first at 1 s."""
    info = mne.create_info(["A1"], SFREQ, "seeg")
    raw = mne.io.RawArray(np.zeros((1, 1000)), info, first_samp=first, verbose="error")
    if annotations is not None:
        raw.set_annotations(mne.Annotations(*annotations))
    samples = first + (SFREQ * (1 + np.arange(n_epochs))).astype(int)
    events = np.column_stack([samples, 0 * samples, 0 * samples + 1])
    return mne.Epochs(
        raw,
        events,
        tmin=tmin,
        tmax=tmax - 1 / SFREQ,
        baseline=None,
        preload=True,
        verbose="error",
    )


def make_tiers(*rows):
    return pd.DataFrame(rows, columns=["epoch", "tier", "onset", "duration", "label"])


SAID = make_tiers(
    (0, "syllable", -0.1, 0.2, "ba"),
    (0, "syllable", 0.2, 0.3, "du"),
    (1, "syllable", 0.0, 0.1, "xi"),
)


def test_each_token_gets_the_label_that_covers_it():
    y = token_labels(make_epochs(), SAID)
    assert y.dtype == object
    assert y.tolist() == [
        [None, "ba", "ba", None, "du", "du", "du", None],
        [None, None, "xi", None, None, None, None, None],
    ]


def test_silence_is_a_label_where_it_is_wanted():
    y = token_labels(make_epochs(), SAID, silence="-")
    assert set(y.ravel()) == {"-", "ba", "du", "xi"}
    assert [collapse(own, silence="-") for own in y] == [("ba", "du"), ("xi",)]


@pytest.mark.parametrize(("least", "n_labelled"), [(0.3, 3), (0.5, 2), (0.8, 1)])
def test_the_share_that_must_be_covered(least, n_labelled):
    # From 0.05 to 0.24: half of the third token, all of the fourth, 40 % of the fifth.
    tiers = make_tiers((0, "syllable", 0.05, 0.19, "ba"))
    y = token_labels(make_epochs(), tiers, min_overlap=least)
    assert (y[0] == "ba").sum() == n_labelled


def test_the_larger_part_names_a_shared_token():
    tiers = make_tiers((0, "a", 0.0, 0.16, "ba"), (0, "a", 0.16, 0.1, "du"))
    assert token_labels(make_epochs(), tiers, min_overlap=0.3)[0, 2:5].tolist() == [
        "ba",
        "ba",
        "du",
    ]


def test_other_token_lengths():
    y = token_labels(make_epochs(), SAID, token_duration=0.05)
    assert y.shape == (2, 16)
    assert (y[0] == "du").sum() == 6
    with pytest.raises(ValueError, match="whole number of samples; 0.0333 s is 6.660"):
        token_labels(make_epochs(), SAID, token_duration=0.0333)


def test_several_tiers_are_fields():
    tiers = pd.concat([SAID, SAID.assign(tier="initial", label=SAID["label"].str[0])])
    y = token_labels(make_epochs(), tiers)
    assert y.dtype.names == ("syllable", "initial")
    assert y.shape == (2, 8)
    assert y["initial"][0, 4] == "d"
    assert y[[1]]["syllable"].shape == (1, 8)
    turned = token_labels(make_epochs(), tiers, tier=["initial", "syllable"])
    assert turned.dtype.names == ("initial", "syllable")
    one = token_labels(make_epochs(), tiers, tier="initial")
    assert np.array_equal(one, y["initial"])


@pytest.mark.parametrize("first", [0, 300])
def test_annotations_and_absolute_times_say_the_same(first):
    onsets, durations = [0.9, 1.2, 2.0], [0.2, 0.3, 0.1]
    labels = ["ba", "du", "xi"]
    names = [f"syllable/{label}" for label in labels]
    epochs = make_epochs(annotations=(onsets, durations, names), first=first)
    expected = token_labels(make_epochs(), SAID)
    if first == 0:
        assert np.array_equal(token_labels(epochs), expected)
    absolute = pd.DataFrame(
        {
            "tier": "syllable",
            "onset": np.array(onsets) + first / SFREQ,
            "duration": durations,
            "label": labels,
        }
    )
    assert np.array_equal(token_labels(epochs, absolute), expected)
    assert label_sequences(epochs, absolute) == [("ba", "du"), ("xi",)]


def test_annotations_without_a_tier_are_one():
    epochs = make_epochs(annotations=([1.0], [0.2], ["ba"]))
    assert token_labels(epochs)[0, 2:4].tolist() == ["ba", "ba"]


def test_sequences_are_in_order_and_may_be_empty():
    shuffled = SAID.iloc[[1, 0]]
    assert label_sequences(make_epochs(), shuffled) == [("ba", "du"), ()]
    both = pd.concat([SAID, SAID.assign(tier="initial")])
    with pytest.raises(
        ValueError, match="`tier` must be one of .*; a sequence is of o"
    ):
        label_sequences(make_epochs(), both)
    assert label_sequences(make_epochs(), both, tier="initial")[1] == ("xi",)


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        (SAID.drop(columns="onset"), "it lacks onset"),
        (SAID.iloc[:0], "There are no labels"),
        (SAID.assign(epoch=[0, 0, 2]), r"must lie between 0 and 1; got \[2\]"),
        (SAID.assign(epoch=[0, 0, 0.5]), r"must lie between 0 and 1; got \[0.5\]"),
        (SAID.assign(duration=[0.2, 0.0, 0.1]), "finite onset and a duration above 0"),
        (SAID.assign(onset=[0, np.nan, 0]), "finite onset and a duration above 0"),
        (SAID.assign(label=["ba", None, "xi"]), "has 1 missing labels"),
        (SAID.assign(onset=[-0.1, 0.05, 0]), "first is 'du' of tier 'syllable' in ep"),
        (SAID.assign(onset=[-0.5, 0.2, 0]), "1 intervals .* outside their epoch.*'ba'"),
    ],
)
def test_tables_that_cannot_be_used(tiers, message):
    with pytest.raises(ValueError, match=message):
        token_labels(make_epochs(), tiers)


def test_other_refusals():
    with pytest.raises(ValueError, match=r"`tier` must be of \['syllable'\]; got"):
        token_labels(make_epochs(), SAID, tier="word")
    with pytest.raises(ValueError, match="have no annotations .* pass `tiers`"):
        token_labels(make_epochs())
    with pytest.raises(TypeError, match="`tiers` must be DataFrame; got list"):
        token_labels(make_epochs(), [1])
    with pytest.raises(TypeError, match="`epochs` must be BaseEpochs; got ndarray"):
        token_labels(np.zeros((1, 1, 5)), SAID)
    with pytest.raises(ValueError, match="`min_overlap` must be above 0.0"):
        token_labels(make_epochs(), SAID, min_overlap=0.0)


def test_targets_and_back():
    y = token_labels(make_epochs(), SAID)
    targets, mask, classes = token_targets(y)
    assert classes.tolist() == ["ba", "du", "xi"]
    assert np.array_equal(mask, y != None)  # noqa: E711
    assert (targets[~mask] == -1).all()
    assert classes[targets[mask]].tolist() == y[mask].tolist()
    again, _, same = token_targets(y, ["xi", "du", "ba", "le"])
    assert same[again[mask]].tolist() == y[mask].tolist()
    with pytest.raises(ValueError, match=r"not among the 2 known ones: \['ba'\]"):
        token_targets(y, ["du", "xi"])
    with pytest.raises(ValueError, match="every token is masked"):
        token_targets(np.full((2, 3), None))
    with pytest.raises(ValueError, match=r"got shape \(3,\)"):
        token_targets(np.array(["ba", "du", "xi"]))


def test_sequences_as_targets():
    targets, lengths, classes = sequence_targets([("b", "a"), (), ["b"]])
    assert targets.tolist() == [[1, 0], [-1, -1], [1, -1]]
    assert lengths.tolist() == [2, 0, 1]
    assert classes.tolist() == ["a", "b"]
    with pytest.raises(TypeError, match="epoch 1 has the string 'ba du'. Split it"):
        sequence_targets([["ba"], "ba du"])
    with pytest.raises(TypeError, match=r"`y\[0\]` must be list or tuple or ndarray"):
        sequence_targets([3])
    with pytest.raises(ValueError, match="missing labels in epoch 0"):
        sequence_targets([["ba", None]])
    with pytest.raises(ValueError, match="every sequence is empty"):
        sequence_targets([[], []])
    with pytest.raises(TypeError, match="`y` mixes labels that are strings"):
        sequence_targets([["ba", 3]])


def test_short_runs_are_mistakes_where_asked_for():
    labels = ["ba", "ba", "du", "ba", "-", "-", "ba", "ba"]
    assert collapse(labels, silence="-") == ("ba", "du", "ba", "ba")
    assert collapse(labels, silence="-", min_tokens=2) == ("ba", "ba")
    assert collapse([None, None]) == ()

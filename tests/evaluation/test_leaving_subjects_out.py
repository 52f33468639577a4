"""Whole subjects held out, apart from a few trials."""

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold, cross_val_score

from mne_duin.channels import stack_subjects
from mne_duin.estimators import DuINClassifier, DuINVQVAE, add_subject
from mne_duin.evaluation import LeaveOneSubjectOut, evaluate, make_folds
from mne_duin.evaluation._splits import find_groups

SMALL = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 32, "n_filters": 4}
SMALL |= {"conv_filters": (8, 8, 4), "max_iter": 2, "batch_size": 8}
SMALL |= {"random_state": 0, "verbose": False}
N_CHANNELS = {"10": 4, "2": 3, "1": 5}


def one_subject(seed, n_channels):
    """Twelve trials of two words in two runs; every channel tells the word."""
    rng = np.random.default_rng(seed)
    y = np.arange(12) % 2
    X = rng.standard_normal((12, n_channels, 400)) + 3 * y[:, None, None]
    names = [f"A{i}" for i in range(n_channels)]
    info = mne.create_info(names, 1000.0, "seeg")
    events = np.column_stack([np.arange(12), 0 * y, y + 1])
    metadata = pd.DataFrame({"run": np.repeat(["1", "2"], 6)})
    epochs = mne.EpochsArray(
        1e-5 * X, info, events, event_id={"ba": 1, "da": 2}, metadata=metadata,
        verbose="error",
    )  # fmt: skip
    return epochs, pd.DataFrame(index=names)


@pytest.fixture(scope="module")
def pairs():
    return {k: one_subject(int(k), n) for k, n in N_CHANNELS.items()}


@pytest.fixture(scope="module")
def stacked(pairs):
    epochs, _ = stack_subjects(pairs)
    return epochs, np.where(epochs.events[:, 2] == 1, "ba", "da")


def test_every_subject_is_held_out_once(stacked):
    epochs, y = stacked
    subject = epochs.metadata["subject"].to_numpy()
    for cv in ("leave-one-subject-out", LeaveOneSubjectOut()):
        groups = find_groups(None, cv, epochs.metadata, len(y))
        folds = make_folds(y, cv, groups=groups)
        assert [set(subject[test]) for _, test in folds] == [{"1"}, {"2"}, {"10"}]
        for train, test in folds:
            assert not set(subject[train]) & set(subject[test])
            assert len(train) + len(test) == len(y)


def test_a_few_trials_of_each_class_stay(stacked):
    epochs, y = stacked
    subject = epochs.metadata["subject"].to_numpy()
    splitter = LeaveOneSubjectOut(n_per_class=2)
    assert splitter.get_n_splits(groups=subject) == 3
    folds = list(splitter.split(y, y, subject))
    for (train, test), name in zip(folds, ("1", "2", "10"), strict=True):
        own = train[subject[train] == name]
        assert sorted(y[own]) == ["ba", "ba", "da", "da"]
        assert set(subject[test]) == {name}
        assert sorted([*train, *test]) == list(range(len(y)))
    again = list(LeaveOneSubjectOut(2).split(y, y, subject))
    other = list(LeaveOneSubjectOut(2, random_state=1).split(y, y, subject))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(folds, again, strict=True))
    assert any(
        not np.array_equal(a[1], b[1]) for a, b in zip(folds, other, strict=True)
    )


def test_what_cannot_be_left_out(stacked):
    epochs, y = stacked
    subject = epochs.metadata["subject"].to_numpy()
    with pytest.raises(ValueError, match=r"at least 2; there is \['1'\]"):
        list(LeaveOneSubjectOut().split(y[:5], y[:5], np.repeat("1", 5)))
    with pytest.raises(ValueError, match="no trial of 'ba' to test: a subject has 6"):
        list(LeaveOneSubjectOut(6).split(y, y, subject))
    with pytest.raises(
        ValueError, match=r"needs a column 'subject' in epochs.metadata"
    ):
        find_groups(None, "leave-one-subject-out", epochs.metadata[["run"]], len(y))
    with pytest.raises(ValueError, match="needs at least 2 groups"):
        make_folds(y[:5], "leave-one-subject-out", groups=np.repeat("1", 5))


def test_runs_of_two_subjects_are_two_runs(stacked):
    epochs, y = stacked
    simple = DummyClassifier(strategy="most_frequent")
    result = evaluate(simple, epochs, y, cv="leave-one-subject-out")
    assert not [note for note in result.notes if "same runs" in note]
    few = evaluate(simple, epochs, y, cv=LeaveOneSubjectOut(2))
    assert [note for note in few.notes if "same runs" in note]
    assert few.cv == "LeaveOneSubjectOut"


def test_a_classifier_from_scratch_does_not_know_the_held_out_subject(stacked):
    epochs, y = stacked
    with pytest.raises(ValueError, match=r"unknown subjects \['1'\].*add_subject"):
        evaluate(DuINClassifier(**SMALL), epochs, y, cv="leave-one-subject-out")


@pytest.mark.slow
def test_a_few_trials_let_a_classifier_know_the_subject(stacked):
    epochs, y = stacked
    result = evaluate(DuINClassifier(**SMALL), epochs, y, cv=LeaveOneSubjectOut(3))
    assert result.accuracy > 0.9
    assert len(result.folds) == 3


def test_a_stage_that_learned_the_subject_without_labels(stacked, pairs):
    epochs, y = stacked
    options = {"n_decoder_layers": 1, "n_codes": 8, "code_dim": 8}
    known, _ = stack_subjects({k: pairs[k] for k in ("1", "2")})
    vqvae = DuINVQVAE(**SMALL | options).fit(known)
    assert vqvae.fit_groups_ == {"1/1", "1/2", "2/1", "2/2"}
    added = add_subject(vqvae, pairs["10"][0], name="10", max_iter=2, random_state=0)
    assert added.fit_groups_ == vqvae.fit_groups_ | {"10/1", "10/2"}
    classifier = DuINClassifier(FrozenEstimator(added), **{
        k: SMALL[k] for k in ("max_iter", "random_state", "verbose")
    })  # fmt: skip
    result = evaluate(classifier, epochs, y, cv="leave-one-subject-out")
    assert any("`pretrained` was fitted beforehand on" in leak for leak in result.leaks)


def test_groups_in_scikit_learn(stacked):
    epochs, y = stacked
    groups = epochs.metadata["run"]
    scores = cross_val_score(
        DuINClassifier(**SMALL), epochs, y, groups=groups, cv=GroupKFold(2)
    )
    assert (scores > 0.9).all()

"""What the estimators accept, reorder, warn about and refuse."""

import mne
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from toy_trials import (
    CLASSIFIER,
    KINDS,
    KINDS_BY_TIME,
    as_epochs,
    make,
    one_by_one,
    output,
    simulate,
)

from mne_duin.estimators import DuINClassifier, DuINVQVAE
from mne_duin.estimators.presets import resolve

QUICK = CLASSIFIER | {"max_iter": 1}


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_epochs_array_and_list_are_the_same(kind, trials, fitted):
    epochs, y = trials
    forms = (epochs, epochs.get_data(), one_by_one(epochs), tuple(one_by_one(epochs)))
    expected = output(fitted[kind], epochs)
    for X in forms[1:]:
        assert np.array_equal(output(fitted[kind], X), expected)
        assert fitted[kind].score(X, y) == fitted[kind].score(epochs, y)


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_fitting_on_an_array_or_a_list_is_the_same(kind, vqvae, trials, fitted):
    epochs, y = trials
    listed = make(kind, vqvae).fit(one_by_one(epochs), y)
    array = make(kind, vqvae).fit(epochs.get_data(), y, sfreq=1000)
    expected = output(fitted[kind], epochs)
    assert np.array_equal(output(listed, epochs), expected)
    assert np.array_equal(output(array, epochs.get_data()), expected)
    assert listed.fit_groups_ == fitted[kind].fit_groups_
    assert not hasattr(array, "fit_groups_")


@pytest.mark.parametrize("kind", KINDS)
def test_channels_are_found_by_name(kind, trials, fitted):
    epochs = trials[0]
    mixed = epochs.copy().reorder_channels(["A4", "A1", "A6", "A3", "A2", "A5"])
    expected = output(fitted[kind], epochs)
    assert np.array_equal(output(fitted[kind], mixed), expected)
    with pytest.raises(ValueError, match="lacks 2 channels.*fitted with: A2, A5"):
        output(fitted[kind], mixed.copy().drop_channels(["A2", "A5"]))
    with pytest.raises(ValueError, match="`X` has 5 channels; .* fitted with 6"):
        output(fitted[kind], epochs.get_data()[:, :5])


def test_reconstruction_has_the_order_of_training(trials, fitted):
    mixed = trials[0].copy().reorder_channels(["A4", "A1", "A6", "A3", "A2", "A5"])
    a = fitted["vqvae"].reconstruct(mixed)
    assert np.array_equal(a, fitted["vqvae"].reconstruct(trials[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_another_sampling_rate_is_refused(kind, vqvae, trials, fitted):
    slow = as_epochs(trials[0].get_data(), sfreq=500.0)
    with pytest.raises(ValueError, match=r"500 Hz; \w+ was fitted at 1000 Hz"):
        output(fitted[kind], slow)
    with pytest.raises(ValueError, match="1000 Hz, but `sfreq` is 500 Hz"):
        make(kind, vqvae).fit(*trials, sfreq=500)


def test_the_sampling_rate_of_an_array_must_be_known(trials):
    X, y = trials[0].get_data(), trials[1]
    with pytest.raises(ValueError, match="pass `sfreq=` in Hz to fit"):
        DuINClassifier(**QUICK).fit(X, y)
    by_constructor = DuINClassifier(**QUICK, sfreq=1000).fit(X, y)
    by_fit = DuINClassifier(**QUICK).fit(X, y, sfreq=1000.0)
    assert np.array_equal(by_constructor.predict_proba(X), by_fit.predict_proba(X))
    for sfreq in (0, -1000):
        with pytest.raises(ValueError, match="`sfreq` must be above 0"):
            DuINClassifier(**QUICK).fit(X, y, sfreq=sfreq)


@pytest.mark.parametrize("kind", KINDS)
def test_epochs_of_less_than_two_patches(kind, vqvae, trials, fitted):
    short = trials[0].copy().crop(0, 0.150)
    with pytest.raises(ValueError, match="have 151 samples; at least two patches"):
        make(kind, vqvae).fit(short, trials[1])
    with pytest.raises(ValueError, match="have 151 samples; at least two patches"):
        output(fitted[kind], short)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_beyond_whole_patches_are_left_out_aloud(kind, vqvae, trials):
    X = trials[0].get_data()
    longer = np.concatenate([X, X[..., :37]], -1)
    estimator = make(kind, vqvae, max_iter=1)
    with pytest.warns(RuntimeWarning, match="437 samples, not a whole number"):
        estimator.fit(longer, trials[1], sfreq=1000)
    with pytest.warns(RuntimeWarning, match="the last 37 samples are not used"):
        values = output(estimator, longer)
    assert len(values) == 24


def test_epochs_of_another_length_than_the_classifier_knows(trials, fitted):
    short = trials[0].copy().crop(0, 0.299)
    with pytest.raises(ValueError, match="epochs of 3 patches; .* fitted with 4"):
        fitted["classifier"].predict(short)
    with pytest.raises(ValueError, match="epochs of 3 patches; .* fitted with 4"):
        fitted["classifier"].channel_contributions("permutation", X=short, y=trials[1])
    assert fitted["vqvae"].transform(short).shape == (24, 3)
    assert fitted["mae"].transform(short).shape == (24, 3, 40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_name_the_channel(kind, value, vqvae, trials):
    bad = trials[0].copy()
    bad._data[5, 3, 17] = value
    with pytest.raises(ValueError, match=r"not finite in 1 channels \(A4\)"):
        make(kind, vqvae).fit(bad, trials[1])
    with pytest.raises(ValueError, match=r"not finite in 1 channels \(3\)"):
        make(kind, vqvae).fit(bad.get_data(), trials[1], sfreq=1000)


@pytest.mark.parametrize("kind", ["vqvae", "classifier"])
@pytest.mark.parametrize("value", [0.0, 3e-5])
def test_flat_channels_are_named(kind, value, vqvae, trials):
    flat = trials[0].copy()
    flat._data[:, [1, 4]] = value
    with pytest.raises(ValueError, match=r"2 channels are flat \(A2, A5\)"):
        make(kind, vqvae).fit(flat, trials[1])
    with pytest.raises(ValueError, match=r"2 channels are flat \(A2, A5\)"):
        make(kind, vqvae, bands="raw").fit(flat, trials[1])


def test_bad_and_foreign_channels_are_left_out_once_and_aloud(trials):
    epochs, y = trials
    epochs = epochs.copy().set_channel_types({"A6": "ecg"})
    epochs.info["bads"] = ["A1"]
    for X in (epochs, one_by_one(epochs)):
        with pytest.warns(RuntimeWarning, match="not used: A1, A6") as caught:
            estimator = DuINClassifier(**QUICK).fit(X, y)
        assert len(caught) == 1
        assert estimator.ch_names_ == ["A2", "A3", "A4", "A5"]
    epochs.info["bads"] = epochs.ch_names
    with pytest.raises(ValueError, match="has no usable neural channel.*6 are marked"):
        DuINClassifier(**QUICK).fit(epochs, y)


def test_a_list_of_unlike_epochs_is_refused(trials):
    epochs = trials[0]
    bad = epochs[1].copy()
    bad.info["bads"] = ["A2"]
    for other in (epochs[1].copy().crop(0, 0.2), epochs[1].copy().pick(["A1"]), bad):
        with pytest.raises(ValueError, match="The Epochs in the list `X` differ"):
            DuINVQVAE(**{"max_iter": 1}).fit([epochs[0], other])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((3, 4)), ValueError, r"must have shape .* got shape \(3, 4\)"),
        (np.zeros((0, 4, 400)), ValueError, r"none of them zero; got shape \(0"),
        ([], ValueError, r"must have shape .* got shape \(0,\)"),
        ("epochs-epo.fif", TypeError, "must be mne.Epochs, an array of numbers"),
        ([[["a"]]], TypeError, "must be mne.Epochs, an array of numbers"),
    ],
)
def test_what_is_no_epochs(X, error, message):
    with pytest.raises(error, match=message):
        DuINVQVAE().fit(X, sfreq=1000)


def test_a_raw_is_refused_with_the_remedy():
    info = mne.create_info(2, 1000.0, "seeg")
    raw = mne.io.RawArray(np.zeros((2, 1000)), info, verbose="error")
    with pytest.raises(TypeError, match="is a Raw; cut it into epochs first"):
        DuINVQVAE().fit(raw)


def test_labels_must_fit_the_epochs(trials):
    epochs, y = trials
    for wrong in (y[:-1], y[:, None], y[0]):
        with pytest.raises(ValueError, match=r"one label per epoch, shape \(24,\)"):
            DuINClassifier(**QUICK).fit(epochs, wrong)
    with pytest.raises(ValueError, match="one class only, 'ba'"):
        DuINClassifier(**QUICK).fit(epochs, ["ba"] * 24)
    missing = y.astype(object)
    missing[3] = None
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        DuINClassifier(**QUICK).fit(epochs, np.linspace(0, 1, 24))
    with pytest.raises(ValueError, match="`y` has 1 missing labels"):
        DuINClassifier(**QUICK).fit(epochs, missing)


@pytest.mark.parametrize(
    "words",
    [
        ["ba", "da", "ga"],
        [7, -1, 30],
        [1.0, 2.0, 30.0],
        ["嘴巴", "平静", "豆腐"],
        [False, True, True],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "form",
    [
        np.array,
        pytest.param(list, marks=pytest.mark.slow),
        pytest.param(pd.Series, marks=pytest.mark.slow),
        pd.Categorical,
    ],
)
@pytest.mark.by_default(
    "array-['ba', 'da', 'ga']", "Categorical-[7, -1, 30]", "array-[False, True, True]"
)
def test_labels_of_any_kind(words, form, trials):
    y = np.array(words)[np.arange(24) % 3]
    estimator = DuINClassifier(**QUICK).fit(trials[0], form(y))
    assert estimator.classes_.tolist() == sorted(set(words))
    predicted = estimator.predict(trials[0])
    assert predicted.dtype == estimator.classes_.dtype
    assert set(predicted.tolist()) <= set(words)
    assert estimator.score(trials[0], form(y)) == np.mean(predicted == y)


def test_unknown_labels_are_named(trials, fitted):
    epochs, y = trials
    other = np.where(y == "ga", "ka", y)
    with pytest.raises(ValueError, match=r"not in the training data: \['ka'\]"):
        fitted["classifier"].channel_contributions("permutation", X=epochs, y=other)
    with pytest.raises(ValueError, match=r"not in the training data: \['ka'\]"):
        DuINClassifier(**QUICK).fit(epochs, y, validation=(epochs, other))
    with pytest.raises(ValueError, match=r"one label per epoch, shape \(24,\)"):
        fitted["classifier"].channel_contributions("permutation", X=epochs, y=y[:5])


def test_too_few_epochs_for_a_validation_share():
    X, y = simulate(3, 3, n_classes=2)
    estimator = DuINClassifier(**QUICK, validation_fraction=0.5)
    with pytest.raises(ValueError, match="3 epochs of 2 classes.*set validation_frac"):
        estimator.fit(X, y, sfreq=1000)


def test_two_classes_follow_scikit_learn():
    X, y = simulate(16, n_classes=2)
    estimator = DuINClassifier(**QUICK).fit(X, y, sfreq=1000)
    scores = estimator.decision_function(X)
    assert scores.shape == (16,)
    assert np.array_equal(estimator.predict(X) == estimator.classes_[1], scores > 0)
    odds = np.log(estimator.predict_proba(X)) @ [-1, 1]
    assert np.allclose(odds, scores, atol=1e-5)


@pytest.mark.parametrize(
    ("sfreq", "size"),
    [(50, 10), (100, 10), (256, 30), (400, 40), (500, 50), (512, 50), (1000, 100)]
    + [(1024, 100), (2048, 200)],
)
@pytest.mark.by_default("100-10", "512-50", "1000-100", "2048-200")
def test_any_sampling_rate_is_read_without_special_care(sfreq, size):
    X, y = simulate(12, 3, int(0.7 * sfreq))
    fitted = DuINClassifier(**QUICK).fit(X, y, sfreq=sfreq)
    assert fitted.patch_size_ == size
    assert fitted.predict(X).shape == (12,)
    assert ("high-gamma" in fitted.bands_) == (sfreq > 300)


@pytest.mark.parametrize(
    ("kind", "former", "name", "value", "now"),
    [
        ("classifier", "initial", "init", "random", "random"),
        ("classifier", "head_start", "head_init", "random", "random"),
        ("classifier", "high_gamma", "bands", False, "raw"),
        ("vqvae", "high_gamma", "bands", True, ("high-gamma",)),
        ("vqvae", "codex_start", "codex_init", "random", "random"),
        ("mae", "encoder_start", "encoder_init", "random", "random"),
    ],
)
def test_former_names_of_parameters_warn_and_work(
    kind, former, name, value, now, vqvae
):
    estimator = make(kind, vqvae, **{former: value})
    with pytest.warns(FutureWarning, match=f"`{former}` is now `{name}`; use {name}="):
        recipe = resolve(estimator, estimator._stage)
    assert recipe[name] == now
    assert clone(estimator).get_params()[former] == value
    estimator.set_params(**{name: now})
    with pytest.raises(ValueError, match=f"`{former}` is the former name of `{name}`"):
        resolve(estimator, estimator._stage)


def test_screening_needs_classes_of_epochs(trials):
    with pytest.raises(ValueError, match="which only DuINClassifier has; name the ban"):
        make("vqvae", None, bands="screened").fit(trials[0])

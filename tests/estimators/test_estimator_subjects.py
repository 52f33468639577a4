"""Several subjects in one network, some with fewer channels than others."""

import numpy as np
import pytest
import torch
from toy_trials import (
    CLASSIFIER,
    KINDS,
    KINDS_BY_TIME,
    as_epochs,
    fit_vqvae,
    make,
    output,
    over_components,
    simulate,
)

from mne_duin import DuINClassifier, read_estimator

NAMES = ["zwei", "eins", "drei"]


@pytest.fixture(scope="module")
def cohort():
    """Three subjects of eight trials; the second lacks channels 4 and 5."""
    X, y = simulate(24, seed=5)
    subject = np.repeat(NAMES, 8)
    X[subject == "eins", 4:] = 0
    return X, y, subject


@pytest.fixture(scope="module")
def first(cohort):
    X, _, subject = cohort
    return fit_vqvae(as_epochs(X, subject=subject))


@pytest.fixture(scope="module")
def stages(first, cohort):
    X, y, subject = cohort
    epochs = as_epochs(X, subject=subject)
    return {kind: make(kind, first).fit(epochs, y) for kind in KINDS}


@pytest.fixture(scope="module")
def poms(cohort):
    """All stages with a patch encoder and a regression head for each subject."""
    X, y, subject = cohort
    epochs = as_epochs(X, subject=subject)
    own = {"subject_layers": "patch"}
    first = fit_vqvae(epochs, **own)
    kinds = {"classifier": make("classifier", None, **own), "vqvae": first}
    kinds |= {kind: make(kind, first) for kind in ("mae", "finetuned")}
    return {k: v if v is first else v.fit(epochs, y) for k, v in kinds.items()}


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
@pytest.mark.slow
def test_own_patch_encoders_in_every_stage(kind, poms, cohort, tmp_path):
    X, y, subject = cohort
    estimator = poms[kind]
    right = output(estimator, X, subject=subject)
    wrong = output(estimator, X, subject=np.roll(subject, 8))
    assert not np.array_equal(right, wrong)
    again = read_estimator(estimator.save(tmp_path / "model"))
    assert np.array_equal(output(again, X, subject=subject), right)
    labels = {"y": y} if hasattr(estimator, "classes_") else {}
    for method in ("weights", "patterns", "permutation"):
        table = estimator.channel_contributions(method, X=X, subject=subject, **labels)
        assert table.isna().sum().tolist() == [0, 2, 0]
    assert estimator.folded_filters().shape[:1] == (3,)
    with pytest.raises(ValueError, match="no subject has a spatial map"):
        estimator.spatial_weights()


def test_weights_of_own_patch_encoders(poms, cohort):
    X, _, subject = cohort
    estimator = poms["classifier"]
    table = estimator.channel_contributions()
    first = estimator.module_.encoder.patch.subjects[2].layers[0].weight
    by_band = first.detach().abs().mean((0, 2)).reshape(-1, 6).numpy()
    expected = over_components(estimator, by_band, subject=2).mean(0)
    np.testing.assert_allclose(table["zwei"], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["vqvae", "classifier"])
def test_subject_layers_are_checked(kind):
    with pytest.raises(ValueError, match=r"`subject_layers` must be one of 'spatial'"):
        make(kind, None, subject_layers="own").fit(*simulate(8), sfreq=1000)


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_metadata_and_argument_are_the_same(kind, first, stages, cohort):
    X, y, subject = cohort
    given = make(kind, first).fit(X, y, subject=subject, sfreq=1000)
    expected = output(stages[kind], as_epochs(X, subject=subject))
    assert np.array_equal(output(given, X, subject=subject), expected)
    assert np.array_equal(output(given, X, subject=list(subject)), expected)
    assert given.subjects_.tolist() == ["drei", "eins", "zwei"]
    assert given.spatial_weights().shape == (3, 4, 6)
    score = stages[kind].score(as_epochs(X, subject=subject), y)
    assert given.score(X, y, subject=subject) == score


@pytest.mark.parametrize("kind", KINDS)
def test_every_subject_has_its_own_map(kind, stages, cohort):
    X, _, subject = cohort
    right = output(stages[kind], X, subject=subject)
    wrong = output(stages[kind], X, subject=np.roll(subject, 8))
    assert not np.array_equal(right, wrong)
    one = output(stages[kind], X[3:4], subject=subject[3:4])
    assert np.allclose(one, right[3:4], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_subjects_that_are_missing_or_unknown(kind, first, stages, cohort):
    X, y, subject = cohort
    with pytest.raises(ValueError, match=r"knows subjects \['drei', 'eins', 'zwei'\]"):
        output(stages[kind], X)
    with pytest.raises(ValueError, match=r"unknown subjects \['vier'\].*knows \['drei"):
        output(stages[kind], X, subject=np.where(subject == "eins", "vier", subject))
    with pytest.raises(ValueError, match=r"one value per epoch, shape \(24,\)"):
        make(kind, first).fit(X, y, subject=subject[:5], sfreq=1000)


def test_padded_channels_have_no_scale_and_no_contribution(stages, cohort):
    X, y, subject = cohort
    for kind in ("vqvae", "classifier"):
        mask = stages[kind].scaler_.channel_mask
        assert mask[1, :6].tolist() == [True] * 4 + [False] * 2
        assert mask[[0, 2]].all()
        for method in ("weights", "patterns", "permutation"):
            table = stages[kind].channel_contributions(
                method, X=X, y=y if kind == "classifier" else None, subject=subject
            )
            assert table.columns.tolist() == ["drei", "eins", "zwei"]
            assert table.index.name == "name"
            missing = table.isna()
            assert missing["eins"].tolist() == [False] * 4 + [True] * 2
            assert not missing[["drei", "zwei"]].to_numpy().any()


def test_padded_channels_get_no_gradient(stages, cohort):
    X, _, subject = cohort
    estimator = stages["vqvae"]
    module = estimator.module_
    module.zero_grad()
    x, index = estimator._scaled(estimator._check_again(X, subject=subject))
    data = estimator._on_device(x, index)
    batch = data.take(torch.arange(24))
    rebuilt, out = module(batch.x, batch.subject)
    error = (rebuilt - batch.x).square().mean(-1) * batch.channel_mask
    (error.sum() + out.loss_commit).backward()
    gradient = module.encoder.spatial.weight.grad
    padded = [4, 5, 10, 11]
    assert gradient[1][:, padded].abs().max() == 0
    assert gradient[1][:, :4].abs().min() > 0
    assert module.spatial.weight.grad[1][padded].abs().max() == 0
    assert module.spatial.weight.grad[0][padded].abs().min() > 0
    module.zero_grad()


def test_padded_channels_do_not_move(cohort):
    X, y, subject = cohort
    options = CLASSIFIER | {"init": "random", "weight_decay": 0.0}
    short = DuINClassifier(**options | {"max_iter": 1, "lr": 1e-9, "lr_min": 0.0})
    long = DuINClassifier(**options | {"lr": 1e-2})
    weights = [
        estimator.fit(X, y, subject=subject, sfreq=1000).spatial_weights()
        for estimator in (short, long)
    ]
    moved = np.abs(weights[1] - weights[0]).max(1)
    assert (moved[1, 4:] == 0).all()
    assert (moved[[0, 2]] > 1e-4).all()


def test_reconstruction_of_padded_channels_counts_for_nothing(stages, cohort):
    X, _, subject = cohort
    estimator = stages["vqvae"]
    rebuilt = estimator.reconstruct(X, subject=subject)
    assert rebuilt.shape == X.shape
    own = subject == "eins"
    x, index = estimator._scaled(estimator._check_again(X[own], subject=subject[own]))
    # Four of six channels, of the signal and of each band alike.
    real = estimator.scaler_.channel_mask[index[0]]
    assert real.reshape(-1, 6).tolist() == [[True] * 4 + [False] * 2] * (len(real) // 6)
    error = np.square(estimator._rebuild(x, index) - x)[:, real].mean()
    score = estimator.score(X[own], subject=subject[own])
    assert score == pytest.approx(1 - error, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_files_keep_the_subjects(kind, stages, cohort, tmp_path):
    X, _, subject = cohort
    again = read_estimator(stages[kind].save(tmp_path / "model"))
    assert again.subjects_.tolist() == ["drei", "eins", "zwei"]
    expected = output(stages[kind], X, subject=subject)
    assert np.array_equal(output(again, X, subject=subject), expected)


def test_a_subject_without_any_signal_is_refused(cohort):
    X, y, subject = cohort
    X = np.where((subject == "drei")[:, None, None], 0, X)
    with pytest.raises(ValueError, match="6 channels are flat"):
        DuINClassifier(**CLASSIFIER).fit(X, y, subject=subject, sfreq=1000)


def test_subjects_that_share_no_class_are_refused(cohort):
    X, _, subject = cohort
    y = np.where(subject == "drei", "ma", np.tile(["ba", "da"], 12))
    with pytest.raises(
        ValueError, match=r"'drei' shares no class.*\['ma'\], they have"
    ):
        DuINClassifier(**CLASSIFIER).fit(X, y, subject=subject, sfreq=1000)


def test_one_subject_needs_no_name_later(trials):
    epochs, y = trials
    named = as_epochs(epochs.get_data(), subject="01")
    estimator = DuINClassifier(**CLASSIFIER | {"max_iter": 1}).fit(named, y)
    assert estimator.subjects_.tolist() == ["01"]
    expected = estimator.predict_proba(named)
    assert np.array_equal(estimator.predict_proba(epochs.get_data()), expected)
    with pytest.raises(ValueError, match=r"unknown subjects \['02'\]"):
        estimator.predict(as_epochs(epochs.get_data(), subject="02"))

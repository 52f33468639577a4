"""Encoders whose temporal kernels are kept apart, through the estimators."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from toy_trials import CLASSIFIER, VQVAE, as_epochs, simulate

from mne_duin.estimators import DuINClassifier, DuINMAE, DuINVQVAE
from mne_duin.weights import read_estimator, to_published

mpl.use("Agg")
KINDS = ("depthwise", "depthwise-filters")
PLAIN = {"bands": "raw"}


@pytest.fixture(scope="module")
def trials():
    X, y = simulate(24, 5, 300, seed=3)
    return as_epochs(X), y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.by_default("depthwise")
def test_the_kind_is_handed_on_and_saved(trials, kind, tmp_path):
    X, y = trials
    vqvae = DuINVQVAE(**VQVAE, patch_encoder=kind).fit(X)
    mae = DuINMAE(vqvae, max_iter=1, random_state=0, verbose=False).fit(X)
    clf = DuINClassifier(mae, **CLASSIFIER).fit(X, y)
    assert type(clf.module_.encoder) is type(vqvae.module_.encoder)
    clf.save(tmp_path / "clf.safetensors")
    again = read_estimator(tmp_path / "clf.safetensors")
    np.testing.assert_allclose(again.predict_proba(X), clf.predict_proba(X), atol=1e-6)


def test_every_contact_has_kernels_that_learn_and_are_shown(trials):
    X, y = trials
    options = CLASSIFIER | {"lr": 3e-3, "patch_encoder": "depthwise"}
    clf = DuINClassifier(**options | {"bands": ("high-gamma",)}).fit(X, y)
    kernels = clf.contact_kernels()
    assert kernels.shape == (1, 5, 19)
    impulse = np.eye(19)[9]
    assert (np.abs(kernels - impulse).max(axis=2) > 1e-4).all()
    assert clf.contact_kernels("high-gamma").shape == kernels.shape
    contacts = pd.DataFrame(
        {"shaft": "A", "number": range(1, 6)}, index=pd.Index(X.ch_names, name="name")
    )
    figure = clf.plot_contact_kernels(contacts.iloc[::-1], show=False)
    cells = next(axes for axes in figure.axes if "kernels" in axes.get_title("left"))
    segments = max(cells.collections, key=lambda one: one.get_linewidth()[0])
    segments = segments.get_segments()
    drawn = np.array([line[:, 1] for line in segments])
    places = [round(line[:, 0].mean()) for line in segments]
    expected = -0.42 * kernels[0] / np.abs(kernels).max()
    np.testing.assert_allclose(drawn[np.argsort(places)], expected, atol=1e-6)


def test_networks_without_kernels_say_what_to_do(trials):
    X, y = trials
    clf = DuINClassifier(**CLASSIFIER, **PLAIN).fit(X, y)
    with pytest.raises(ValueError, match="fit with patch_encoder='depthwise'"):
        clf.contact_kernels()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"patch_encoder": "grouped"}, "`patch_encoder` must be one of"),
        (
            {"patch_encoder": "depthwise", "subject_layers": "patch"},
            "needs subject_lay",
        ),
        (
            {"patch_encoder": "depthwise-filters", "conv_filters": (8, 6, 4)},
            "multiples of `n_filters` .4.; got .8, 6, 4.",
        ),
        (
            {"patch_encoder": "depthwise", "conv_kernels": (20, 3, 3)},
            "odd length; got 20",
        ),
    ],
)
def test_impossible_encoders_are_refused(trials, changes, match):
    X, y = trials
    with pytest.raises(ValueError, match=match):
        DuINClassifier(**CLASSIFIER | PLAIN | changes).fit(X, y)


def test_other_implementations_do_not_have_them(trials):
    X, _ = trials
    vqvae = DuINVQVAE(**VQVAE | PLAIN, patch_encoder="depthwise").fit(X)
    with pytest.raises(ValueError, match="kept apart"):
        to_published(vqvae)

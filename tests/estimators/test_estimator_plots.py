"""The plot methods hand over what the estimator knows, for the right contacts."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import QuadMesh
from toy_trials import CLASSIFIER, TRAINING, VQVAE, as_epochs, simulate

from mne_duin.estimators import DuINClassifier, DuINMAE, DuINVQVAE
from mne_duin.estimators._contributions import step_kernels

mpl.use("Agg")
BANDS = ("broadband", "high-gamma")
NAMES = ["A1", "A2", "A3", "B1", "B2", "B3"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def contacts():
    table = {
        "shaft": [name[0] for name in NAMES],
        "number": [int(name[1]) for name in NAMES],
        "x": np.linspace(-60, -35, 6),
        "y": [-20.0] * 3 + [5.0] * 3,
        "z": [8.0] * 3 + [20.0] * 3,
        "space": "MNI305",
        "region": ["STG"] * 3 + ["vSMC"] * 3,
    }
    return pd.DataFrame(table, index=pd.Index(NAMES, name="name"))


@pytest.fixture(scope="module")
def stages():
    X, y = simulate(24, 6, 300, seed=8)
    epochs = as_epochs(X, names=NAMES)
    epochs.shift_time(-0.1)
    vqvae = DuINVQVAE(**VQVAE | {"bands": "raw"}).fit(epochs)
    options = CLASSIFIER | {"bands": ["high-gamma"]}
    return vqvae, DuINClassifier(**options).fit(epochs, y), epochs, y


def cells(figure, shape):
    meshes = [m for m in figure.findobj(QuadMesh) if m.get_array().size == shape]
    return [np.ma.filled(mesh.get_array(), np.nan).ravel() for mesh in meshes]


def test_contributions_meet_their_contacts_by_name(stages, contacts):
    _, clf, X, y = stages
    mixed = contacts.iloc[[4, 0, 5, 2, 1, 3]]
    figure = clf.plot_contributions(mixed, "permutation", X=X, y=y, show=False)
    values = clf.channel_contributions("permutation", X=X, y=y)
    bars = next(axes for axes in figure.axes if len(axes.patches) == 6)
    ranked = values.sort_values(ascending=False)
    names = [tick.get_text() for tick in bars.get_yticklabels()]
    assert names == list(ranked.index)
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], ranked)
    assert bars.get_xlabel() == "increase in loss when permuted"
    with pytest.raises(ValueError, match=r"`contacts` lacks 1 channels .*\['A2'\]"):
        clf.plot_contributions(contacts.drop("A2"), show=False)


def test_spatial_filters_come_with_their_kernels(stages, contacts):
    _, clf, *_ = stages
    for band in ("broadband", "high-gamma"):
        figure = clf.plot_spatial_filters(contacts, band=band, show=False)
        weights = clf.spatial_weights(band)[0]
        np.testing.assert_allclose(cells(figure, 6), weights)
    kernels = step_kernels(clf)
    assert kernels.shape[:2] == (4, clf.module_.encoder.patch.layers[-1].num_features)
    last = next(axes for axes in figure.axes if axes.get_xlabel() == "time (ms)")
    drawn = [line.get_ydata() for line in last.lines if len(line.get_xdata()) > 2]
    np.testing.assert_allclose(drawn[:-1], kernels[-1])


def test_kernels_of_a_step_are_what_an_impulse_leaves(stages):
    """The kernels are the response of a step's features to impulses, in reverse."""
    _, clf, *_ = stages
    patch = clf.module_.encoder.patch
    silence = torch.zeros(1, patch.layers[0].in_channels, patch.patch_size)
    step, n_features = patch.n_steps // 2, patch.dim // patch.n_steps
    kernels = np.zeros((silence.shape[1], n_features, patch.patch_size))
    with torch.no_grad():
        base = patch.eval()(silence)[0, 0].reshape(patch.n_steps, n_features)[step]
        for channel, sample in np.ndindex(*silence.shape[1:]):
            impulse = silence.clone()
            impulse[0, channel, sample] = 1
            after = patch(impulse)[0, 0].reshape(patch.n_steps, n_features)[step]
            kernels[channel, :, sample] = after - base
    found = step_kernels(clf)
    reached = np.flatnonzero(np.abs(kernels).max(axis=(0, 1)) > 1e-6)
    assert found.shape[2] == reached[-1] - reached[0] + 1 < patch.patch_size
    inside = kernels[..., reached[0] : reached[-1] + 1]
    np.testing.assert_allclose(found, inside, atol=1e-5)


def test_patterns_of_all_bands_are_those_of_each(stages, contacts):
    _, clf, X, _ = stages
    by_band = clf.spatial_patterns(X, band="all")
    assert list(by_band) == list(BANDS)
    for band, patterns in by_band.items():
        np.testing.assert_array_equal(patterns, clf.spatial_patterns(X, band=band))
        pictures = [
            clf.plot_spatial_filters(contacts, band=band, show=False, **given)
            for given in ({"X": X}, {"patterns": patterns[0]})
        ]
        one, other = (cells(picture, 6) for picture in pictures)
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one[1::2], patterns[0][: len(one[1::2])], atol=1e-7)


@pytest.mark.slow
def test_patterns_undo_the_mixing_of_a_known_source(stages, contacts):
    """One source that all channels share is what every filter's pattern shows."""
    _, clf, X, _ = stages
    patterns = clf.spatial_patterns(X)[0]
    x, _ = clf._scaled(clf._check_fitted(X))
    flat = x.swapaxes(0, 1).reshape(x.shape[1], -1)
    flat = flat - flat.mean(1, keepdims=True)
    weights = np.hstack([clf.spatial_weights(band)[0] for band in BANDS])
    sources = weights @ flat
    # Regression of the inputs on all outputs at once, per deviation of each output.
    solution = np.linalg.lstsq(sources.T, flat.T, rcond=None)[0]
    expected = solution * sources.std(1)[:, None]
    np.testing.assert_allclose(patterns, expected[:, :6], rtol=1e-3, atol=1e-5)
    figure = clf.plot_patterns(X, contacts, show=False)
    np.testing.assert_allclose(cells(figure, 6), patterns, atol=1e-7)
    both = clf.plot_spatial_filters(contacts, X=X, show=False)
    drawn = cells(both, 6)
    np.testing.assert_allclose(drawn[::2], clf.spatial_weights()[0])
    np.testing.assert_allclose(drawn[1::2], patterns, atol=1e-7)


def test_patch_filters_are_the_folded_ones(stages, contacts):
    vqvae, *_ = stages
    figure = vqvae.plot_patch_filters(contacts, n_filters=1, show=False)
    filters = vqvae.folded_filters()[0]
    number = int(figure.axes[0].get_title(loc="left").split()[-1]) - 1
    power = np.square(filters).sum((1, 2))
    assert power[number] == pytest.approx(power.max(), rel=1e-5)
    drawn = cells(figure, 600)[0]
    np.testing.assert_allclose(drawn, filters[number].ravel(), rtol=1e-6)


def test_codes_are_drawn_with_their_times(stages):
    vqvae, _, X, y = stages
    figure = vqvae.plot_codes(X, y, show=False)
    assert figure.axes[0].get_xlim() == pytest.approx((-0.1, 0.2))
    figure = vqvae.plot_code_usage(show=False)
    used = np.count_nonzero(vqvae.code_counts_)
    assert f"{used} of 16" in figure.axes[0].get_title(loc="left")
    assert len(figure.axes) == 2
    vqvae.plot_codex(show=False)
    figure = vqvae.plot_code_words(X, y, n_permutations=10, show=False)
    words = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert words == sorted(set(y))


def test_averages_and_reconstructions_are_in_microvolts(stages, contacts):
    vqvae, _, X, _ = stages
    codes = vqvae.transform(X)
    code = int(np.bincount(codes.ravel()).argmax())
    figure = vqvae.plot_code_average(X, contacts, which=[code], n_around=0, show=False)
    epochs, tokens = np.nonzero(codes == code)
    patches = X.get_data().reshape(24, 6, 3, 100)[epochs, :, tokens]
    np.testing.assert_allclose(
        cells(figure, 600)[0], 1e6 * patches.mean(0).ravel(), rtol=1e-4, atol=1e-3
    )
    figure = vqvae.plot_reconstruction(X, contacts, epoch=3, show=False)
    first = figure.axes[0].lines[0].get_ydata()
    best = figure.axes[0].get_yticklabels()[0].get_text().split("\n")[0]
    signal = 1e6 * X[3].get_data(picks=[best])[0, 0]
    np.testing.assert_allclose(first, signal - signal.mean(), rtol=1e-3, atol=1e-3)
    assert "µV" in figure.axes[0].texts[-1].get_text()


def test_history_and_confusion(stages):
    vqvae, clf, X, y = stages
    figure = clf.plot_history(show=False)
    labels = [line.get_label() for line in figure.axes[1].lines]
    assert "chance" in labels
    assert vqvae.plot_history(show=False).axes[0].get_title(loc="left") == "loss"
    image = clf.plot_confusion(X, y, order="labels", show=False).axes[0].images[0]
    hits = np.mean(clf.predict(X) == y)
    assert np.diag(image.get_array()).mean() == pytest.approx(hits)


@pytest.mark.slow
def test_subjects_keep_their_own_contacts(contacts):
    X, y = simulate(24, 6, 300, seed=8)
    X[12:, 4:] = 0
    subject = np.repeat(["01", "02"], 12)
    clf = DuINClassifier(**CLASSIFIER, bands="raw")
    clf.fit(X, y, subject=subject, sfreq=1000)
    second = contacts.iloc[:4].rename(index="Z{}".format)
    tables = {"01": contacts, "02": second}
    figure = clf.plot_contributions(tables, kind="bars", show=False)
    values = clf.channel_contributions()
    ranked = [
        (values.loc[slot, name], f"{name} {contact}")
        for name, table in tables.items()
        for slot, contact in zip(values.index, table.index, strict=False)
    ]
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == [name for _, name in sorted(ranked, reverse=True)]
    stacked = pd.concat(tables, names=["subject", "slot"])
    stacked["contact"] = stacked.index.get_level_values("slot")
    figure = clf.plot_spatial_filters(stacked, show_subject="02", show=False)
    drawn = np.array(cells(figure, 6))
    drawn = drawn[:, np.isfinite(drawn[0])]
    np.testing.assert_allclose(drawn, clf.spatial_weights()[1][:, :4])
    clf.plot_patterns(X, tables, subject=subject, show_subject="02", show=False)
    clf.plot_patch_filters(tables, show_subject="02", show=False)
    with pytest.raises(ValueError, match="`show_subject` must be one of '01', '02'"):
        clf.plot_spatial_filters(tables, show=False)
    with pytest.raises(ValueError, match="must have the 6 channels of subject '01'"):
        clf.plot_contributions({"01": second, "02": second}, show=False)


def test_the_masked_stage_has_pictures_too(stages, contacts):
    vqvae, _, X, _ = stages
    mae = DuINMAE(vqvae, **TRAINING).fit(X)
    mae.plot_contributions(contacts, "permutation", X=X, kind="bars", show=False)
    assert mae.plot_spatial_filters(contacts, show=False).axes

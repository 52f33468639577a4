"""Contributions of many subjects, each with an informative contact of its own."""

import numpy as np
import pandas as pd
import pytest
from toy_trials import CLASSIFIER, VQVAE, as_epochs, over_components, simulate

from mne_duin.channels import stack_subjects
from mne_duin.estimators import DuINClassifier, DuINVQVAE
from mne_duin.estimators._contributions import over_bands
from mne_duin.utils._bands import BROADBAND, bandpass

PLANTED = {"01": 1, "02": 4, "03": 0, "04": 2, "05": 3}
N_CHANNELS = {"01": 3, "02": 6, "03": 4, "04": 5, "05": 4}


def cohort(n_subjects):
    """Stacked epochs of subjects with another informative channel each, and labels."""
    pairs, labels = {}, []
    for seed, name in enumerate(list(PLANTED)[:n_subjects]):
        X, y = simulate(18, 6, seed=seed)
        # The simulation plants channel 2.
        order = [i for i in range(6) if i != 2][: N_CHANNELS[name] - 1]
        order.insert(PLANTED[name], 2)
        names = [f"{name} {i}" for i in range(N_CHANNELS[name])]
        epochs = as_epochs(X[:, order], names=names)
        pairs[name] = epochs, pd.DataFrame(index=names)
        labels.append(y)
    epochs, contacts = stack_subjects(pairs)
    return epochs, contacts, np.concatenate(labels)


@pytest.fixture(scope="module", params=["spatial", "patch"])
def layers(request):
    return request.param


@pytest.fixture(scope="module", params=[2, pytest.param(5, marks=pytest.mark.slow)])
def fitted(request, layers):
    epochs, contacts, y = cohort(request.param)
    options = CLASSIFIER | {"subject_layers": layers, "max_iter": 6, "lr": 3e-3}
    return DuINClassifier(**options).fit(epochs, y), epochs, contacts, y


def test_exchanged_tokens_are_those_of_exchanged_inputs(fitted, monkeypatch):
    classifier, epochs, _, y = fitted
    by_tokens = classifier.channel_contributions("permutation", X=epochs, y=y)
    monkeypatch.setattr(DuINClassifier, "_reads_tokens", False)
    by_inputs = classifier.channel_contributions("permutation", X=epochs, y=y)
    pd.testing.assert_frame_equal(by_tokens, by_inputs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["patterns", "permutation"])
@pytest.mark.by_default("2-spatial-patterns", "2-spatial-permutation")
def test_each_subject_has_its_planted_contact(fitted, method):
    classifier, epochs, contacts, y = fitted
    labels = {"y": y} if method == "permutation" else {}
    table = classifier.channel_contributions(method, X=epochs, **labels)
    for name in table:
        best = table[name].idxmax()
        expected = f"{name} {PLANTED[name]}"
        assert contacts.loc[(name, best), "contact"] == expected
        assert table[name].notna().sum() == N_CHANNELS[name]


def test_weights_are_those_of_the_subject(fitted, layers):
    classifier = fitted[0]
    table = classifier.channel_contributions("weights")
    encoder = classifier.module_.encoder
    for index, name in enumerate(classifier.subjects_):
        if layers == "spatial":
            first = encoder.spatial.weight[index]
        else:
            first = encoder.patch.subjects[index].layers[0].weight.transpose(0, 1)
            first = first.flatten(1).T
        n_bands = 1 + len(classifier.bands_)
        by_band = first.detach().abs().mean(0).reshape(n_bands, -1).numpy()
        mean = over_components(classifier, by_band, subject=index).mean(0)
        own = table[name].notna().to_numpy()
        np.testing.assert_allclose(table[name][own], mean[own], rtol=1e-5)


def test_a_channel_has_the_values_of_the_components_in_it(fitted):
    """Of each as much as the channel's power has of the component's, in the data."""
    classifier, epochs, _, _ = fitted
    n_channels, name = classifier.n_features_in_, classifier.subjects_[0]
    real = range(N_CHANNELS[name])
    band = "high-gamma-unmixed"
    signal = bandpass(epochs.get_data(), epochs.info["sfreq"], (70.0, 150.0))
    signal = signal[epochs.metadata["subject"] == name].swapaxes(0, 1)
    signal = signal.reshape(n_channels, -1)
    matrix = classifier.unmixing_[band][0]
    power = np.linalg.inv(matrix) ** 2 * (matrix @ signal).var(1)
    parts = power[real] / power[real].sum(1, keepdims=True)
    # Uncorrelated components add up to the power of the channel.
    np.testing.assert_allclose(power.sum(1)[real], signal[real].var(1), rtol=0.05)
    bands = [BROADBAND, *classifier.bands_]
    for component in real:
        values = np.zeros((len(classifier.subjects_), len(bands), n_channels))
        values[:, bands.index(band), component] = len(bands)
        found = over_bands(classifier, values.reshape(len(values), -1))
        np.testing.assert_allclose(found[0, real], parts[:, component], atol=0.03)


def test_the_order_of_the_subjects_does_not_matter(fitted):
    classifier, epochs, _, y = fitted
    mixed = np.random.default_rng(0).permutation(len(y))
    for method in ("patterns", "permutation"):
        one, two = (
            classifier.channel_contributions(
                method,
                X=epochs[rows],
                **({"y": y[rows]} if method == "permutation" else {}),
            )
            for rows in (np.arange(len(y)), mixed)
        )
        pd.testing.assert_frame_equal(one, two, rtol=1e-3, atol=1e-5)


def test_the_order_of_the_slots_does_not_matter(fitted):
    classifier, epochs, _, _ = fitted
    slots = epochs.copy().reorder_channels(epochs.ch_names[::-1])
    expected = classifier.predict_proba(epochs)
    np.testing.assert_allclose(classifier.predict_proba(slots), expected, atol=1e-6)
    mixed = np.random.default_rng(0).permutation(len(epochs))
    rows = classifier.predict_proba(epochs[mixed])
    np.testing.assert_allclose(rows, expected[mixed], atol=1e-5)


@pytest.mark.slow
def test_subjects_with_3_and_30_contacts_train_together(layers):
    pairs, labels = {}, []
    for name, n_channels in (("few", 3), ("many", 30)):
        X, y = simulate(18, n_channels, seed=n_channels)
        names = [f"{name} {i}" for i in range(n_channels)]
        pairs[name] = as_epochs(X, names=names), pd.DataFrame(index=names)
        labels.append(y)
    epochs, _ = stack_subjects(pairs)
    y = np.concatenate(labels)
    vqvae = DuINVQVAE(**VQVAE | {"subject_layers": layers}).fit(epochs)
    mask = vqvae.scaler_.channel_mask
    # The signal and five bands.
    assert mask.sum(1).tolist() == [3 * 6, 30 * 6]
    classifier = DuINClassifier(**CLASSIFIER | {"subject_layers": layers})
    few = epochs.metadata["subject"].to_numpy() == "few"
    classifier.fit(epochs, y)
    for rows in (few, ~few):
        assert classifier.score(epochs[rows], y[rows]) > 0.6


def test_a_silent_contact_is_no_padding_even_among_several_subjects():
    epochs, _, y = cohort(2)
    epochs._data[(epochs.metadata["subject"] == "02").to_numpy(), 3] = 0
    with pytest.raises(ValueError, match=r"1 channels are flat \(slot004\)"):
        DuINClassifier(**CLASSIFIER).fit(epochs, y)


def test_one_subject_of_a_stack_may_have_padding():
    epochs, _, y = cohort(2)
    first = (epochs.metadata["subject"] == "01").to_numpy()
    classifier = DuINClassifier(**CLASSIFIER).fit(epochs[first], y[first])
    assert classifier.scaler_.channel_mask[0, :6].tolist() == [True] * 3 + [False] * 3
    assert classifier.channel_contributions().notna().sum() == 3

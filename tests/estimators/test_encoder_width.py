"""The quick preset's spatial map has a filter for every input."""

import numpy as np
import pytest
import torch
from toy_trials import SFREQ, TRAINING, simulate

from mne_duin.estimators import DuINClassifier, DuINTokenDecoder, DuINVQVAE
from mne_duin.estimators.presets import encoder_width, resolve
from mne_duin.nn import build_encoder, encoder_sizes

SMALL = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 32} | TRAINING
OPEN = {"n_filters": None, "conv_filters": None}


@pytest.mark.parametrize("n_inputs", [1, 7, 18, 64, 200])
def test_one_filter_per_input_up_to_a_limit(n_inputs):
    n_filters = {1: 16, 7: 16, 18: 18, 64: 64, 200: 64}[n_inputs]
    expected = {"n_filters": n_filters, "conv_filters": (64, 64, n_filters)}
    assert encoder_width(OPEN, n_inputs) == expected


def test_what_is_given_counts():
    given = {"n_filters": 5, "conv_filters": (8, 4)}
    assert encoder_width(given, 30) == given
    half = encoder_width(OPEN | {"n_filters": 16}, 30)
    assert half == {"n_filters": 16, "conv_filters": (64, 64, 16)}


@pytest.mark.parametrize("bands", [("high-gamma",), "raw"])
@pytest.mark.parametrize("kind", [DuINVQVAE, DuINClassifier])
@pytest.mark.by_default("DuINVQVAE-raw", "DuINClassifier-bands0")
def test_the_quick_preset_takes_one_filter_per_input(kind, bands):
    X, y = simulate(n_epochs=8, n_channels=9)
    options = {"n_codes": 8} if kind is DuINVQVAE else {}
    estimator = kind(**SMALL, **options, bands=bands).fit(X, y, sfreq=SFREQ)
    sizes = encoder_sizes(estimator.module_.encoder)
    n_filters = 16 if bands == "raw" else 18
    assert sizes["n_filters"] == n_filters
    assert sizes["conv_filters"] == (64, 64, n_filters)


def test_the_width_of_heads_of_tokens_does_not_depend_on_the_inputs():
    for preset, n_filters in (("quick", 64), ("paper", 16)):
        for stage in ("tokens", "sequences"):
            recipe = resolve(DuINTokenDecoder(preset=preset), stage)
            assert encoder_width(recipe, 18)["n_filters"] == n_filters


@pytest.mark.parametrize(("n_filters", "loses"), [(18, False), (16, True)])
def test_with_fewer_filters_than_inputs_a_direction_is_lost(n_filters, loses):
    """What lies in the direction of least variance reaches the tokens, or does not."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 18, 400)) * np.linspace(1.0, 0.1, 18)[:, None]
    x = torch.tensor(x, dtype=torch.float32)
    width = encoder_width({"n_filters": n_filters, "conv_filters": None}, 18)
    encoder = build_encoder(18, n_layers=1, **width)
    encoder.start_from_components(x)
    answer = encoder.spatial.weight[0, :, 17].detach().norm() * x[:, 17].std()
    assert (answer < 0.1) == loses
    assert loses or answer > 0.9

"""Steps that grow with the hours, and rules that pre-training has to beat."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose

from mne_duin import plot_pretraining
from mne_duin.training import (
    PretrainingCheck,
    SampledData,
    cell_rules,
    code_rules,
    split_steps,
    steps_for,
)
from mne_duin.training._check import BOTH, FROZEN, RAW, lead_in_errors


@pytest.mark.parametrize(
    ("hours", "steps"),
    [(0.01, 1400), (1 / 3, 1400), (1, 4200), (3, 14000), (10, 30000), (99, 30000)],
)
def test_steps_of_the_stated_hours(hours, steps):
    assert steps_for(3600 * hours) == steps


def test_steps_grow_with_the_hours():
    steps = [steps_for(3600 * hours) for hours in np.linspace(0.3, 12, 60)]
    assert (np.diff(steps) >= 0).all()
    assert len(set(steps)) > 40


@pytest.mark.parametrize("n_steps", [1, 7, 99, 151, 1400, 4217])
def test_passes_sum_to_the_steps(n_steps):
    sizes = split_steps(n_steps)
    assert sum(sizes) == n_steps
    assert max(sizes) <= 150
    assert max(sizes) - min(sizes) <= 1


def test_a_pass_takes_the_steps_it_is_given():
    data = SampledData(torch.arange(60.0).reshape(3, 1, 20), n_times=8)
    data.n_steps = 5
    batches = list(data.random_batches(4, torch.Generator().manual_seed(0)))
    again = list(data.random_batches(4, torch.Generator().manual_seed(0)))
    assert [batch.x.shape for batch in batches] == [(4, 1, 8)] * 5
    for one, other in zip(batches, again, strict=True):
        assert_allclose(one.x, other.x)
        # A crop is a piece of one epoch.
        assert_allclose(np.diff(one.x, axis=-1), 1.0)


def _errors(persistence, seed=0):
    """Return the squared error of each rule on cells that are an AR(1) process."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((400, 2, 20))
    for token in range(1, 20):
        noise = np.sqrt(1 - persistence**2) * x[..., token]
        x[..., token] = persistence * x[..., token - 1] + noise
    train, test = x[:300], x[300:]
    hidden = rng.random((100, 2, 20)) < 0.5
    rules = cell_rules(train, test, hidden, np.arange(2))
    return {name: np.mean(np.square(own - test)[hidden]) for name, own in rules.items()}


def test_rules_of_cells_know_what_a_process_repeats():
    smooth, white = _errors(0.9), _errors(0.0)
    assert smooth["both neighbors"] < smooth["copying a neighbor"] < smooth["mean"]
    # Nothing is better than the mean where neighbors tell nothing.
    assert white["both neighbors"] == pytest.approx(white["mean"], rel=0.02)
    assert white["copying a neighbor"] > 1.5 * white["mean"]


def test_rules_of_cells_use_visible_neighbors_only():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((50, 1, 6))
    everything = np.ones((50, 1, 6), bool)
    rules = cell_rules(x, x, everything, np.zeros(1, int))
    for own in rules.values():
        assert_allclose(own, 0.0)


def test_rules_of_codes():
    rng = np.random.default_rng(0)
    cycle = (np.arange(30)[None] + rng.integers(5, size=(40, 1))) % 5
    known = code_rules(cycle[:30], cycle[30:], 5)
    assert known["both neighbors"] == 1.0
    assert known["copying a neighbor"] == 0.0
    weights = [0.6, 0.2, 0.1, 0.1]
    random = rng.choice(4, size=(400, 30), p=weights)
    known = code_rules(random[:300], random[300:], 4)
    assert known["commonest code"] == pytest.approx(0.6, abs=0.03)
    assert known["both neighbors"] == pytest.approx(0.6, abs=0.03)
    assert known["copying a neighbor"] == pytest.approx(
        np.square(weights).sum(), abs=0.03
    )


def _check(network, *, measure="error", probe=None):
    values = {"network": network, "mean": 1.0, "both neighbors": 0.9}
    if measure == "accuracy":
        values = {"network": network, "commonest code": 0.1, "both neighbors": 0.2}
    rows = [("high gamma", name, value) for name, value in values.items()]
    table = pd.DataFrame(rows, columns=["quantity", "method", "value"])
    return PretrainingCheck(table, measure, 12, probe)


@pytest.mark.parametrize(
    ("network", "measure", "learned"),
    [(0.5, "error", True), (0.95, "error", False), (0.9, "error", False)]
    + [(0.5, "accuracy", True), (0.2, "accuracy", False), (0.05, "accuracy", False)],
)
def test_the_verdict_follows_the_best_rule(network, measure, learned):
    check = _check(network, measure=measure)
    assert check.learned == learned
    assert ("did not learn" in str(check)) != learned
    assert "12 held-out segments" in check.verdict
    assert check.helps is None


@pytest.mark.parametrize("helps", [True, False])
def test_the_probe_joins_the_verdict(helps):
    probe = pd.DataFrame(
        {
            "method": ["LDA on the frozen encoder", "LDA on the signal"],
            "accuracy": [0.5, 0.4 if helps else 0.6],
        }
    )
    check = _check(0.5, probe=probe)
    assert check.helps == helps
    assert "50 % of the words" in check.verdict
    figure = check.plot(show=False)
    assert len(figure.axes) == 2
    plt.close(figure)


@pytest.mark.parametrize(
    ("frozen", "signal", "lead"), [(1.5, 1.6, 2.0), (1.6, 1.5, -2.0), (1.6, 1.6, 0.0)]
)
def test_encoders_are_compared_by_log_loss_where_it_is_known(frozen, signal, lead):
    probe = pd.DataFrame(
        {
            "method": [FROZEN, RAW],
            "accuracy": [0.5, 0.5],
            "log_loss": [frozen, signal],
        }
    )
    probe.attrs["standard_error"] = 0.05
    assert lead_in_errors(probe) == pytest.approx(lead)
    for network, learned in ((0.5, True), (0.95, False)):
        check = _check(network, probe=probe)
        assert check.usable == (lead >= -1 if learned else lead > 0)
        assert f"(log loss {frozen:.2f} and {signal:.2f})" in check.verdict


@pytest.mark.parametrize(("both", "is_used"), [(1.4, True), (1.51, False)])
def test_an_ensemble_has_to_be_better_than_its_member_from_scratch(both, is_used):
    probe = pd.DataFrame(
        {
            "method": [FROZEN, RAW, BOTH],
            "accuracy": [0.3, 0.5, 0.5],
            "log_loss": [1.9, 1.5, both],
        }
    )
    probe.attrs["standard_error"] = 0.05
    for network in (0.5, 0.95):
        check = _check(network, probe=probe)
        assert check.usable == is_used
        assert f"1.90, 1.50 and {both:.2f}" in check.verdict
    figure = check.plot(show=False)
    assert len(figure.axes[1].patches) == 3
    plt.close(figure)


def test_the_plot_shows_every_method():
    check = _check(0.5)
    figure = check.plot(show=False)
    shown = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert shown == ["network", "mean", "both neighbors"]
    plt.close(figure)
    with pytest.raises(ValueError, match="it lacks value"):
        plot_pretraining(check.table.drop(columns="value"), show=False)

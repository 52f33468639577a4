"""What a training will take, before it starts."""

import pytest
from toy_trials import CLASSIFIER, KINDS, VQVAE, make

from mne_duin import DuINCells, DuINVQVAE, estimate_cost


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.by_default("mae", "classifier")
def test_counts_are_exact_and_the_estimator_stays_as_it_is(kind, vqvae, trials, fitted):
    epochs, y = trials
    estimator = make(kind, vqvae, max_iter=50)
    labels = y if kind in ("classifier", "finetuned") else None
    cost = estimate_cost(estimator, epochs, labels)
    assert (cost.n_passes, cost.steps_per_pass) == (50, 3)
    assert cost.seconds == pytest.approx(150 * cost.seconds_per_step)
    parameters = fitted[kind].module_.parameters()
    assert cost.n_parameters == sum(p.numel() for p in parameters)
    assert cost.n_bytes > 16 * cost.n_parameters + 4 * 24 * 12 * 400
    assert not hasattr(estimator, "module_")
    assert estimator.max_iter == 50
    assert str(cost).startswith("about ")
    assert "50 passes of 3 steps" in str(cost)


# An epoch of 400 samples can be cut into four pieces, but not into 7 or 64.
@pytest.mark.parametrize(
    ("max_steps", "total", "batch_size"), [(None, 1400, 4), (350, 350, 7), (9, 9, None)]
)
def test_a_stage_that_counts_steps(max_steps, total, batch_size, trials):
    sizes = {"n_layers": 1, "n_filters": 4, "conv_filters": (8, 8, 4)}
    sizes |= {"batch_size": batch_size, "max_steps": max_steps}
    cells = DuINCells(**sizes, verbose=False)
    cost = estimate_cost(cells, trials[0])
    # Passes are of about a hundred steps.
    assert cost.n_passes == max(round(total / 100), 1)
    assert cost.n_passes * cost.steps_per_pass == pytest.approx(total, abs=100)
    assert cells.max_steps == max_steps
    assert not hasattr(cells, "module_")


@pytest.mark.slow
def test_memory_grows_with_batches_and_data(trials):
    epochs, common = trials[0], VQVAE | {"bands": "raw"}
    small = estimate_cost(DuINVQVAE(**common | {"batch_size": 4}), epochs)
    large = estimate_cost(DuINVQVAE(**common | {"batch_size": 12}), epochs)
    assert large.n_bytes > small.n_bytes
    half = estimate_cost(DuINVQVAE(**common | {"batch_size": 4}), epochs[:12])
    assert small.n_bytes - half.n_bytes == 4 * 12 * len(epochs.ch_names) * 400


def test_wrong_arguments(trials):
    with pytest.raises(TypeError, match="`estimator` must be DuIN.* got dict"):
        estimate_cost(CLASSIFIER, trials[0])
    with pytest.raises(ValueError, match="`n_steps` must be at least 1; got 0"):
        estimate_cost(DuINVQVAE(**VQVAE), trials[0], n_steps=0)
    with pytest.raises(ValueError, match="`preset` must be one of"):
        estimate_cost(DuINVQVAE("slow"), trials[0])

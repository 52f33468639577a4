"""Fits in threads equal fits alone."""

import threading

import numpy as np
import pytest
import torch
from toy_trials import CLASSIFIER, simulate

from mne_duin.estimators import DuINClassifier

SEEDS = (0, 1, 2)


def fit(seed):
    """Dropout in the blocks and in the head, batches and shifts drawn at random."""
    X, y = simulate(16, n_times=200)
    options = CLASSIFIER | {"random_state": seed, "head_dropout": 0.3, "max_iter": 2}
    return DuINClassifier(**options).fit(X, y, sfreq=1000.0)


@pytest.mark.slow
def test_fits_in_threads_equal_fits_alone():
    X, _ = simulate(16, n_times=200)
    before = torch.get_rng_state()
    alone = {seed: fit(seed).predict_proba(X) for seed in SEEDS}
    assert torch.equal(torch.get_rng_state(), before)
    assert not np.array_equal(alone[0], alone[1])
    together = {}

    def work(seed):
        torch.set_num_threads(1)
        together[seed] = fit(seed).predict_proba(X)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in SEEDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together.keys() == alone.keys()
    for seed, probabilities in together.items():
        np.testing.assert_array_equal(probabilities, alone[seed])

"""Probabilities are usable without the published sigmoid, and flat with it."""

import numpy as np
import pytest
from sklearn.metrics import log_loss
from toy_trials import CLASSIFIER, SFREQ, simulate

from mne_duin.estimators import DuINClassifier

N_CLASSES, SEEDS = 3, range(3)
OPTIONS = CLASSIFIER | {"head_init": "random", "max_iter": 10, "lr": 3e-3}


def measure(activation, seed):
    """Log-loss, accuracy and highest probability on epochs that were held out."""
    X, y = simulate(72, n_classes=N_CLASSES, seed=seed)
    options = OPTIONS | {"head_activation": activation, "random_state": seed}
    estimator = DuINClassifier(**options).fit(X[:36], y[:36], sfreq=SFREQ)
    probabilities = estimator.predict_proba(X[36:])
    accuracy = np.mean(estimator.predict(X[36:]) == y[36:])
    return log_loss(y[36:], probabilities), accuracy, probabilities.max()


@pytest.mark.slow
def test_no_activation_is_better_calibrated_at_no_loss_of_accuracy():
    plain = np.array([measure(None, seed) for seed in SEEDS])
    published = np.array([measure("sigmoid", seed) for seed in SEEDS])
    assert (plain[:, 0] < published[:, 0]).all()
    assert plain[:, 0].max() < np.log(N_CLASSES)
    assert plain[:, 1].mean() >= published[:, 1].mean() - 0.02
    # Scores between 0 and 1 leave the softmax no more than this.
    bound = np.e / (np.e + N_CLASSES - 1)
    assert published[:, 2].max() <= bound + 1e-6
    assert plain[:, 2].max() > bound

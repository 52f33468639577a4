"""Fitted estimators, made once for the whole folder and never changed."""

import pytest
import torch
import toy_tokens
import toy_trials

# The networks are so small that threads only wait for each other.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def trials():
    X, y = toy_trials.simulate()
    runs = [f"0{1 + i // 12}" for i in range(len(y))]
    return toy_trials.as_epochs(X, run=runs), y


@pytest.fixture(scope="session")
def vqvae(trials):
    return toy_trials.fit_vqvae(trials[0])


@pytest.fixture(scope="session")
def fitted(trials, vqvae):
    kinds = (*toy_trials.KINDS, *toy_tokens.TOKEN_KINDS)
    return {
        kind: toy_tokens.make_any(kind, vqvae).fit(*toy_tokens.training(kind, trials))
        for kind in kinds
    }

"""Estimators that compile their steps learn what plain ones learn.

As in ``tests/training/test_compiling.py`` the captured graphs are run by torch's
``aot_eager`` backend.
"""

import numpy as np
import pytest
import torch
from toy_tokens import make_any, training
from toy_trials import output

from mne_duin import read_estimator
from mne_duin.estimators._prediction import LabelTraining
from mne_duin.training import _compiling

CALM = {"max_iter": 2, "precision": "32"}
STILL = CALM | {"attention_dropout": 0.0, "ff_dropout": 0.0}


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    monkeypatch.setattr(_compiling, "BACKEND", "aot_eager")
    torch._dynamo.reset()


def without_dropout(kind, vqvae, **changes):
    options = CALM if kind == "mae" else STILL
    return make_any(kind, vqvae, **options, **changes)


@pytest.fixture(scope="module")
def still(trials):
    """A first stage without dropout, whose encoder the masked stage takes over."""
    return without_dropout("vqvae", None).fit(trials[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vqvae", "mae", "classifier", "tokens"])
def test_compiled_equals_plain(kind, still, trials, tmp_path):
    data = training(kind, trials)
    plain = without_dropout(kind, still).fit(*data)
    ours = without_dropout(kind, still, compile=True).fit(*data)
    assert list(ours.module_.state_dict()) == list(plain.module_.state_dict())
    np.testing.assert_allclose(
        ours.history_["train_loss"], plain.history_["train_loss"], rtol=1e-4
    )
    if kind == "vqvae":
        assert (output(ours, trials[0]) == output(plain, trials[0])).mean() > 0.98
    else:
        np.testing.assert_allclose(
            output(ours, trials[0]), output(plain, trials[0]), atol=1e-3
        )
    again = read_estimator(ours.save(tmp_path / "model"))
    assert again.compile is True
    np.testing.assert_array_equal(output(again, trials[0]), output(ours, trials[0]))


@pytest.mark.slow
def test_a_compiled_training_continues_a_plain_one(trials, tmp_path):
    options = {"checkpoint_dir": tmp_path, "checkpoint_every": 1}
    stopped = without_dropout("classifier", None)

    def stop(*args):
        raise KeyboardInterrupt

    step, seen = LabelTraining(), []

    def step_until_the_second_pass(module, batch):
        seen.append(len(batch))
        return stop() if len(seen) > 3 else step(module, batch)

    stopped._training_step = lambda recipe, data: step_until_the_second_pass
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(*trials, **options)
    ours = without_dropout("classifier", None, compile=True)
    with pytest.warns(RuntimeWarning, match="compiled False -> True"):
        ours.fit(*trials, **options)
    expected = without_dropout("classifier", None).fit(*trials)
    np.testing.assert_allclose(
        output(ours, trials[0]), output(expected, trials[0]), atol=1e-3
    )


def test_compile_is_true_or_false(trials):
    estimator = make_any("classifier", None, compile="fast")
    with pytest.raises(TypeError, match="`compile` must be"):
        estimator.fit(*trials)

"""One battery over the networks of the comparison."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from torch.nn import functional
from toy_networks import KINDS, KINDS_BY_TIME, PRETRAINED, as_epochs, make, simulate

from mne_duin import read_baseline
from mne_duin.baselines.networks._cnn_bigru import RecurrentEncoder
from mne_duin.baselines.networks._eeg_conformer import ShallowConvolutions
from mne_duin.training import Batch

PUBLISHED = {
    "cnn_bigru": 0.54e6,
    "eeg_conformer": 2.34e6,
    "ts_tcc": 0.32e6,
    "neuro_bert": 2.14e6,
    "dewave": 5.70e6,
}


@pytest.fixture(scope="module")
def trials():
    X, y = simulate()
    return as_epochs(X, run=np.repeat(["1", "2"], 12)), y


@pytest.fixture(scope="module")
def fitted(trials):
    return {kind: make(kind).fit(*trials) for kind in KINDS}


def built(kind, n_channels=10, seconds=3.0, n_classes=61):
    """The network as the published sizes make it, without any training."""
    estimator = KINDS[kind][0]()
    estimator.classes_ = np.arange(n_classes)
    n_times = round(seconds * (estimator.network_sfreq or 1000.0))
    estimator.ch_names_, estimator.n_times_ = ["A"] * n_channels, n_times
    return estimator, estimator._build(n_channels, n_times)


@pytest.mark.parametrize("kind", PUBLISHED)
def test_size_is_near_the_published_table(kind):
    _, module = built(kind)
    n_parameters = sum(parameter.numel() for parameter in module.parameters())
    assert abs(n_parameters / PUBLISHED[kind] - 1) < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_reaches_every_parameter(kind, fitted):
    module = pickle.loads(pickle.dumps(fitted[kind].module_)).train()
    x = torch.randn(8, 4, fitted[kind].n_times_)
    batch = Batch(x, torch.arange(8) % 2)
    fitted[kind]._training_step()(module, batch)["loss"].backward()
    assert not [n for n, p in module.named_parameters() if p.grad is None]
    assert not [n for n, p in module.named_parameters() if not p.grad.any()]


@pytest.mark.parametrize("kind", PRETRAINED)
def test_gradient_of_the_task_without_labels_reaches_the_encoder(kind, fitted):
    estimator = fitted[kind]
    module = pickle.loads(pickle.dumps(estimator.module_)).train()
    task = estimator._build_task(module.encoder).train()
    task(torch.randn(8, 4, estimator.n_times_))["loss"].backward()
    assert not [n for n, p in task.named_parameters() if p.grad is None]
    assert not [n for n, p in task.named_parameters() if not p.grad.any()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_one_batch_is_learned_by_heart(kind, trials):
    epochs, y = trials
    # Shuffled labels: what is learned can only be the epochs themselves.
    y = np.random.default_rng(1).permutation(y)[:10]
    n_passes = 60 if kind == "dewave" else 150
    options = {"max_iter": n_passes, "lr": 5e-3, "lr_min": 5e-3, "weight_decay": 0.0}
    if kind in PRETRAINED:
        options["pretrain_iter"] = 0
    if kind == "eeg_conformer":
        # Its dropout of a half is there to keep it from overfitting.
        options["dropout"] = 0.0
    batch = epochs[:10].crop(0, 0.199)
    estimator = make(kind, **options).fit(batch, y)
    assert estimator.score(batch, y) == 1.0


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
@pytest.mark.by_default("ts_tcc")
def test_words_of_new_epochs_are_named(kind, trials):
    X, y = simulate(40, seed=1)
    options = {"max_iter": 30, "lr": 5e-3, "lr_min": 1e-3, "weight_decay": 0.0}
    estimator = make(kind, **options).fit(*trials)
    # Binomial(40, 0.5): 30 or more have a probability of 0.001.
    assert estimator.score(as_epochs(X), y) * 40 >= 30


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.by_default("cnn_2d", "eeg_conformer", "neuro_bert")
def test_grammar(kind, trials, fitted):
    epochs, _ = trials
    estimator = make(kind, lr=0.0123)
    copy = clone(estimator)
    assert copy.get_params() == estimator.get_params()
    assert is_classifier(estimator)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        estimator.predict(epochs)
    probabilities = fitted[kind].predict_proba(epochs)
    assert np.allclose(probabilities.sum(1), 1)
    best = fitted[kind].classes_[probabilities.argmax(1)]
    assert np.array_equal(fitted[kind].predict(epochs), best)
    assert fitted[kind].fit_groups_ == {"1", "2"}
    scores = cross_val_score(make(kind, max_iter=1), *trials, cv=2)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_and_global_randomness_is_left_alone(kind, trials, fitted):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    again = make(kind).fit(*trials)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    expected = fitted[kind].module_.state_dict()
    for name, value in again.module_.state_dict().items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_refit_with_other_sizes(kind, trials):
    estimator = make(kind).fit(*trials)
    X, y = simulate(12, 3, 300, n_classes=3, seed=2)
    epochs = as_epochs(X, ["x", "y", "z"])
    again = estimator.fit(epochs, y).predict_proba(epochs)
    assert again.shape == (12, 3)
    assert np.array_equal(again, make(kind).fit(epochs, y).predict_proba(epochs))
    with pytest.raises(ValueError, match="epochs of 0.4 s; .* fitted with 0.3 s"):
        estimator.predict(as_epochs(simulate(2, 3)[0], ["x", "y", "z"]))


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_read_again(kind, trials, fitted, tmp_path):
    path = fitted[kind].save(tmp_path / "model")
    again = read_baseline(path)
    expected = fitted[kind].predict_proba(trials[0])
    assert np.array_equal(again.predict_proba(trials[0]), expected)
    assert again.get_params() == fitted[kind].get_params()
    assert again.fit_groups_ == {"1", "2"}
    assert again.count_parameters() == fitted[kind].count_parameters()


@pytest.mark.slow
@pytest.mark.parametrize("kind", PRETRAINED)
def test_pretraining_learns_from_segments_without_labels(kind, trials):
    epochs, y = trials
    X, _ = simulate(6, n_times=1000, seed=3)
    segments = as_epochs(X, run=["3"] * 6)
    options = {"pretrain_iter": 12, "pretrain_lr": 3e-3}
    estimator = make(kind, **options).fit(epochs, y, unlabelled=segments)
    history = estimator.pretrain_history_
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert estimator.fit_groups_ == {"1", "2", "3"}
    alone = make(kind, **options).fit(epochs, y)
    expected = estimator.predict_proba(epochs)
    assert not np.array_equal(alone.predict_proba(epochs), expected)
    assert len(make(kind, pretrain_iter=0).fit(epochs, y).pretrain_history_) == 0
    with pytest.raises(ValueError, match="`unlabelled` segments last 0.2 s; .* 0.4 s"):
        make(kind).fit(epochs, y, unlabelled=segments.copy().crop(0, 0.199))


def test_a_rate_above_that_of_the_data_is_refused():
    X, y = simulate()
    with pytest.raises(ValueError, match=r"works at 400 Hz .* `X` has 250 Hz"):
        make("neuro_bert").fit(X, y, sfreq=250.0)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"kernel": 0}, ValueError, "`kernel` must be at least 1"),
        ({"dropout": 1.0}, ValueError, "`dropout` must be at least 0 and at most 0.95"),
        ({"max_iter": 1.5}, TypeError, "`max_iter` must be a whole number"),
    ],
)
def test_parameters_are_checked(changes, error, message, trials):
    with pytest.raises(error, match=message):
        make("cnn_bigru", **changes).fit(*trials)
    with pytest.raises(ValueError, match="`pooling` must be .*; got 'max'"):
        make("cnn_bigru", pooling="max").fit(*trials)
    with pytest.raises(ValueError, match="are too short for its convolutions"):
        make("eeg_conformer").fit(trials[0].copy().crop(0, 0.05), trials[1])
    with pytest.raises(ValueError, match=r"`dim` must be a multiple of `n_heads`"):
        make("dewave", n_heads=3).fit(*trials)
    with pytest.raises(ValueError, match=r"`kernels` must be odd; got \(8, 3\)"):
        make("dewave", kernels=(8, 3)).fit(*trials)
    with pytest.raises(ValueError, match="`n_steps` must be less than the 8 tokens"):
        make("ts_tcc", n_steps=8).fit(*trials)


def test_contrasting_predicts_fewer_tokens_of_short_epochs(trials):
    X, y = trials
    for stop, expected in ((0.3, 4), (None, 5)):
        network = make("ts_tcc", n_steps=None).fit(X.copy().crop(0, stop), y)
        assert network.n_steps_ == expected


def test_the_recurrent_network_reads_all_outputs_or_the_last_states():
    torch.manual_seed(0)
    sizes = {"n_filters": 5, "kernel": 3, "stride": 2, "n_layers": 2, "dropout": 0.0}
    encoder = RecurrentEncoder(3, **sizes, pooling="mean").eval()
    x = torch.randn(4, 3, 20)
    outputs, _ = encoder.gru(encoder.norm(encoder.convolution(x)).mT)
    assert torch.equal(encoder(x), outputs.mean(1, keepdim=True))
    encoder.pooling = "last"
    forward, backward = outputs[:, -1, :5], outputs[:, 0, 5:]
    assert torch.equal(encoder(x)[:, 0], torch.cat([forward, backward], -1))


def test_the_two_convolutions_of_the_conformer_are_one():
    torch.manual_seed(0)
    layer = ShallowConvolutions(3, 8, kernel=5, pool=4, pool_stride=2, dropout=0.0)
    parameters = [*layer.temporal.parameters(), *layer.spatial.parameters()]
    x = torch.randn(2, 3, 40)
    one = functional.conv1d(x, *layer._both())
    two = layer.spatial(layer.temporal(x[:, None]))[:, :, 0]
    assert torch.allclose(one, two, atol=1e-6)
    found = torch.autograd.grad(one.square().sum(), parameters)
    wanted = torch.autograd.grad(two.square().sum(), parameters)
    for gradient, expected in zip(found, wanted, strict=True):
        assert torch.allclose(gradient, expected, rtol=1e-4, atol=1e-4)

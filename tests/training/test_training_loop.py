"""The schedule, the decay groups, the loop and its records."""

import math
import random

import numpy as np
import pytest
import torch
from torch import nn

from mne_duin.nn import MAE, Quantizer, build_encoder, build_vqvae
from mne_duin.nn._layers import cheap_dropout
from mne_duin.training import (
    History,
    SignalData,
    _compiling,
    _devices,
    choose_device,
    choose_precision,
    train,
)
from mne_duin.training._engine import (
    decay_groups,
    evaluate,
    learning_rate,
    make_optimizer,
)

SMALL = {"n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 16, "n_filters": 4}


class Line(nn.Module):
    """One weight; its loss on a batch is the weight's distance to the mean of x."""

    def __init__(self, start=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[start]]))
        self.dropout = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(1)


def distance(module, batch):
    value = module.norm(module.dropout(batch.x.mean(-1)))
    loss = (module.weight - 1).square().mean() + 0 * value.sum()
    return {"loss": loss, "value": batch.x.mean()}


def constant(module, batch):
    """A loss that pulls the weight up, and scripted validation scores."""
    script = module.script
    score = torch.tensor(float(script[min(module.seen, len(script) - 1)]))
    if not module.training:
        module.seen += 1
    return {"loss": -module.weight.mean(), "accuracy": score}


def signal(n_epochs=10):
    rng = np.random.default_rng(0)
    return SignalData(rng.standard_normal((n_epochs, 1, 20)).astype(np.float32))


def run(module, step=distance, **changes):
    options = {"max_iter": 6, "batch_size": 4, "lr": 0.1, "verbose": False}
    return train(module, step, signal(), **options | changes)


def test_the_schedule():
    options = {"lr": 1.0, "lr_min": 0.1, "n_warmup": 4}
    rates = [learning_rate(i, 20, **options) for i in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert all(a > b for a, b in zip(rates[4:], rates[5:], strict=False))
    middle = learning_rate(12, 21, **options)
    assert middle == pytest.approx((1 + 0.1) / 2)
    cosine = [0.1 + 0.45 * (1 + math.cos(math.pi * i / 15)) for i in range(16)]
    assert rates[4:] == pytest.approx(cosine)


@pytest.mark.parametrize("n_passes", [1, 2, 3])
@pytest.mark.parametrize("n_warmup", [0, 1, 2, 5])
def test_the_schedule_of_very_short_trainings(n_passes, n_warmup):
    options = {"lr": 1.0, "lr_min": 0.1, "n_warmup": n_warmup}
    rates = [learning_rate(i, n_passes, **options) for i in range(n_passes)]
    assert all(0.1 <= rate <= 1 for rate in rates)


def networks():
    encoder = build_encoder(3, n_subjects=2, **SMALL)
    yield build_vqvae(encoder, Quantizer(encoder.dim, 8, 4), n_decoder_layers=1)
    yield MAE(build_encoder(3, n_subjects=2, **SMALL), 8)


def test_only_matrices_decay():
    for network in networks():
        groups = decay_groups(network, 0.05)
        assert {group["weight_decay"] for group in groups} == {0.05, 0.0}
        decayed = {id(p) for g in groups if g["weight_decay"] for p in g["params"]}
        for name, parameter in network.named_parameters():
            is_matrix = parameter.ndim >= 2 and not name.endswith("bias")
            assert (id(parameter) in decayed) == is_matrix, name
        assert network.encoder.spatial.bias.ndim == 2
        assert id(network.encoder.spatial.bias) not in decayed
        n_grouped = sum(len(group["params"]) for group in groups)
        assert n_grouped == len(list(network.parameters()))


def test_the_longest_prefix_sets_the_rate():
    network = next(networks())
    scale = {"encoder": 0.1, "encoder.spatial": 0.5}
    groups = decay_groups(network, 0.05, scale)
    found = {id(p): g["lr_scale"] for g in groups for p in g["params"]}
    for name, parameter in network.named_parameters():
        matches = [key for key in scale if name.startswith(key)]
        expected = scale[max(matches, key=len)] if matches else 1.0
        assert found[id(parameter)] == expected, name
    network.encoder.spatial.weight.requires_grad_(False)
    groups = decay_groups(network, 0.05)
    grouped = {id(p) for group in groups for p in group["params"]}
    assert id(network.encoder.spatial.weight) not in grouped


def test_a_rate_of_zero_freezes_a_part():
    network = next(networks())
    before = {name: value.clone() for name, value in network.named_parameters()}
    optimizer = make_optimizer(
        network, lr=0.1, weight_decay=0.1, lr_scale={"encoder": 0.0}
    )
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * group["lr_scale"]
    network(torch.randn(2, 3, 200), torch.tensor([0, 1]))[0].sum().backward()
    optimizer.step()
    for name, value in network.named_parameters():
        if value.grad is not None:
            assert torch.equal(value, before[name]) == name.startswith("encoder"), name


def test_what_does_not_move_has_no_gradient_while_others_learn():
    seen = []

    class Two(Line):
        def __init__(self):
            super().__init__()
            self.still = torch.nn.Parameter(torch.tensor([2.0]))

    module = Two()

    def note(module, index, generator):
        seen.append(module.still.requires_grad)

    run(module, max_iter=2, lr_scale={"still": 0.0}, begin_pass=note)
    assert seen == [False, False]
    assert module.still.requires_grad
    assert module.still.item() == 2


@pytest.mark.parametrize("scale", [0.0, 0.5])
def test_a_part_that_does_not_move_keeps_its_statistics(scale):
    module = Line()
    before = module.norm.running_mean.clone()
    run(module, max_iter=2, lr_scale={"norm": scale})
    assert torch.equal(module.norm.running_mean, before) == (scale == 0)


def test_training_approaches_the_optimum_and_keeps_records():
    module = Line()
    history, best = run(module, max_iter=60, lr_min=0.01, n_warmup=6)
    assert module.weight.item() == pytest.approx(1, abs=0.05)
    assert best is None
    assert not module.training
    table = history.to_frame()
    assert table["pass"].tolist() == list(range(1, 61))
    rates = [learning_rate(i, 60, lr=0.1, lr_min=0.01, n_warmup=6) for i in range(60)]
    assert table["lr"].tolist() == rates
    assert (table["seconds"] > 0).all()
    assert table["train_loss"].iloc[-1] < 0.01 < table["train_loss"].iloc[0]
    assert str(history).startswith("History of 60 passes; last: lr 0.01, train_loss")
    assert len(history) == 60
    assert str(History()) == "History of no pass"


def test_losses_are_means_over_epochs_not_over_batches():
    data = signal()
    history, _ = run(Line(), batch_size=4, max_iter=1)
    assert history["train_value"][0] == pytest.approx(data.x.mean().item(), abs=1e-6)
    means = evaluate(Line(), distance, data, 4)
    assert means["valid_value"] == pytest.approx(data.x.mean().item(), abs=1e-6)
    assert set(means) == {"valid_loss", "valid_value"}


@pytest.mark.parametrize(
    ("script", "best"),
    [([1, 3, 3, 2, 3, 0], 2), ([5, 1, 5, 5, 5, 5], 1), ([0, 0, 0, 0, 0, 1], 6)],
)
def test_the_earliest_best_pass_is_restored(script, best):
    module, seen = Line(), []
    module.script, module.seen = script, 0
    data = SignalData(signal(4).x)
    history, iteration = train(
        module,
        constant,
        data,
        max_iter=6,
        batch_size=4,
        lr=0.1,
        lr_min=0.05,
        validation=data,
        monitor="valid_accuracy",
        end_pass=lambda module, index, generator: seen.append(module.weight.item()),
        verbose=False,
    )
    assert history["valid_accuracy"].tolist() == script
    assert iteration == best
    assert module.weight.item() == seen[best - 1]
    assert len(set(seen)) == 6


def test_losses_are_minimised():
    history, best = run(
        Line(start=3.0), max_iter=40, lr=0.3, validation=signal(), monitor="valid_loss"
    )
    assert best == np.argmin(history["valid_loss"]) + 1
    assert "valid_value" in history.to_frame()


def test_evaluation_changes_nothing():
    for module in (Line(), *networks()):
        module.train()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        states = torch.get_rng_state(), random.getstate()
        step = distance if isinstance(module, Line) else dummy_loss
        data = signal()
        if not isinstance(module, Line):
            data = SignalData(np.ones((4, 3, 200), np.float32))
        evaluate(module, step, data, 4)
        assert module.training
        assert torch.equal(torch.get_rng_state(), states[0])
        assert random.getstate() == states[1]
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[name]), name


def dummy_loss(module, batch):
    if isinstance(module, MAE):
        mask = torch.zeros(len(batch), 2, dtype=torch.bool)
        return {"loss": module(batch.x, mask).square().mean()}
    return {"loss": module(batch.x)[0].square().mean()}


def test_the_seed_decides_and_nothing_else():
    torch.manual_seed(5)
    first = run(Line(1.0), dropped, seed=3)[0]["train_loss"]
    before = torch.get_rng_state()
    again = run(Line(1.0), dropped, seed=3)[0]["train_loss"]
    assert torch.equal(torch.get_rng_state(), before)
    other = run(Line(1.0), dropped, seed=4)[0]["train_loss"]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def dropped(module, batch):
    x = cheap_dropout(batch.x, 0.5, module.training)
    return {"loss": (module.weight * x.mean(-1)).square().mean()}


def test_a_loss_that_is_not_finite_stops_the_training():
    module = Line(start=float("nan"))
    with pytest.raises(
        ValueError,
        match=r"Training diverged: the loss of pass 1 \(train_loss\) is nan. Lower",
    ):
        run(module)


def test_a_loss_of_held_out_data_that_is_not_finite_stops_the_training():
    def step(module, batch):
        losses = distance(module, batch)
        return losses if module.training else {"loss": losses["loss"] / 0}

    with pytest.raises(ValueError, match=r"loss of pass 1 \(valid_loss\) is inf"):
        run(Line(2.0), step, validation=signal())


@pytest.mark.parametrize(
    "options",
    [{"lr": float("inf")}, {"weight_decay": float("inf")}, {"weight_decay": 3e38}],
)
def test_numbers_that_are_not_finite_stop_the_training(options):
    options = {"max_iter": 1, "batch_size": 16, "lr": 100.0} | options
    with pytest.raises(ValueError, match="diverged: weight is not finite after pass 1"):
        run(Line(2.0), **options)


def test_what_the_last_step_did_is_seen():
    def step(module, batch):
        return {"loss": (module.weight**2).mean()}

    with pytest.raises(ValueError, match=r"the loss of pass 1 \(loss\) is inf"):
        run(Line(2.0), step, max_iter=1, batch_size=16, lr=1e30)


def test_hooks_see_every_pass_and_join_the_record():
    seen = []
    history, _ = run(
        Line(),
        max_iter=3,
        begin_pass=lambda module, index, generator: seen.append(("begin", index)),
        end_pass=lambda module, index, generator: {"double": 2 * index},
    )
    assert seen == [("begin", 0), ("begin", 1), ("begin", 2)]
    assert history["double"].tolist() == [0, 2, 4]


def test_a_history_has_holes_where_a_pass_has_no_value():
    history = History([{"pass": 1, "valid_loss": 0.5}, {"pass": 2}])
    assert np.isnan(history["valid_loss"][1])
    with pytest.raises(KeyError, match=r"no 'loss'; it has \['pass', 'valid_loss'\]"):
        history["loss"]


def test_devices_and_precisions():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device().type in ("cpu", "cuda", "mps")
    for wrong in ("abacus", "cuda:99", None):
        with pytest.raises(ValueError, match="`device` must be 'auto' or a device of"):
            choose_device(wrong)
    cpu = torch.device("cpu")
    assert choose_precision("32", cpu) is None
    assert choose_precision("bf16", cpu) is torch.bfloat16
    assert choose_precision("auto", cpu) in (None, torch.bfloat16)
    with pytest.raises(
        ValueError, match="`precision` must be one of '32', 'bf16', 'au"
    ):
        choose_precision(16, cpu)


def test_a_refused_training_leaves_no_weight_frozen(monkeypatch):
    monkeypatch.setattr(_compiling, "n_processes", lambda: 2)
    module = Line()
    with pytest.raises(ValueError, match="for one process; got 2"):
        run(module, compile=True, lr_scale={"weight": 0.0})
    assert module.weight.requires_grad


@pytest.mark.parametrize(
    ("instructions", "speed", "expected"),
    [
        ("amx_bf16", 8.0, torch.bfloat16),
        ("avx512_bf16", 2.0, torch.bfloat16),
        ("avx512_bf16", 0.5, None),  # the instructions alone are no gain
        ("avx512_f", 2.0, None),  # emulated: never measured
    ],
)
def test_automatic_precision_is_the_faster_one(
    instructions, speed, expected, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: True})
    monkeypatch.setattr(_devices, "speed_of_bfloat16", lambda: speed)
    assert choose_precision("auto", torch.device("cpu")) is expected


@pytest.mark.skipif(
    not torch.cpu.get_capabilities().get("avx512_bf16"), reason="takes minutes"
)
def test_the_speed_of_bfloat16_is_measured_once():
    speed = _devices.speed_of_bfloat16()
    assert 0 < speed < np.inf
    assert _devices.speed_of_bfloat16() == speed


def test_half_precision_trains_too():
    history, _ = run(Line(), max_iter=4, dtype=torch.bfloat16)
    assert np.isfinite(history["train_loss"]).all()

"""The training steps that the benchmarks time, at the published sizes.

Ours are the steps that the estimators hand to the training loop; the published ones
stand in :mod:`published_steps`. Both see the same random signal.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from mne_duin.estimators._mae import MaskedTraining
from mne_duin.estimators._prediction import LabelTraining
from mne_duin.estimators._vqvae import CodexTraining
from mne_duin.nn import (
    MAE,
    Classifier,
    Quantizer,
    build_encoder,
    build_vqvae,
    random_mask,
)
from mne_duin.training import SignalData
from mne_duin.training._compiling import compiled
from mne_duin.training._devices import local_batch
from mne_duin.training._engine import make_optimizer

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
sys.path[:0] = [str(GOLDEN), str(Path(__file__).parent)]

import fill  # noqa: E402
import published_steps as published  # noqa: E402

N_CHANNELS, N_CLASSES, N_CODES = 10, 61, 2048
# Batch and length in samples of the three stages.
SIZES = {"vqvae": (32, 4000), "mae": (64, 4000), "cls": (32, 3000)}
# Of an inference, as of a prediction: weights are cast to bfloat16 once for all.
N_BATCHES = 4


@dataclass
class Stage:
    """A network, the step that the training loop calls, and data."""

    module: torch.nn.Module
    step: object
    data: SignalData
    batch_size: int

    def batch(self):
        """The first batch, cropped in the middle."""
        return next(iter(self.data.batches(self.batch_size)))


def signal(stage, n_batches=1, slack=0):
    """Random epochs and labels."""
    n_epochs, n_times = SIZES[stage]
    generator = torch.Generator().manual_seed(0)
    shape = (n_batches * n_epochs, N_CHANNELS, n_times + slack)
    x = torch.randn(shape, generator=generator)
    return x, torch.randint(N_CLASSES, (len(x),), generator=generator)


def build(stage, *, n_batches=1, device="cpu"):
    """Return our network and step at the published sizes."""
    torch.manual_seed(0)
    encoder = build_encoder(N_CHANNELS)
    vqvae = build_vqvae(encoder, Quantizer(encoder.dim, N_CODES))
    # Pre-training crops half of segments of 8 s, fine-tuning shifts by up to 0.3 s.
    x, y = signal(stage, n_batches, slack=0 if stage == "cls" else SIZES[stage][1])
    shift = 300 if stage == "cls" else 0
    data = SignalData(x, y=y, n_times=SIZES[stage][1], max_shift=shift, device=device)
    if stage == "vqvae":
        module = vqvae
        step = CodexTraining(
            data,
            start="random",
            n_unquantized=0,
            revive=False,
            n_revive=0,
            commitment=1.0,
        )
        step.begin_pass(module.to(device), 0, None)
    elif stage == "mae":
        step = MaskedTraining(
            vqvae.to(device).eval(), target="codes", mask_ratio=0.5, patch_size=100
        )
        module = MAE(build_encoder(N_CHANNELS), N_CODES)
    else:
        n_tokens = SIZES[stage][1] // 100
        module, step = Classifier(encoder, n_tokens, N_CLASSES), LabelTraining()
    return Stage(module.to(device), step, data, SIZES[stage][0])


def our_step(stage, dtype=None, *, device="cpu", compile=False):
    """Return a function that makes one training step of ours, compiled or not."""
    made = build(stage, device=device)
    module, batch = made.module.train(), local_batch(made.batch())
    network = compiled(module, torch.device(device)) if compile else module
    optimizer = make_optimizer(module, lr=1e-4, weight_decay=0.05)

    def step():
        with torch.autocast(
            torch.device(device).type, dtype, enabled=dtype is not None
        ):
            losses = made.step(network, batch)
        optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimizer.step()
        return losses["loss"].detach()

    return step


def published_weights(stage):
    """Return weights in the published layout, with positions of the right length."""
    _, layout = fill.load_case("one_subject", GOLDEN)
    shapes = layout[stage] | {"emb_time.time_encodings": [SIZES[stage][1] // 100, 160]}
    arrays = fill.fill_state_dict(shapes)
    return {name: torch.as_tensor(value) for name, value in arrays.items()}


def published_loss(stage):
    """Return a function that computes the published loss of a batch, and parameters."""
    weights = published_weights(stage)
    parameters = published.trainable(weights)
    x, y = signal(stage)
    x = x.transpose(1, 2).contiguous()
    subject, real = torch.ones(len(x), 1), torch.ones(len(x), N_CHANNELS)
    if stage == "vqvae":
        return lambda: published.vqvae_loss(weights, x, subject, real), parameters
    if stage == "cls":
        one_hot = torch.nn.functional.one_hot(y, N_CLASSES).float()
        return lambda: published.classifier_loss(
            weights, x, subject, one_hot
        ), parameters
    codex = published_weights("vqvae")

    def loss():
        one_hot = published.lookup(codex, x, subject)
        mask = random_mask(*one_hot.shape[:2])
        return published.mae_loss(weights, x, subject, mask, one_hot)

    return loss, parameters


def published_step(stage):
    """Return a function that makes one published training step."""
    loss, parameters = published_loss(stage)
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.05)

    def step():
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach()

    return step


def published_flop(stage):
    """Count the floating-point operations of the published loss and its gradient."""
    loss, _ = published_loss(stage)
    counter = FlopCounterMode(display=False)
    with counter:
        loss().backward()
    return counter.get_total_flops()


def our_inference(dtype=None):
    """Return a function that scores some batches of epochs with our classifier."""
    made = build("cls", n_batches=N_BATCHES)
    module = made.module.eval()

    @torch.inference_mode()
    def infer():
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            return [module(batch.x) for batch in made.data.batches(made.batch_size)]

    return infer


def published_inference():
    """Return a function that scores the same batches with the published classifier."""
    weights = published_weights("cls")
    batch_size, _ = SIZES["cls"]
    x, _ = signal("cls", N_BATCHES)
    batches = x.transpose(1, 2).contiguous().split(batch_size)
    subject = torch.ones(batch_size, 1)

    @torch.inference_mode()
    def infer():
        return [scores(batch) for batch in batches]

    def scores(batch):
        encoded = published.encode(weights, batch, subject, 0.0, False)
        # The published classifier quantizes here as well and drops the result.
        published.quantize(weights, encoded, False)
        return published.scores(weights, encoded)

    return infer


def matrix_product(dtype, size=2048):
    """Return a function that multiplies square matrices, and its operations."""
    a, b = torch.randn(2, size, size).to(dtype)
    return lambda: a @ b, 2 * size**3


def seconds(function, *, rounds=5, warmup=2):
    """Return the time of each call, after warming up."""
    for _ in range(warmup):
        function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times

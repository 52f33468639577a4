"""Few trials per word: what each ingredient, and each thing that was tried, is worth.

Three simulated subjects with the strengths of ``learning_curves.py`` and seeds on which
nothing was tuned; training trials come from five runs, whose segments are also what
pre-training sees, 320 test trials from four more. A row changes one thing of the quick
preset; its difference is from the row that it names, paired over the test trials.
What the networks say of the test trials is kept in ``--results``, and what is there is
not made again::

    python tests/benchmarks/low_data.py --results results/low_data
"""

import argparse
import time
from functools import cache, partial
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import torch
from scipy.special import log_softmax, softmax
from simulated_words import simulate_words
from sklearn.metrics import log_loss
from torch.nn import functional

from mne_duin import DuINClassifier, DuINMAE, DuINVQVAE
from mne_duin.baselines._make_estimator import make_estimator
from mne_duin.datasets import SimulationSettings

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "low_data.tsv"
# Strength of the responses, fraction of them that is locked in phase.
SIMULATIONS = {721: (0.8, 0.5), 722: (0.5, 0.8), 723: (1.2, 0.2)}
N_TRAINING_RUNS = 5
COMMON = {"verbose": False}


class Mixup(DuINClassifier):
    """Mix pairs of trials and their labels (Zhang et al., ICLR 2018)."""

    def _training_step(self, recipe, data):
        return partial(self._mixed, super()._training_step(recipe, data))

    def _mixed(self, step, module, batch):
        if not module.training:
            return step(module, batch)
        share = torch.distributions.Beta(0.2, 0.2).sample()
        other = torch.randperm(len(batch.x))
        x = share * batch.x + (1 - share) * batch.x[other]
        scores = module(x, batch.subject).float()
        own = functional.cross_entropy(scores, batch.y)
        others = functional.cross_entropy(scores, batch.y[other])
        accuracy = (scores.argmax(-1) == batch.y).float().mean()
        return {"loss": share * own + (1 - share) * others, "accuracy": accuracy}


class Masked(DuINClassifier):
    """Hide something of every training trial, with another mask in each step."""

    def _training_step(self, recipe, data):
        return partial(self._masked, super()._training_step(recipe, data))

    def _masked(self, step, module, batch):
        if module.training:
            batch = type(batch)(self._hide(batch.x), batch.y, batch.subject)
        return step(module, batch)


class TimeMasked(Masked):
    """Hide a stretch of 300 ms."""

    def _hide(self, x):
        first = torch.randint(x.shape[-1] - 300, (len(x), 1))
        moment = torch.arange(x.shape[-1])
        hidden = (moment >= first) & (moment < first + 300)
        return x.masked_fill(hidden[:, None], 0.0)


class ChannelMasked(Masked):
    """Hide every tenth input."""

    def _hide(self, x):
        return x.masked_fill(torch.rand(*x.shape[:2], 1) < 0.1, 0.0)


class LayerDecay(DuINClassifier):
    """Let every layer learn at 0.8 of the rate of the one above."""

    def _train(self, *args, lr_scale, **options):
        scale = {"encoder": 0.8 ** (self.n_layers + 1)}
        for block in range(self.n_layers):
            name = f"encoder.transformer.blocks.{block}."
            scale[name] = 0.8 ** (self.n_layers - block)
        super()._train(*args, lr_scale=scale, **options)


class WeightAverage(DuINClassifier):
    """Average the weights of the last half of the passes."""

    def _train(self, *args, **options):
        kept = []

        def keep(module, index, _):
            if index >= self.max_iter // 2:
                state = module.state_dict()
                kept.append({name: value.clone() for name, value in state.items()})

        super()._train(*args, end_pass=keep, **options)
        mean = {
            name: torch.stack([state[name] for state in kept]).float().mean(0)
            for name in kept[0]
        }
        own = self.module_.state_dict()
        self.module_.load_state_dict({n: v.to(own[n].dtype) for n, v in mean.items()})


class ShiftedTests(DuINClassifier):
    """Average the scores of a test trial over shifts by up to 30 ms."""

    def _network_scores(self, x, subject):
        scores = []
        for shift in (-30, -15, 0, 15, 30):
            moved = np.roll(x, shift, axis=-1)
            if shift:
                moved[..., slice(None, shift) if shift > 0 else slice(shift, None)] = 0
            scores.append(super()._network_scores(moved, subject))
        return np.mean(scores, axis=0)


# The table was measured with the blocks of the published encoder.
BLOCKS = {"n_layers": 8}
SCRATCH, CODEX, MASKED = "from scratch", "codex", "codex and masked model"
LDA = "shrinkage LDA"
LEARNS = {"front_lr_scale": 1.0}
NARROW = {"n_filters": 16, "conv_filters": (128, 128, 16)}
# What a row is compared with, its class and parameters, and the parameters of codex and
# masked model; None leaves the stage out.
NETWORKS = {
    SCRATCH: (None, DuINClassifier, {}, None, None),
    "without high gamma": (SCRATCH, DuINClassifier, {"bands": "raw"}, None, None),
    "random start": (SCRATCH, DuINClassifier, {"init": "random"}, None, None),
    "random head": (SCRATCH, DuINClassifier, {"head_init": "random"}, None, None),
    "16 filters": (SCRATCH, DuINClassifier, NARROW, None, None),
    "head of 32": (SCRATCH, DuINClassifier, {"hidden_dim": 32}, None, None),
    "2 blocks": (SCRATCH, DuINClassifier, {"n_layers": 2}, None, None),
    "no shifts": (SCRATCH, DuINClassifier, {"max_shift": 0.0}, None, None),
    "twice the passes": (SCRATCH, DuINClassifier, {"max_iter": 16}, None, None),
    "half of the passes": (SCRATCH, DuINClassifier, {"max_iter": 4}, None, None),
    "smoothed labels": (SCRATCH, DuINClassifier, {"label_smoothing": 0.1}, None, None),
    "dropout in the head": (SCRATCH, DuINClassifier, {"head_dropout": 0.5}, None, None),
    "mixup": (SCRATCH, Mixup, {}, None, None),
    "time masks": (SCRATCH, TimeMasked, {}, None, None),
    "channel masks": (SCRATCH, ChannelMasked, {}, None, None),
    "weights averaged": (SCRATCH, WeightAverage, {"max_iter": 8}, None, None),
    "shifts at test time": (SCRATCH, ShiftedTests, {}, None, None),
    CODEX: (SCRATCH, DuINClassifier, {}, {}, None),
    "codex, frozen encoder": (
        CODEX, DuINClassifier, {"encoder_lr_scale": 0.0}, {}, None,
    ),
    "codex, slow encoder": (CODEX, DuINClassifier, {"encoder_lr_scale": 0.1}, {}, None),
    "codex, layer-wise decay": (CODEX, LayerDecay, {}, {}, None),
    "codex, front learns": (CODEX, DuINClassifier, {}, LEARNS, None),
    "codex, published start": (
        CODEX, DuINClassifier, {},
        {"codex_init": "first-batch", "revive_codes": False}, None,
    ),
    "codex, half of the recording": (CODEX, DuINClassifier, {}, {"share": 0.5}, None),
    "codex, 4 times the passes": (CODEX, DuINClassifier, {}, {"max_iter": 20}, None),
    MASKED: (CODEX, DuINClassifier, {}, {}, {}),
    "masked model, 3 times the passes": (
        MASKED, DuINClassifier, {}, {}, {"max_iter": 24},
    ),
    "masked model, learns freely": (
        MASKED, DuINClassifier, {}, {}, {"encoder_lr_scale": 1.0},
    ),
}  # fmt: skip
# Trained with other random numbers, for the mean of three.
AGAIN = {f"{SCRATCH}, seed {seed}": seed for seed in (1, 2)}
RIEMANN = "Riemann, calibrated"
LINEAR = {
    LDA: ("lda", {}),
    f"{LDA}, calibrated": ("lda", {"calibrated": True}),
    RIEMANN: ("riemann", {"calibrated": True}),
}
BOTH = "calibrated LDA and Riemann, no network"
# Means of log-probabilities: what a row is compared with, and its members.
VOTES = {
    "three networks": (SCRATCH, (SCRATCH, *AGAIN)),
    f"{SCRATCH}, with the LDA as it is": (SCRATCH, (SCRATCH, LDA)),
    f"{SCRATCH}, with the calibrated LDA": (SCRATCH, (SCRATCH, f"{LDA}, calibrated")),
    f"{CODEX}, with the calibrated LDA": (CODEX, (CODEX, f"{LDA}, calibrated")),
    f"{MASKED}, with the calibrated LDA": (MASKED, (MASKED, f"{LDA}, calibrated")),
    BOTH: (LDA, (f"{LDA}, calibrated", RIEMANN)),
    f"{SCRATCH}, with both": (BOTH, (SCRATCH, f"{LDA}, calibrated", RIEMANN)),
    f"{CODEX}, with both": (BOTH, (CODEX, f"{LDA}, calibrated", RIEMANN)),
    f"{MASKED}, with both": (BOTH, (MASKED, f"{LDA}, calibrated", RIEMANN)),
}
COLUMNS = (
    "variant", "compared with", "simulations", "accuracy", "difference", "low", "high",
    "log-loss", "seconds",
)  # fmt: skip
MEMBERS = {**dict.fromkeys(LINEAR, SCRATCH), **{k: v[0] for k, v in NETWORKS.items()}}


@cache
def load(seed):
    """Return trials, their words and runs, and the segments of the training runs."""
    snr, phase_locked = SIMULATIONS[seed]
    settings = SimulationSettings(
        n_runs=N_TRAINING_RUNS + 4, n_trials_per_word=10, sfreq=1000.0, line_noise=0.0,
        snr=snr, phase_locked=phase_locked,
    )  # fmt: skip
    epochs, segments = simulate_words(settings, seed)
    names = {code: name for name, code in epochs.event_id.items()}
    y = np.array([names[code] for code in epochs.events[:, 2]])
    run = epochs.metadata["run"].astype(int).to_numpy()
    known = segments.metadata["run"].astype(int).to_numpy() <= N_TRAINING_RUNS
    return epochs, y, run, segments[np.flatnonzero(known)]


def split(seed, amount):
    """Return so many training trials per word, and all test trials."""
    _, y, run, _ = load(seed)
    known = np.flatnonzero(run <= N_TRAINING_RUNS)
    order = np.random.default_rng([0, 3]).permutation(known)
    train = [order[y[order] == word][:amount] for word in np.unique(y)]
    return np.sort(np.concatenate(train)), np.flatnonzero(run > N_TRAINING_RUNS)


@cache
def pretrain(seed, codex, masked):
    """Return a pre-trained stage and the seconds it took; parameters as items."""
    if codex is None:
        return None, 0.0
    segments, options = load(seed)[3], dict(codex)
    start = time.process_time()
    if masked is not None:
        first, seconds = pretrain(seed, codex, None)
        stage = DuINMAE(first, random_state=0, **dict(masked), **COMMON).fit(segments)
        return stage, seconds + time.process_time() - start
    segments = segments[: round(len(segments) * options.pop("share", 1.0))]
    stage = DuINVQVAE(random_state=0, **options, **BLOCKS, **COMMON).fit(segments)
    return stage, time.process_time() - start


def fit_network(name, seed, amount, random_state):
    """Return the log-probabilities of the test trials, and processor seconds."""
    _, network, parameters, codex, masked = NETWORKS[name]
    epochs, y, _, _ = load(seed)
    train, test = split(seed, amount)
    items = [None if d is None else tuple(d.items()) for d in (codex, masked)]
    stage, seconds = pretrain(seed, *items)
    start = time.process_time()
    options = BLOCKS | parameters | COMMON
    network = network(stage, random_state=random_state, **options)
    network.fit(epochs[train], y[train])
    scores = np.log(network.predict_proba(epochs[test]) + 1e-12)
    return scores, seconds + time.process_time() - start


def fit_linear(name, seed, amount):
    """Return the log-probabilities of a linear decoder, and processor seconds."""
    epochs, y, _, _ = load(seed)
    train, test = split(seed, amount)
    start = time.process_time()
    kind, parameters = LINEAR[name]
    decoder = make_estimator(kind, **parameters).fit(epochs[train], y[train])
    scores = np.log(decoder.predict_proba(epochs[test]) + 1e-12)
    return scores, time.process_time() - start


def fit(name, seed, amount):
    """Return what a member says of the test trials, and processor seconds."""
    if name in LINEAR:
        return fit_linear(name, seed, amount)
    if name in AGAIN:
        return fit_network(SCRATCH, seed, amount, AGAIN[name])
    return fit_network(name, seed, amount, 0)


def keep(folder, name, make):
    """Return what was kept under a name, or make and keep it."""
    path = folder / f"{name}.npz"
    if not path.exists():
        scores, seconds = make()
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, scores=scores, seconds=seconds)
        part.replace(path)
        print(name, f"{seconds:.0f} s", flush=True)
    with np.load(path) as file:
        return file["scores"], float(file["seconds"])


def tabulate(folder, seeds, amount):
    """Return a row for all that was found, and for the ensembles of its members."""
    found, seconds = {}, {}
    for path in folder.glob(f"*-{amount}-*.npz"):
        seed, _, name = path.stem.split("-", 2)
        if int(seed) in seeds:
            key = name, int(seed)
            found[key], seconds[key] = keep(folder, path.stem, None)
    for name, (_, members) in VOTES.items():
        for seed in seeds:
            keys = [(member, seed) for member in members]
            if all(key in found for key in keys):
                logs = [log_softmax(found[key], axis=1) for key in keys]
                found[name, seed] = np.mean(logs, axis=0)
                seconds[name, seed] = sum(seconds[key] for key in keys)
    compared = MEMBERS | {name: other for name, (other, _) in VOTES.items()}
    rows = [
        describe(name, other, found, seconds, amount)
        for name, other in compared.items()
        if any(name == known for known, _ in found)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def describe(name, other, found, seconds, amount):
    """Return a row: means over simulations, and the paired difference over trials."""
    seeds = [seed for known, seed in found if known == name]
    truth = {seed: load(seed)[1][split(seed, amount)[1]] for seed in seeds}
    correct = {
        key: np.unique(truth[key[1]])[scores.argmax(1)] == truth[key[1]]
        for key, scores in found.items()
        if key[1] in seeds
    }
    row = {
        "variant": name,
        "compared with": other,
        "simulations": len(seeds),
        "accuracy": np.mean([correct[name, seed].mean() for seed in seeds]),
        "log-loss": np.mean(
            [
                log_loss(truth[seed], softmax(found[name, seed], axis=1))
                for seed in seeds
            ]
        ),
        "seconds": round(np.mean([seconds[name, seed] for seed in seeds])),
    }
    pairs = [
        correct[name, seed].astype(float) - correct[other, seed]
        for seed in seeds
        if (other, seed) in correct
    ]
    if pairs:
        change = np.concatenate(pairs)
        half = 1.96 * change.std(ddof=1) / len(change) ** 0.5
        mean = change.mean()
        row |= {"difference": mean, "low": mean - half, "high": mean + half}
    return row


def main():
    """Make what is missing, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = [*LINEAR, *NETWORKS, *AGAIN]
    parser.add_argument("--members", nargs="+", choices=every, default=every)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SIMULATIONS))
    parser.add_argument("--amount", type=int, default=20)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    mne.set_log_level("WARNING")
    for name in options.members:
        for seed in options.seeds:
            key = f"{seed}-{options.amount}-{name}"
            keep(options.results, key, partial(fit, name, seed, options.amount))
        table = tabulate(options.results, options.seeds, options.amount).round(3)
        table.to_csv(options.table, sep="\t", index=False)
    print(table.to_string())


if __name__ == "__main__":
    main()

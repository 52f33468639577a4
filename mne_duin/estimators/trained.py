"""A network that is trained on epochs: device, seed, engine, batches."""

import torch
from sklearn.base import BaseEstimator

from mne_duin.estimators.fingerprint import circumstances_of, fingerprint
from mne_duin.estimators.inputs import EpochsInput
from mne_duin.training import (
    CheckpointHooks,
    choose_device,
    choose_precision,
    private_randomness,
    seed_randomness,
    train,
)
from mne_duin.training._processes import from_main
from mne_duin.utils.checks import check_type
from mne_duin.utils.random import draw_seed

BATCH = 64  # epochs that are evaluated at once


class TrainedNetwork(EpochsInput, BaseEstimator):
    """What every estimator around a network shares; not to be used itself."""

    compile = False  # a parameter of the Du-IN estimators, not of the baselines

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _prepare(self, keeper=None):
        """Draw the seed, choose the device and return the type of autocast."""
        check_type("compile", self.compile, bool)
        self.device_ = choose_device(self.device)
        self._seed = from_main(draw_seed(self.random_state))
        if keeper is not None:
            self._seed = keeper.choose_seed(self._seed, self.random_state)
        return choose_precision(self.precision, self.device_)

    def _train(
        self, step, data, recipe, dtype, *, validation=None, keeper=None, **options
    ):
        """Run the engine with a recipe and keep its history."""
        sets = validation if isinstance(validation, dict) else {"valid": validation}
        sets = {prefix: part for prefix, part in sets.items() if part is not None}
        self.fingerprint_ = fingerprint(self, data, sets)
        keeper = CheckpointHooks() if keeper is None else keeper
        keeper.check_data(
            self.fingerprint_, circumstances_of(self.device_, dtype, self.compile)
        )
        n_warmup = max(round(recipe["warmup"] * recipe["max_iter"]), 1)
        self.history_, self.best_iter_ = train(
            self.module_,
            step,
            data,
            max_iter=recipe["max_iter"],
            batch_size=recipe["batch_size"],
            lr=recipe["lr"],
            lr_min=recipe["lr_min"],
            n_warmup=n_warmup,
            weight_decay=recipe["weight_decay"],
            seed=self._seed,
            dtype=dtype,
            compile=self.compile,
            name=type(self).__name__,
            verbose=self.verbose,
            validation=sets,
            checkpoints=keeper,
            **options,
        )
        self.n_iter_ = len(self.history_)

    def _seeded_build(self, build, start=None, data=None, *, keeper=None):
        """Build a network with seeded initial values; global states stay untouched.

        ``start(module, data)`` may then give it better ones, unless a checkpoint has
        all values anyway.
        """
        is_new = keeper is None or not keeper.found
        with private_randomness(self.device_):
            seed_randomness(self._seed, self.device_)
            self.module_ = build().to(self.device_)
            if start is not None and is_new:
                start(self.module_, data)

    @torch.no_grad()
    def _batched(self, function, x, subject, batch_size=BATCH):
        """Apply ``function(x, subject)`` to scaled inputs in evaluation mode.

        In bfloat16 only on explicit request: what is predicted should not depend on
        the machine's instructions.
        """
        self.module_.eval()
        batches = self._on_device(x, subject).batches(batch_size)
        is_half = self.precision == "bf16"
        with torch.autocast(self.device_.type, torch.bfloat16, enabled=is_half):
            parts = [_on_host(function(b.x, b.subject)) for b in batches]
        return torch.cat(parts).numpy()


def _on_host(values):
    """Return a tensor in a type that NumPy knows."""
    values = values.cpu()
    return values.float() if values.dtype is torch.bfloat16 else values

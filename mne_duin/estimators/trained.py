"""A network that is trained on epochs: device, seed, engine, batches."""

import torch
from sklearn.base import BaseEstimator

from mne_duin.estimators.inputs import EpochsInput
from mne_duin.training import (
    choose_device,
    choose_precision,
    private_randomness,
    seed_randomness,
    train,
)
from mne_duin.utils.random import draw_seed

BATCH = 64  # epochs that are evaluated at once


class TrainedNetwork(EpochsInput, BaseEstimator):
    """What every estimator around a network shares; not to be used itself."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _prepare(self):
        """Draw the seed, choose the device and return the type of autocast."""
        self._seed = draw_seed(self.random_state)
        self.device_ = choose_device(self.device)
        return choose_precision(self.precision, self.device_)

    def _train(self, step, data, recipe, dtype, **options):
        """Run the engine with a recipe and keep its history."""
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
            name=type(self).__name__,
            verbose=self.verbose,
            **options,
        )
        self.n_iter_ = len(self.history_)

    def _seeded_build(self, build, start=None, data=None):
        """Build a network with seeded initial values; global states stay untouched.

        ``start(module, data)`` may then give it better ones.
        """
        with private_randomness(self.device_):
            seed_randomness(self._seed, self.device_)
            self.module_ = build().to(self.device_)
            if start is not None:
                start(self.module_, data)

    @torch.no_grad()
    def _batched(self, function, x, subject, batch_size=BATCH):
        """Apply ``function(x, subject)`` to scaled inputs in evaluation mode."""
        self.module_.eval()
        batches = self._on_device(x, subject).batches(batch_size)
        return torch.cat([function(b.x, b.subject).cpu() for b in batches]).numpy()

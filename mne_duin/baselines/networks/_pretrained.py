"""A stage without labels before the supervised one, on the same encoder."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from mne_duin.baselines.networks._network import RECIPE, NetworkClassifier
from mne_duin.estimators._files import plain
from mne_duin.estimators._resume import Checkpoints, circumstances_of, digest
from mne_duin.estimators._trained import Signal, note_runs
from mne_duin.estimators.memory import EVERY, check_seed, open_folder, or_set_aside
from mne_duin.training import (
    CheckpointHooks,
    History,
    private_randomness,
    train,
)
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import subject_index
from mne_duin.utils._signature import own_parameters_first

# What only the supervised stage uses, and what is told from its effect instead.
IGNORED = (
    *RECIPE,
    *("max_shift", "validation_fraction", "select"),
    *("sfreq", "device", "precision", "random_state", "verbose", "memory"),
)


@fill_doc
@own_parameters_first
@dataclass(eq=False, repr=False, kw_only=True)
class PretrainedNetwork(NetworkClassifier):
    """Base of the networks that pre-train without labels.

    A subclass builds its task in ``_build_task(encoder)``.

    Parameters
    ----------
    %(network_pretraining)s
    %(network_training)s
    """

    pretrain_iter: int = 100
    pretrain_batch_size: int = 64
    pretrain_lr: float = 3e-4
    pretrain_lr_min: float = 5e-5
    memory: object = None

    def fit(
        self,
        X: Signal,
        y: ArrayLike,
        *,
        subject: ArrayLike | None = None,
        sfreq: float | None = None,
        validation: tuple | None = None,
        test: tuple | None = None,
        unlabelled: Signal | None = None,
    ) -> Self:
        """Pre-train the encoder without labels, then train on labeled epochs.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_and_test)s
        unlabelled : Epochs | array, shape (n_segments, n_channels, n_times) | None
            Segments to pre-train on, with the channels and subjects of ``X`` and at
            least as long; random crops of a trial's length are taken, and the channels
            are scaled as these segments need it. None pre-trains on the training
            trials.

        Returns
        -------
        self : PretrainedNetwork
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is one class only, the data or a parameter cannot be used, or
            ``memory`` is given without a fixed seed.
        """
        return self._fit(
            X,
            y,
            subject,
            sfreq,
            validation=validation,
            test=test,
            unlabelled=unlabelled,
        )

    def _check_unlabelled(self, unlabelled, sfreq):
        """Return the segments to pre-train on, and learn the scales from them."""
        unlabelled = self._check_again(unlabelled, sfreq=sfreq)
        note_runs(self, unlabelled.metadata, self)
        _, index = subject_index(unlabelled, self.subjects_)
        absent = np.delete(self.subjects_, np.unique(index))
        if len(absent):
            raise ValueError(
                "`unlabelled` must have segments of every subject of `X`; it has none "
                f"of {', '.join(map(str, absent))}."
            )
        # The scales, too, then do not depend on how many trials have labels.
        self._learn_scaler(unlabelled, index)
        return unlabelled

    def _build_task(self, encoder) -> nn.Module:
        """Build the task without labels: ``task(x) -> losses``."""
        raise NotImplementedError

    def _first_data(self, epochs, data):
        """Return crops of a trial's length of what the encoder pre-trains on."""
        if not self.pretrain_iter:
            return data
        data = self._signal_data(epochs, n_times=self.n_times_)
        if data.n_times < self.n_times_:
            rate = self._rate()
            raise ValueError(
                f"`unlabelled` segments last {data.n_times / rate:g} s; they must be "
                f"at least as long as the epochs, {self.n_times_ / rate:g} s."
            )
        return data

    def _pretrain(self, data, run):
        """Train the encoder on its own task; what only that needs is forgotten."""
        if not self.pretrain_iter:
            self.pretrain_history_ = History()
            return
        # Another stream of random numbers than that of the supervised stage.
        seed = run.seed + 1
        with private_randomness(seed):
            task = self._build_task(self.module_.encoder).to(self.device_)
        recipe = {
            "max_iter": self.pretrain_iter,
            "batch_size": self.pretrain_batch_size,
            "lr": self.pretrain_lr,
            "lr_min": self.pretrain_lr_min,
            "n_warmup": max(round(self.warmup * self.pretrain_iter), 1),
            "weight_decay": self.weight_decay,
            "seed": seed,
        }
        with self._remember(task, data, recipe, run.dtype) as checkpoints:
            self.pretrain_history_, _ = train(
                task,
                lambda module, batch: module(batch.x),
                data,
                **recipe,
                dtype=run.dtype,
                name=f"{type(self).__name__}, pre-training",
                verbose=self.verbose,
                checkpoints=checkpoints,
            )

    @contextmanager
    def _remember(self, task, data, recipe, dtype):
        """Yield what keeps the passes, or knows them from another fit."""
        if self.memory is None:
            yield CheckpointHooks()
            return
        check_seed(self.random_state)
        parameters = self.get_params(deep=False)
        known = {
            "network": type(self).__name__,
            "parameters": {k: v for k, v in parameters.items() if k not in IGNORED},
            "recipe": recipe,
            "circumstances": circumstances_of(self.device_, dtype),
            "start": digest(task.state_dict().values()),
            "values": digest([data.x]),
            "length of a crop": data.n_times,
        }
        name = type(self).__name__.lower()
        with open_folder(self.memory, name, known) as (folder, key):
            # The key stands for all that is known, also of the data.
            own = plain(recipe) | {"key": key}
            yield or_set_aside(lambda: Checkpoints(folder, EVERY, own), folder)

    def _add_state(self, tensors, meta):
        super()._add_state(tensors, meta)
        meta["learned"]["pretrain_history"] = plain(self.pretrain_history_.records)

    def _take_state(self, tensors, meta):
        super()._take_state(tensors, meta)
        self.pretrain_history_ = History(meta["learned"]["pretrain_history"])

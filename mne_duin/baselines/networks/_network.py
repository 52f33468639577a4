"""What the networks of the comparison share: input, scaling, training, prediction."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.signal import resample_poly
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators import _files
from mne_duin.estimators._files import plain
from mne_duin.estimators._prediction import (
    EpochClassifier,
    LabelTraining,
    hold_out_epochs,
    learn_classes,
)
from mne_duin.estimators._trained import Signal, TrainedNetwork
from mne_duin.estimators.presets import (
    COUNT,
    FACTOR,
    RATE,
    SHARE,
    check_numbers,
)
from mne_duin.nn import check_weights
from mne_duin.training import private_randomness
from mne_duin.utils._checks import check_number
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._labels import label_array

RECIPE = ("max_iter", "batch_size", "lr", "lr_min", "warmup", "weight_decay")
LIMITS = {
    "network_sfreq": {"low": 0, "high": 1_000_000, "closed": False},
    "kernel": COUNT,
    "stride": COUNT,
    "pool": COUNT,
    "pool_stride": COUNT,
    "dim": COUNT,
    "dropout": {"low": 0, "high": 0.95},
    "pretrain_iter": {"low": 0, "high": 10_000_000, "integer": True},
    "pretrain_batch_size": {"low": 2, "high": 1_000_000, "integer": True},
    "pretrain_lr": RATE,
    "pretrain_lr_min": SHARE,
    "context_dim": COUNT,
    "n_steps": COUNT,
    "max_segments": COUNT,
    "jitter": FACTOR,
    "scale_deviation": FACTOR,
    "patch": COUNT,
    "window": {"low": 0, "high": 10, "closed": False},
    "step": {"low": 0, "high": 10, "closed": False},
    "n_bands": {"low": 1, "high": 1000, "integer": True},
    "group_width": COUNT,
}
SEVERAL = (
    "hidden_dims",
    "filters",
    "kernels",
    "pools",
    "strides",
    "dims",
    "depths",
)


@fill_doc
@dataclass(eq=False, repr=False, kw_only=True)
class NetworkClassifier(EpochClassifier, TrainedNetwork):
    """Base of the networks that Du-IN is compared with.

    A subclass builds its network in ``_build(n_channels, n_times)``.

    Parameters
    ----------
    %(network_training)s
    """

    network_sfreq: float | None = None
    max_shift: float = 0.3
    validation_fraction: float = 0.1
    select: str = "first"
    max_iter: int = 200
    batch_size: int = 32
    lr: float = 2e-4
    lr_min: float = 5e-6
    warmup: float = 0.1
    weight_decay: float = 0.05
    sfreq: float | None = None
    device: str = "auto"
    precision: str = "auto"
    random_state: int | np.random.RandomState | None = None
    verbose: bool | None = None

    def fit(
        self,
        X: Signal,
        y: ArrayLike,
        *,
        subject: ArrayLike | None = None,
        sfreq: float | None = None,
        validation: tuple | None = None,
        test: tuple | None = None,
    ) -> Self:
        """Train on labeled epochs.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        %(fit_sfreq)s
        %(validation_and_test)s

        Returns
        -------
        self : NetworkClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is one class only, or the data or a parameter cannot be used.
        """
        return self._fit(X, y, subject, sfreq, validation=validation, test=test)

    def _fit(self, X, y, subject, sfreq, *, unlabelled=None, **held_out):
        """Pre-train where the network does so, then train."""
        self._check_parameters()
        epochs = self._check_X(X, subject=subject, sfreq=sfreq)
        self.tmin_ = epochs.tmin
        self.n_times_ = self._inputs(epochs[:1], np.zeros(1, int)).shape[-1]
        self.classes_, y = learn_classes(y, len(epochs))
        run = self._begin()
        if unlabelled is not None:
            unlabelled = self._check_unlabelled(unlabelled, sfreq)
        epochs, y, choice = hold_out_epochs(
            self, epochs, y, self.validation_fraction, run, sfreq=sfreq, **held_out
        )
        data = self._signal_data(epochs, y=y, max_shift=self.max_shift)
        build = partial(self._build, len(self.ch_names_), self.n_times_)
        first = self._first_data(epochs if unlabelled is None else unlabelled, data)
        self._build_seeded(build, run, self._start, first)
        self._pretrain(first, run)
        recipe = {name: getattr(self, name) for name in RECIPE}
        self._train(self._training_step(), data, recipe, run, **choice)
        return self

    def _check_parameters(self):
        check_numbers(self, {})
        values = self.get_params(deep=False)
        for name, limits in LIMITS.items():
            if values.get(name) is not None:
                check_number(name, values[name], **limits)
        for name in SEVERAL:
            for size in values.get(name, ()):
                check_number(name, size, **COUNT)

    def _check_unlabelled(self, unlabelled, sfreq):
        """Return the segments to pre-train on; for networks that do."""
        raise NotImplementedError

    def _first_data(self, epochs, data):
        """Return what the network sees first: the training trials."""
        return data

    def _start(self, module, data):
        """Give a new network better initial values than random ones."""

    def _pretrain(self, data, run):
        """Train the encoder without labels."""

    def _training_step(self):
        """Return the training step: ``step(module, batch) -> losses``."""
        return LabelTraining()

    def _build(self, n_channels, n_times) -> torch.nn.Module:
        """Build the network for epochs of so many channels and samples."""
        raise NotImplementedError

    def _earlier_stage(self):
        return None

    def _rate(self):
        """Return the sampling rate that the network sees."""
        return self.network_sfreq or self.info_["sfreq"]

    def _inputs(self, epochs, subject):
        """Return the signal at the rate of the network, not scaled."""
        came, wanted = self.info_["sfreq"], self._rate()
        if came < wanted:
            raise ValueError(
                f"{type(self).__name__} works at {wanted:g} Hz (`network_sfreq`), and "
                f"`X` has {came:g} Hz; set network_sfreq=None or read the recording at "
                "a higher rate."
            )
        if came == wanted:
            return epochs.data
        ratio = Fraction(wanted / came).limit_denominator(1000)
        return resample_poly(
            epochs.data, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
        )

    def _count_patch_samples(self):
        """Return 1: these networks are not bound to patches."""
        return 1

    def _whole_patches(self, epochs):
        """Return the epochs as they are."""
        return epochs

    def _signal_data(self, epochs, *, y=None, max_shift=0.0, n_times=None):
        """Put epochs on the device for training; the shift is in seconds."""
        x, subject = self._scaled(epochs)
        shift = round(max_shift * self._rate())
        return self._on_device(x, subject, y=y, n_times=n_times, max_shift=shift)

    def _network_scores(self, x, subject):
        """Return the scores of scaled inputs."""
        if x.shape[-1] != self.n_times_:
            raise ValueError(
                f"`X` has epochs of {x.shape[-1] / self._rate():g} s; the classifier "
                f"was fitted with {self.n_times_ / self._rate():g} s."
            )
        return self._batched(self.module_, x, subject)

    def count_parameters(self) -> int:
        """Return how many numbers the network learns.

        Returns
        -------
        n_parameters : int
            Of encoder and head; what only pre-training needs is not counted.
        """
        check_is_fitted(self, "module_")
        return sum(parameter.numel() for parameter in self.module_.parameters())

    def save(self, path: Path | str) -> Path:
        """Write the fitted estimator to one safe file.

        Parameters
        ----------
        path : path-like
            The file; an existing one is replaced as a whole or not at all.

        Returns
        -------
        path : Path
            The file, which :func:`read_model` reads.
        """
        check_is_fitted(self, "module_")
        return _files.save(self, path)

    def _add_state(self, tensors, meta):
        """Add what a file of this class holds in addition to what all networks have."""
        meta["learned"]["classes"] = plain(self.classes_)
        meta["learned"]["n_times"] = self.n_times_

    def _take_state(self, tensors, meta):
        """Take back what :meth:`_add_state` added."""
        self.bands_, self.unmixing_, self.patch_size_ = {}, {}, 1
        self.classes_ = label_array(meta["learned"]["classes"])
        self.n_times_ = meta["learned"]["n_times"]
        self._check_parameters()
        check_number("n_times", self.n_times_, low=1, high=10_000_000, integer=True)
        build = partial(self._build, len(self.ch_names_), self.n_times_)
        weights = _files.below(tensors, "module.")
        self._check_weights(build, weights)
        with private_randomness(0):
            module = build()
        module.load_state_dict(weights)
        self.module_ = module.eval()

    def _check_weights(self, build, weights):
        """Check that the network of these sizes has just these weights."""
        check_weights(build, weights, {"n_layers": getattr(self, "n_layers", 0)})

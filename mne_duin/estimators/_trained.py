"""A network that is trained on epochs: what goes in, the training, what is kept.

:class:`TrainedNetwork` is the one base that Du-IN and the networks it is compared with
have in common. It turns what the user hands over into what the network sees (checked,
ordered, scaled), runs the engine, and evaluates in batches.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self, TypeAlias

import mne
import numpy as np
import torch
from mne.utils import logger
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators._resume import circumstances_of, fingerprint
from mne_duin.training import (
    ChannelScaler,
    CheckpointHooks,
    History,
    SignalData,
    choose_device,
    choose_precision,
    private_randomness,
    train,
)
from mne_duin.training._data import StoredSignal, scale_inputs
from mne_duin.training._devices import from_main
from mne_duin.utils._band_choice import choose_bands
from mne_duin.utils._bands import RAW, add_bands
from mne_duin.utils._checks import check_type, draw_seed
from mne_duin.utils._epochs import (
    as_array,
    check_contacts,
    check_start,
    fill_slots,
    in_memory,
    info_with_positions,
    learn_contacts,
    real_channels,
    recording_names,
    run_names,
    silent_channels,
    subject_index,
    with_subject,
)
from mne_duin.utils._segments import DiskSegments
from mne_duin.utils._stored import StoredArray

USUAL_PATCH = 0.1  # seconds; a patch is a whole number of steps of the convolutions
PATCH_STEP = 10
BATCH = 64  # epochs that are evaluated at once
AT_ONCE = 2 * BATCH  # epochs whose inputs are made at once
# What the user hands over; a list is what scikit-learn's indexing makes of Epochs.
Signal: TypeAlias = mne.BaseEpochs | DiskSegments | np.ndarray | list


@dataclass(frozen=True)
class Run:
    """What one fit has in addition to its data: seed, type of autocast, checkpoints."""

    seed: int
    dtype: torch.dtype | None
    checkpoints: CheckpointHooks


def inherit_input(estimator, pretrained):
    """Give an estimator the channels, subjects and scales of a pre-trained stage."""
    forget_network(estimator)
    for name in (
        "bands_",
        "unmixing_",
        "ch_names_",
        "contacts_",
        "info_",
        "n_features_in_",
        "patch_size_",
        "subjects_",
        "scaler_",
    ):
        setattr(estimator, name, getattr(pretrained, name))


def forget_network(estimator):
    """Drop the network: a fit that fails must not leave one with other scales."""
    vars(estimator).pop("module_", None)


def note_runs(estimator, metadata, *earlier):
    """Remember which runs an estimator and its earlier stages have learned from.

    Sets ``fit_groups_``, or removes it where the metadata of any of the stages had no
    column ``run``.
    """
    runs = run_names(metadata)
    groups = [None if runs is None else set(runs.tolist())]
    groups += [getattr(stage, "fit_groups_", None) for stage in earlier]
    if None not in groups:
        estimator.fit_groups_ = set().union(*groups)
    else:
        vars(estimator).pop("fit_groups_", None)


class TrainedNetwork(BaseEstimator):
    """Base of every estimator around a network that learns from epochs.

    A subclass builds the network and says what a training step is. Everything else that
    training and prediction need is here.
    """

    # Parameters of every network; subclasses give them their defaults.
    sfreq: float | None
    device: str
    precision: str
    random_state: int | np.random.RandomState | None
    verbose: bool | None
    # Parameters of some Du-IN estimators, not of the baselines.
    compile: bool = False
    patch_duration: float | None = None
    # Whether it can be trained on segments that stay on disk.
    _trains_from_disk: ClassVar[bool] = False

    # What fit learns.
    module_: torch.nn.Module
    scaler_: ChannelScaler
    history_: History
    fingerprint_: dict
    fit_groups_: set
    device_: torch.device
    info_: mne.Info
    ch_names_: list
    contacts_: dict | None
    subjects_: np.ndarray
    n_features_in_: int
    tmin_: float | None  # of classifiers, whose epochs have a fixed window
    patch_size_: int
    bands_: dict
    unmixing_: dict  # by band, (n_subjects, n_channels, n_channels) each
    n_iter_: int
    best_iter_: int | None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _check_X(self, X, *, subject=None, sfreq=None, bands=RAW, y=None):
        """Turn the training data into epochs of whole patches and learn the channels.

        Sets ``bands_, ch_names_, contacts_, info_, n_features_in_, patch_size_,
        subjects_, scaler_, unmixing_`` and, where it can be known, ``fit_groups_``.
        """
        epochs = self._as_array(X, sfreq)
        if epochs.sfreq is None:
            raise ValueError(
                "The sampling rate of an array is unknown; pass `sfreq=` in Hz to fit "
                "or to the constructor, or pass mne.Epochs."
            )
        if subject is not None:
            epochs = with_subject(epochs, subject)
        forget_network(self)
        names = epochs.ch_names or [str(i) for i in range(epochs.data.shape[1])]
        self.ch_names_ = list(names)
        self.info_ = info_with_positions(X, self.ch_names_, epochs.sfreq)
        self.info_["description"] = epochs.filters
        self.n_features_in_ = len(names)
        self.patch_size_ = self._count_patch_samples()
        self.subjects_, index = subject_index(epochs)
        self.contacts_ = learn_contacts(epochs, self.subjects_)
        epochs = self._whole_patches(epochs)
        self.bands_, self.unmixing_, inputs = choose_bands(
            bands, epochs, y, index, len(self.subjects_)
        )
        if inputs is not None:
            epochs = replace(epochs, inputs=[(epochs.data, inputs)])
        self._learn_scaler(epochs, index)
        note_runs(self, epochs.metadata)
        return epochs

    def _as_array(self, X, sfreq=None):
        """Turn epochs into arrays, which stay on disk where training reads them."""
        rate = sfreq if sfreq is not None else self.sfreq
        return as_array(X, sfreq=rate, on_disk=self._trains_from_disk)

    def _inputs(self, epochs, subject):
        """Return what the network sees, (n_epochs, n_inputs, n_times), not scaled.

        ``subject`` (n_epochs,) says of which of the known subjects each epoch is.
        """
        if epochs.known_inputs is not None:
            return epochs.known_inputs
        rate = self.info_["sfreq"]
        return add_bands(epochs.data, rate, self.bands_, self.unmixing_, subject)

    def _check_fitted(self, X, subject=None):
        """Turn epochs for a fitted estimator into the form it was trained on."""
        check_is_fitted(self, "module_")
        epochs = self._check_again(X, subject=subject)
        check_start(epochs, vars(self).get("tmin_"), type(self).__name__)
        return epochs

    def learn_scales(self, X: Signal, *, subject: ArrayLike | None = None) -> Self:
        """Learn mean and deviation of every channel again; the network stays as it is.

        Weights from elsewhere come without the scales of their training data and expect
        z-scored signals; this lets them take epochs in volts.

        Parameters
        ----------
        X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
            Epochs to learn from: training epochs, never those to be tested on.
        subject : array, shape (n_epochs,) | None
            Subject of each epoch of an array.

        Returns
        -------
        self : estimator
            The estimator.

        Raises
        ------
        ValueError
            If the channels are not those of the network, or one of them is flat.
        """
        check_is_fitted(self, "module_")
        epochs = self._check_again(X, subject=subject)
        _, index = subject_index(epochs, self.subjects_)
        self._learn_scaler(epochs, index)
        return self

    def _learn_scaler(self, epochs, index):
        """Learn mean and deviation of every channel of every subject."""
        self.scaler_ = ChannelScaler.learn(
            self._inputs(epochs, index),
            index,
            len(self.subjects_),
            self.ch_names_,
            real_channels(self.contacts_, self.subjects_, self.ch_names_),
        )

    def _check_again(self, X, *, subject=None, sfreq=None):
        """Turn later data into epochs in the channel order of the training data."""
        epochs = self._as_array(X, sfreq)
        if subject is not None:
            epochs = with_subject(epochs, subject)
        if epochs.sfreq is not None and not np.isclose(
            epochs.sfreq, self.info_["sfreq"]
        ):
            raise ValueError(
                f"`X` has a sampling rate of {epochs.sfreq:g} Hz; "
                f"{type(self).__name__} was fitted at {self.info_['sfreq']:g} Hz. "
                "Resample it."
            )
        epochs = self._order_channels(fill_slots(epochs, self.ch_names_))
        check_contacts(self.contacts_, epochs)
        return self._whole_patches(epochs)

    def _order_channels(self, epochs):
        """Return the epochs with the channels of the training data, in their order."""
        if epochs.ch_names is None:
            if epochs.data.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"`X` has {epochs.data.shape[1]} channels; "
                    f"{type(self).__name__} was fitted with {self.n_features_in_}."
                )
            return epochs
        if epochs.ch_names == self.ch_names_:
            return epochs
        missing = [name for name in self.ch_names_ if name not in epochs.ch_names]
        if missing:
            raise ValueError(
                f"`X` lacks {len(missing)} channels that {type(self).__name__} was "
                f"fitted with: {', '.join(missing[:10])}."
            )
        rows = [epochs.ch_names.index(name) for name in self.ch_names_]
        return replace(epochs, data=epochs.data[:, rows], ch_names=self.ch_names_)

    def _count_patch_samples(self):
        """Return the length of a patch in samples."""
        duration, rate = self.patch_duration, self.info_["sfreq"]
        if duration is None:
            size = PATCH_STEP * max(round(USUAL_PATCH * rate / PATCH_STEP), 1)
            if abs(size / rate - USUAL_PATCH) > 1e-6:
                logger.info(
                    f"Patches of {size} samples at {rate:g} Hz are used, "
                    f"{1000 * size / rate:.1f} ms."
                )
            return size
        size = duration * rate
        if abs(size - round(size)) > 1e-6:
            raise ValueError(
                f"`patch_duration` must be a whole number of samples; {duration} s is "
                f"{size:.3f} samples at {rate:g} Hz. Leave it None for the length "
                f"nearest to {USUAL_PATCH} s that fits."
            )
        return round(size)

    def _whole_patches(self, epochs):
        """Return epochs whose length is a whole number of patches."""
        size, n_times = self.patch_size_, epochs.data.shape[-1]
        extra = n_times % size
        if n_times < 2 * size:
            raise ValueError(
                f"The epochs have {n_times} samples; at least two patches of "
                f"{size} samples are needed."
            )
        if not extra:
            return epochs
        message = (
            f"The epochs have {n_times} samples, not a whole number of patches of "
            f"{size}; the last {extra} samples are not used."
        )
        is_usual = abs(size / self.info_["sfreq"] - USUAL_PATCH) < 1e-6
        if self.patch_duration is None and not is_usual:
            # No length in round seconds fits patches at this rate.
            logger.info(message)
        else:
            mne.utils.warn(message)
        return replace(epochs, data=epochs.data[..., : n_times - extra])

    def _scaled(self, epochs):
        """Return the z-scored inputs and the subject of each epoch as integers."""
        return self._scaled_inputs(in_memory(epochs))

    def _scaled_inputs(self, epochs):
        """Return the z-scored inputs, which stay on disk where the epochs are there."""
        _, index = subject_index(epochs, self.subjects_)
        inputs = self._inputs(epochs, index)
        # A channel of zeros only is missing: its mean is the best guess.
        silent = silent_channels(epochs.data)
        silent = np.tile(silent, inputs.shape[1] // silent.shape[1])
        if isinstance(inputs, StoredArray):
            signal = StoredSignal(inputs, self.scaler_, index, silent, self.device_)
            return signal, index
        # Those that were kept for this are large, and nobody else needs them.
        out = epochs.known_inputs
        epochs.inputs.clear()
        return scale_inputs(inputs, self.scaler_, index, silent, out=out), index

    def _signal_data(self, epochs, *, y=None, crop=None, max_shift=0.0, balance=None):
        """Put epochs on the device for training; times are in seconds."""
        x, subject = self._scaled_inputs(epochs)
        rate = self.info_["sfreq"]
        n_times = None if crop is None else self._crop_samples(crop)
        shift = round(max_shift * rate)
        return self._on_device(
            x,
            subject,
            y=y,
            groups=_groups(balance, epochs, subject),
            n_times=n_times,
            max_shift=shift,
        )

    def _crop_samples(self, crop):
        """Return the length of a crop in samples, whole patches."""
        size, rate = self.patch_size_, self.info_["sfreq"]
        n_patches = int(crop * rate / size + 1e-6)
        if n_patches < 2:
            raise ValueError(
                f"`crop_duration` must be at least two patches of {size / rate:g} s; "
                f"got {crop:g} s."
            )
        n_times = n_patches * size
        if abs(n_times - crop * rate) > 0.5:
            logger.info(f"Crops of whole patches are {n_times / rate:g} s long.")
        return n_times

    def _on_device(self, x, subject, **options):
        """Put scaled inputs on the device."""
        return SignalData(
            x,
            subject=subject,
            channel_mask=self.scaler_.channel_mask,
            device=self.device_,
            **options,
        )

    def _begin(self, checkpoints=None) -> Run:
        """Draw the seed and choose device and precision of a fit."""
        check_type("compile", self.compile, bool)
        checkpoints = CheckpointHooks() if checkpoints is None else checkpoints
        self.device_ = choose_device(self.device)
        seed = from_main(draw_seed(self.random_state))
        seed = checkpoints.choose_seed(seed, self.random_state)
        dtype = choose_precision(self.precision, self.device_)
        return Run(seed, dtype, checkpoints)

    def _train(self, step, data, recipe, run, *, validation=None, **options):
        """Run the engine with a recipe and keep its history."""
        sets = validation if isinstance(validation, dict) else {"valid": validation}
        sets = {prefix: part for prefix, part in sets.items() if part is not None}
        self.fingerprint_ = fingerprint(self, data, sets)
        run.checkpoints.check_data(
            self.fingerprint_, circumstances_of(self.device_, run.dtype, self.compile)
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
            seed=run.seed,
            dtype=run.dtype,
            compile=self.compile,
            name=type(self).__name__,
            verbose=self.verbose,
            validation=sets,
            checkpoints=run.checkpoints,
            **options,
        )
        self.n_iter_ = len(self.history_)

    def _build_seeded(self, build, run, start=None, data=None):
        """Build a network with seeded initial values; global states stay untouched.

        ``start(module, data)`` may then give it better ones, unless a checkpoint has
        all values anyway.
        """
        with private_randomness(run.seed):
            self.module_ = build().to(self.device_)
            if start is not None and not run.checkpoints.found:
                start(self.module_, data)

    def _apply(self, function, epochs):
        """Apply ``function(x, subject)`` to the inputs of epochs, in evaluation mode.

        Inputs are made of some epochs at a time, so memory does not grow with them.
        """
        parts = [
            self._batched(function, *self._scaled_inputs(part))
            for part in in_parts(epochs)
        ]
        return np.concatenate(parts)

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


def in_parts(epochs):
    """Yield epochs, some at a time.

    Parameters
    ----------
    epochs : EpochsData
        The epochs.

    Yields
    ------
    part : EpochsData
        At most ``AT_ONCE`` of them.
    """
    for start in range(0, len(epochs), AT_ONCE):
        yield epochs[start : start + AT_ONCE]


def _groups(balance, epochs, subject):
    """Return the groups of epochs that are drawn equally often, or None.

    Shapes: ``subject`` (n_epochs,) -> (n_epochs,).
    """
    if balance is None:
        return None
    names = subject if balance == "subject" else recording_names(epochs.metadata)
    if names is None:
        raise ValueError(
            "balance='recording' needs metadata with a column 'run', as read_segments "
            "returns it; use balance='subject' or None."
        )
    return np.unique(names, return_inverse=True)[1]


def _on_host(values):
    """Return a tensor in a type that NumPy knows."""
    values = values.cpu()
    return values.float() if values.dtype is torch.bfloat16 else values

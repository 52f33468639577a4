"""From what the user hands over to what the networks see: checked, ordered, scaled."""

from dataclasses import replace

import mne
import numpy as np
from mne.utils import logger
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators.bands import add_high_gamma
from mne_duin.estimators.subjects import (
    check_contacts,
    fill_slots,
    learn_contacts,
    real_channels,
    subject_index,
    with_subject,
)
from mne_duin.training import ChannelScaler, SignalData
from mne_duin.utils.epochs import as_array, run_names


def inherit_input(estimator, pretrained):
    """Give an estimator the channels, subjects and scales of a pre-trained stage.

    Parameters
    ----------
    estimator, pretrained : BaseDuIN
        The later and the earlier stage.
    """
    forget_network(estimator)
    for name in (
        "ch_names_",
        "contacts_",
        "high_gamma_",
        "info_",
        "n_features_in_",
        "patch_size_",
        "subjects_",
        "scaler_",
    ):
        setattr(estimator, name, getattr(pretrained, name))


def forget_network(estimator):
    """Make sure that a fit that fails leaves no network with the scales of other data.

    Parameters
    ----------
    estimator : BaseDuIN
        The estimator that is about to learn.
    """
    vars(estimator).pop("module_", None)


def note_runs(estimator, metadata, *earlier):
    """Remember which runs an estimator and its earlier stages have learned from.

    Sets ``fit_groups_``, or removes it where the metadata of any of the stages had no
    column ``run``.

    Parameters
    ----------
    estimator : BaseDuIN
        The estimator.
    metadata : DataFrame | None
        Metadata of its training epochs.
    *earlier : BaseDuIN
        The stages it was given.
    """
    runs = run_names(metadata)
    groups = [None if runs is None else set(runs.tolist())]
    groups += [getattr(stage, "fit_groups_", None) for stage in earlier]
    if None not in groups:
        estimator.fit_groups_ = set().union(*groups)
    elif hasattr(estimator, "fit_groups_"):
        del estimator.fit_groups_


class EpochsInput:
    """The part of the estimators that reads epochs; not to be used itself."""

    def _check_X(self, X, *, subject=None, sfreq=None):
        """Turn the training data into epochs of whole patches and learn the channels.

        Sets ``ch_names_, contacts_, info_, n_features_in_, patch_size_, subjects_,
        scaler_`` and, where it can be known, ``fit_groups_``.
        """
        epochs = as_array(X, sfreq=sfreq if sfreq is not None else self.sfreq)
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
        self.info_ = mne.create_info(self.ch_names_, epochs.sfreq, "seeg")
        self.n_features_in_ = len(names)
        self.patch_size_ = self._count_patch_samples()
        self.subjects_, index = subject_index(epochs)
        self.contacts_ = learn_contacts(epochs, self.subjects_)
        self._learn_scaler(epochs, index)
        note_runs(self, epochs.metadata)
        return self._whole_patches(epochs)

    def _inputs(self, epochs):
        """Return what the network sees, (n_epochs, n_inputs, n_times), not scaled."""
        if not self.high_gamma_:
            return epochs.data
        return add_high_gamma(epochs.data, self.info_["sfreq"])

    def _check_fitted(self, X, subject=None):
        """Turn epochs for a fitted estimator into the form it was trained on."""
        check_is_fitted(self, "module_")
        return self._check_again(X, subject=subject)

    def learn_scales(self, X, *, subject=None):
        """Learn mean and deviation of every channel anew; the network stays as it is.

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
        epochs = self._check_fitted(X, subject)
        _, index = subject_index(epochs, self.subjects_)
        self._learn_scaler(epochs, index)
        return self

    def _learn_scaler(self, epochs, index):
        """Learn mean and deviation of every channel of every subject."""
        self.scaler_ = ChannelScaler.learn(
            self._inputs(epochs),
            index,
            len(self.subjects_),
            self.ch_names_,
            real_channels(self.contacts_, self.subjects_, self.ch_names_),
        )

    def _check_again(self, X, *, subject=None, sfreq=None):
        """Turn later data into epochs in the channel order of the training data."""
        epochs = as_array(X, sfreq=sfreq if sfreq is not None else self.sfreq)
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
        size = duration * rate
        if abs(size - round(size)) > 1e-6:
            raise ValueError(
                f"`patch_duration` must be a whole number of samples; {duration} s is "
                f"{size:.3f} samples at {rate:g} Hz. Resample to 1000 Hz or change it."
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
        mne.utils.warn(
            f"The epochs have {n_times} samples, not a whole number of patches of "
            f"{size}; the last {extra} samples are not used."
        )
        return replace(epochs, data=epochs.data[..., : n_times - extra])

    def _scaled(self, epochs):
        """Return the z-scored inputs and the subject of each epoch as integers."""
        _, index = subject_index(epochs, self.subjects_)
        return self.scaler_.apply(self._inputs(epochs), index), index

    def _signal_data(self, epochs, *, y=None, crop=None, max_shift=0.0):
        """Put epochs on the device for training; times are in seconds."""
        x, subject = self._scaled(epochs)
        rate = self.info_["sfreq"]
        n_times = None if crop is None else self._crop_samples(crop)
        shift = round(max_shift * rate)
        return self._on_device(x, subject, y=y, n_times=n_times, max_shift=shift)

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

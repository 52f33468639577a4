"""What the three estimators share: input, scaling, devices, training, files."""

import mne
import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators import contributions, persistence
from mne_duin.estimators.bands import BANDS, add_high_gamma
from mne_duin.nn import build_encoder
from mne_duin.training import (
    ChannelScaler,
    SignalData,
    choose_device,
    choose_precision,
    train,
)
from mne_duin.utils.checks import check_number, check_option
from mne_duin.utils.epochs import EpochsData, as_array
from mne_duin.utils.random import draw_seed

ARCHITECTURE = (
    "n_filters",
    "conv_filters",
    "conv_kernels",
    "conv_strides",
    "n_layers",
    "n_heads",
    "head_dim",
    "ff_dim",
    "attention_dropout",
    "ff_dropout",
)


INITIAL = ("principal", "random")


def unwrap(estimator, argument):
    """Return a fitted estimator, out of its ``FrozenEstimator`` where there is one.

    Parameters
    ----------
    estimator : estimator
        A pre-trained stage.
    argument : str
        Name of the argument, for the message.

    Returns
    -------
    estimator : BaseDuIN
        The fitted estimator.

    Raises
    ------
    ValueError
        If it is not fitted.
    """
    inner = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
    if not hasattr(inner, "module_"):
        raise ValueError(
            f"`{argument}` is not fitted. Fit it first; inside clone, cross_val_score "
            "or GridSearchCV wrap the fitted estimator in "
            "sklearn.frozen.FrozenEstimator, because cloning forgets what was learned."
        )
    return inner


def inherit_input(estimator, pretrained):
    """Give an estimator the channels, subjects and scales of a pre-trained stage.

    Parameters
    ----------
    estimator, pretrained : BaseDuIN
        The later and the earlier stage.
    """
    for name in (
        "ch_names_",
        "high_gamma_",
        "info_",
        "n_features_in_",
        "patch_size_",
        "subjects_",
        "scaler_",
    ):
        setattr(estimator, name, getattr(pretrained, name))


class BaseDuIN(BaseEstimator):
    """Base of the estimators; not to be used itself."""

    def _check_X(self, X, *, subject=None, sfreq=None):
        """Turn the training data into epochs of whole patches and learn the channels.

        Sets ``ch_names_, info_, n_features_in_, patch_size_, subjects_, scaler_``.
        """
        epochs = as_array(X, sfreq=sfreq if sfreq is not None else self.sfreq)
        if epochs.sfreq is None:
            raise ValueError(
                "The sampling rate of an array is unknown; pass `sfreq=` in Hz to fit "
                "or to the constructor, or pass mne.Epochs."
            )
        if subject is not None:
            epochs = _with_subject(epochs, subject)
        names = epochs.ch_names or [str(i) for i in range(epochs.data.shape[1])]
        self.ch_names_ = list(names)
        self.info_ = mne.create_info(self.ch_names_, epochs.sfreq, "seeg")
        self.n_features_in_ = len(names)
        self.patch_size_ = self._count_patch_samples()
        self.subjects_, index = _subject_index(epochs)
        self.scaler_ = ChannelScaler.learn(
            self._inputs(epochs), index, len(self.subjects_), self.ch_names_
        )
        return self._whole_patches(epochs)

    def _inputs(self, epochs):
        """Return what the network sees, (n_epochs, n_inputs, n_times), not scaled."""
        if not self.high_gamma_:
            return epochs.data
        return add_high_gamma(epochs.data, self.info_["sfreq"])

    def _check_again(self, X, *, subject=None, sfreq=None):
        """Turn later data into epochs in the channel order of the training data."""
        check_is_fitted(self, "scaler_")
        epochs = as_array(X, sfreq=sfreq if sfreq is not None else self.sfreq)
        if subject is not None:
            epochs = _with_subject(epochs, subject)
        if epochs.sfreq is not None and not np.isclose(
            epochs.sfreq, self.info_["sfreq"]
        ):
            raise ValueError(
                f"`X` has a sampling rate of {epochs.sfreq:g} Hz; "
                f"{type(self).__name__} was fitted at {self.info_['sfreq']:g} Hz. "
                "Resample it."
            )
        return self._whole_patches(self._order_channels(epochs))

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
        return EpochsData(
            epochs.data[:, rows],
            epochs.sfreq,
            self.ch_names_,
            epochs.subject,
            epochs.metadata,
        )

    def _count_patch_samples(self):
        """Return the length of a patch in samples."""
        duration, rate = self.patch_duration, self.info_["sfreq"]
        check_number("patch_duration", duration, low=0, closed=False)
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
        return EpochsData(
            epochs.data[..., : n_times - extra],
            epochs.sfreq,
            epochs.ch_names,
            epochs.subject,
            epochs.metadata,
        )

    def _scaled(self, epochs):
        """Return the z-scored inputs and the subject of each epoch as integers."""
        _, index = _subject_index(epochs, self.subjects_)
        return self.scaler_.apply(self._inputs(epochs), index), index

    def _signal_data(self, epochs, *, y=None, crop=None, max_shift=0.0):
        """Put epochs on the device for training; times are in seconds."""
        x, subject = self._scaled(epochs)
        rate = self.info_["sfreq"]
        n_times = None
        if crop is not None:
            size = self.patch_size_
            n_times = max(round(crop * rate) // size, 2) * size
        shift = round(max_shift * rate)
        return self._on_device(x, subject, y=y, n_times=n_times, max_shift=shift)

    def _on_device(self, x, subject, **options):
        """Put scaled inputs on the device."""
        return SignalData(
            x,
            subject=subject,
            channel_mask=self.scaler_.channel_mask,
            device=self.device_,
            **options,
        )

    def _prepare(self):
        """Draw the seed, choose the device and return the type of autocast."""
        self._seed = draw_seed(self.random_state)
        self.device_ = choose_device(self.device)
        return choose_precision(self.precision, self.device_)

    def _build_encoder(self):
        """Build a new encoder of the sizes that the constructor was given."""
        architecture = {name: getattr(self, name) for name in ARCHITECTURE}
        return build_encoder(
            self.scaler_.mean.shape[1],
            n_subjects=len(self.subjects_),
            patch_size=self.patch_size_,
            **architecture,
        )

    def _train(self, step, data, recipe, dtype, **options):
        """Run the engine with a recipe and keep its history."""
        n_warmup = max(round(recipe["warmup"] * recipe["max_iter"]), 1)
        self.history_, self.best_iter_ = train(
            self.module_,
            step,
            data,
            max_iter=check_number("max_iter", recipe["max_iter"], low=1, integer=True),
            batch_size=check_number(
                "batch_size", recipe["batch_size"], low=2, integer=True
            ),
            lr=check_number("lr", recipe["lr"], low=0, closed=False),
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
        cuda = [self.device_] if self.device_.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda):
            torch.manual_seed(self._seed)
            self.module_ = build().to(self.device_)
            if start is not None:
                start(self.module_, data)

    @torch.no_grad()
    def _batched(self, function, x, subject, batch_size=64):
        """Apply ``function(x, subject)`` to scaled inputs in evaluation mode."""
        self.module_.eval()
        batches = self._on_device(x, subject).batches(batch_size)
        return torch.cat([function(b.x, b.subject).cpu() for b in batches]).numpy()

    def spatial_weights(self, band="broadband"):
        """Return the first linear projection of every subject.

        Parameters
        ----------
        band : str
            ``"broadband"`` for the weights of the signal itself, ``"high-gamma"`` for
            those of its high-gamma power, where the network was given it.

        Returns
        -------
        weights : ndarray, shape (n_subjects, n_filters, n_channels)
            Per standard deviation of each channel.
        """
        check_is_fitted(self, "module_")
        check_option("band", band, BANDS[: 1 + self.high_gamma_])
        weights = self.module_.encoder.spatial.weight.detach().cpu().numpy()
        first = BANDS.index(band) * self.n_features_in_
        return weights[..., first : first + self.n_features_in_].copy()

    def folded_filters(self):
        """Return spatial map and patch encoder as spatio-temporal filters.

        The patch encoder has no activation, so in evaluation it is one linear map.

        Returns
        -------
        filters : ndarray, shape (n_subjects, dim, n_channels, n_times)
            Filter of each dimension of a token over one patch of the signal, per
            standard deviation of each channel; those of high-gamma power are left out.
        """
        check_is_fitted(self, "module_")
        return contributions.folded_filters(self)[:, :, : self.n_features_in_]

    def channel_contributions(self, method="weights", *, X=None, y=None):
        """Say how much each channel contributes.

        Parameters
        ----------
        method : str
            ``"weights"``: mean absolute spatial weight over filters, the published
            measure; with a few hundred trials the weights hardly move from their
            random start, so distrust it there. ``"patterns"``: the forward model of the
            trained spatio-temporal filters (Haufe et al. 2014), which needs ``X``.
            ``"ablation"``: rise of the loss on ``X`` (held out, if you want an honest
            figure) when the channel is silenced.
        X : Epochs | array | None
            Data for ``"patterns"`` and ``"ablation"``.
        y : array, shape (n_epochs,) | None
            Labels for the ablation of a classifier.

        Returns
        -------
        contributions : Series | DataFrame
            One value per channel; one column per subject where there are several.
            Padded channels are NaN.

        References
        ----------
        Zheng et al., Du-IN, NeurIPS 2024, section 4.3; Haufe et al., NeuroImage 2014.
        """
        check_is_fitted(self, "module_")
        return contributions.compute(self, method, X, y)

    def save(self, path):
        """Write the fitted estimator to one safe file.

        Parameters
        ----------
        path : path-like
            The file; an existing one is replaced as a whole or not at all.

        Returns
        -------
        path : Path
            The file.
        """
        check_is_fitted(self, "module_")
        return persistence.save(self, path)


def _with_subject(epochs, subject):
    subject = np.asarray(subject)
    if subject.shape != (len(epochs),):
        raise ValueError(
            f"`subject` must have one value per epoch, shape ({len(epochs)},); got "
            f"shape {subject.shape}."
        )
    return EpochsData(
        epochs.data, epochs.sfreq, epochs.ch_names, subject, epochs.metadata
    )


def _subject_index(epochs, known=None):
    """Return the subjects and the index of each epoch's subject."""
    anonymous = np.array([""])
    if epochs.subject is None:
        if known is not None and len(known) > 1:
            raise ValueError(
                f"The estimator knows subjects {list(known)}; say whose each epoch is "
                "by metadata['subject'] or `subject=`."
            )
        return anonymous if known is None else known, np.zeros(len(epochs), int)
    if known is None:
        return np.unique(epochs.subject, return_inverse=True)
    if np.array_equal(known, anonymous):
        return known, np.zeros(len(epochs), int)
    unknown = sorted(set(epochs.subject) - set(known))
    if unknown:
        raise ValueError(
            f"`X` has unknown subjects {unknown}; the estimator knows {list(known)}."
        )
    return known, np.searchsorted(known, epochs.subject)

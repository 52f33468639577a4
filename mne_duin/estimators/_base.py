"""What the Du-IN estimators have in common: the encoder, its weights and pictures."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from mne_duin import viz
from mne_duin.estimators import _contributions, _files, _hub
from mne_duin.estimators._files import below
from mne_duin.estimators._plots import of_real_channels, own_contacts, subject_row
from mne_duin.estimators._trained import (
    Signal,
    TrainedNetwork,
    inherit_input,
    note_runs,
)
from mne_duin.estimators.presets import encoder_width, resolve
from mne_duin.nn import (
    Quantizer,
    build_encoder,
    encoder_sizes,
    load_network,
    network_sizes,
)
from mne_duin.nn._models import Stage
from mne_duin.utils._band_choice import SCREENED
from mne_duin.utils._bands import BANDS, BROADBAND, UNMIXED
from mne_duin.utils._checks import check_option
from mne_duin.utils._docs import fill_doc

ARCHITECTURE = (
    "subject_layers",
    "patch_encoder",
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


INITIAL = ("zca", "principal", "random")
SUBJECT_LAYERS = ("spatial", "patch")
# Whose segments are drawn equally often.
BALANCES = (None, "recording", "subject")
PATCH_ENCODERS = ("published", "depthwise", "depthwise-filters")
FRONT = ("encoder.spatial", "encoder.patch")
UNMIXING = "unmixing."  # in names of tensors in files
# How far ZCA shrinks the correlations of the inputs where power of unmixed channels is
# among them. With power of channels only, accuracy decreases with it.
SHRINKAGE = 0.3
# Transformer and head grow with the features of a token, the folded patch encoder with
# inputs x samples x features; published are 160, and 16 x 100 x 160.
MOST_FEATURES = 4096
MOST_WEIGHTS = 2**27


def check_encoder(estimator):
    """Check the parameters that choose the kind of encoder."""
    check_option("subject_layers", estimator.subject_layers, SUBJECT_LAYERS)
    check_option("patch_encoder", estimator.patch_encoder, PATCH_ENCODERS)
    if estimator.subject_layers == "patch" and estimator.patch_encoder != "published":
        raise ValueError(
            f"patch_encoder={estimator.patch_encoder!r} does not go with "
            "subject_layers='patch', where every subject has a published patch "
            "encoder; it needs subject_layers='spatial'."
        )


def _check_groups(n_filters, conv_filters):
    """Check that the convolutions can keep the spatial filters apart."""
    if any(size % n_filters for size in conv_filters):
        raise ValueError(
            "patch_encoder='depthwise-filters' needs numbers of filters in "
            f"`conv_filters` that are multiples of `n_filters` ({n_filters}); got "
            f"{tuple(conv_filters)}."
        )


def front_scale(scale):
    """Return the engine's ``lr_scale`` for spatial maps and patch encoder."""
    return dict.fromkeys(FRONT, scale)


def unwrap(estimator, argument):
    """Return a fitted estimator, out of its ``FrozenEstimator`` where there is one."""
    inner = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
    if not isinstance(inner, BaseDuIN):
        raise TypeError(
            f"`{argument}` must be a fitted DuINVQVAE or DuINMAE; got "
            f"{type(inner).__name__} {inner!r}."
        )
    if "module_" not in vars(inner):
        raise ValueError(
            f"`{argument}` is not fitted. Fit it first; inside clone, cross_val_score "
            "or GridSearchCV wrap the fitted estimator in "
            "sklearn.frozen.FrozenEstimator, because cloning forgets what was learned."
        )
    return inner


def check_unscreened(bands):
    """Refuse the choice of bands by classes where there is not one class per epoch."""
    if isinstance(bands, str) and bands == SCREENED:
        raise ValueError(
            "bands='screened' chooses the bands by the classes of whole epochs, which "
            "only DuINClassifier has; name the bands, such as ['high-gamma'], or give "
            "'raw'."
        )


def read_training_epochs(estimator, X, recipe, subject, sfreq, y=None):
    """Return the epochs to fine-tune on, with the scales that will be used.

    Those of the pre-trained stage where there is one; else they are learned. The
    classes ``y`` (n_epochs,) may choose the bands.
    """
    if estimator.pretrained is None:
        if y is None:
            check_unscreened(recipe["bands"])
        return estimator._check_X(
            X, subject=subject, sfreq=sfreq, bands=recipe["bands"], y=y
        )
    pretrained = unwrap(estimator.pretrained, "pretrained")
    inherit_input(estimator, pretrained)
    epochs = estimator._check_again(X, subject=subject, sfreq=sfreq)
    note_runs(estimator, epochs.metadata, pretrained)
    return epochs


def copy_encoder(pretrained):
    """Return a new encoder with the weights of a fitted stage."""
    trained = unwrap(pretrained, "pretrained").module_.encoder
    encoder = build_encoder(**encoder_sizes(trained))
    encoder.load_state_dict(trained.state_dict())
    return encoder


def _read_bands(learned):
    """Return the bands of a network from a file, also of one that knew one band."""
    if "bands" in learned:
        return {name: tuple(edges) for name, edges in learned["bands"].items()}
    return {"high-gamma": BANDS["high-gamma"]} if learned["high_gamma"] else {}


def _read_unmixing(estimator, tensors):
    """Return the unmixing of bands out of a file, which has to fit the rest."""
    n_channels = len(estimator.ch_names_)
    shape = len(estimator.subjects_), n_channels, n_channels
    expected = {name for name in estimator.bands_ if name.endswith(UNMIXED)}
    if {*tensors} != expected or {tuple(v.shape) for v in tensors.values()} - {shape}:
        raise ValueError("the unmixing is not that of its bands, subjects, channels")
    return {name: value.numpy() for name, value in tensors.items()}


@fill_doc
class BaseDuIN(TrainedNetwork):
    """Base of the estimators around the Du-IN encoder.

    A subclass says in ``_loss_of`` what its loss is, epoch by epoch.
    """

    # Parameters of the encoder and of the training; subclasses give them defaults.
    preset: str
    subject_layers: str
    patch_encoder: str
    module_: Stage
    _stage: ClassVar[str]  # its name in PRESETS
    _takes_labels: ClassVar[bool] = False
    # Whether the network sees the signal through the tokens of its encoder alone.
    _reads_tokens: ClassVar[bool] = True

    def _training_step(self, recipe, data):
        """Return the training step: ``step(module, batch) -> losses``."""
        raise NotImplementedError

    def _subject_step(self, recipe, data):
        """Return the step by which the layers of a new subject learn."""
        return self._training_step(recipe, data)

    def _earlier_stage(self):
        """Return the fitted stage that this one was made of, or None."""
        return None

    def _codex(self) -> Quantizer | None:
        """Return the codex of the fitted network or of its first stage, or None."""
        return None

    def _chance(self):
        """Return the accuracy at chance; None where nothing is classified."""
        return None

    def _loss_of(self, x, subject, target=None):
        """Return the loss of scaled inputs against a target, (n_epochs,)."""
        raise NotImplementedError

    def _check_target(self, y, n_epochs):
        """Check the labels of a measure that takes them."""
        if y is not None and np.shape(y) != (n_epochs,):
            raise ValueError(
                f"`y` must have one label per epoch, shape ({n_epochs},); got shape "
                f"{np.shape(y)}."
            )

    def _add_state(self, tensors, meta):
        """Add what a file of this class holds in addition to what all networks have."""
        meta["network"] = network_sizes(self.module_)
        meta["learned"]["bands"] = {k: list(v) for k, v in self.bands_.items()}
        for name, value in self.unmixing_.items():
            tensors[UNMIXING + name] = torch.from_numpy(value.copy())

    def _take_state(self, tensors, meta):
        """Take back what :meth:`_add_state` added."""
        self.module_ = load_network(meta["network"], below(tensors, "module."))
        self.patch_size_ = self.module_.encoder.patch_size
        self.bands_ = _read_bands(meta["learned"])
        self.unmixing_ = _read_unmixing(self, below(tensors, UNMIXING))

    def _initial_maps(self, recipe):
        """Return by which whitening of the inputs the spatial maps start."""
        shrinkage = SHRINKAGE if self.unmixing_ else 0.0
        return {"whitening": recipe["init"], "shrinkage": shrinkage}

    def _build_encoder(self, recipe):
        """Build a new encoder of the sizes that constructor and preset give."""
        n_inputs = self.scaler_.mean.shape[1]
        architecture = {name: getattr(self, name) for name in ARCHITECTURE}
        architecture |= {name: recipe[name] for name in ARCHITECTURE if name in recipe}
        architecture |= encoder_width(recipe, n_inputs)
        if self.patch_encoder == "depthwise-filters":
            _check_groups(architecture["n_filters"], architecture["conv_filters"])
        self._check_patch(n_inputs, architecture)
        return build_encoder(
            n_inputs,
            n_subjects=len(self.subjects_),
            patch_size=self.patch_size_,
            **architecture,
        )

    def _check_patch(self, n_inputs, architecture):
        """Refuse patches whose tokens need more memory than they are worth."""
        n_steps = self.patch_size_
        for kernel, stride in zip(
            architecture["conv_kernels"], architecture["conv_strides"], strict=True
        ):
            n_steps = (n_steps + 2 * (kernel // 2) - kernel) // stride + 1
        if n_steps < 1:
            raise ValueError(
                f"A patch of {self.patch_size_} samples is too short for convolutions "
                f"with conv_kernels={tuple(architecture['conv_kernels'])}. Lengthen "
                "`patch_duration` or shorten the kernels."
            )
        dim = n_steps * architecture["conv_filters"][-1]
        width = max(n_inputs, architecture["n_filters"])
        if width * self.patch_size_ * dim > MOST_WEIGHTS or dim > MOST_FEATURES:
            rate = self.info_["sfreq"]
            raise ValueError(
                f"Patches of {self.patch_size_ / rate:g} s at {rate:g} Hz have "
                f"{self.patch_size_} samples, which makes tokens of {dim} features and "
                "needs too much memory. Read the recording with "
                "read_epochs(sfreq=1000), or shorten `patch_duration`."
            )

    def _held_out(self, X, recipe, sfreq):
        """Return unlabeled epochs as data of the engine; None where there are none."""
        if X is None:
            return None
        epochs = self._check_again(X, sfreq=sfreq)
        return self._signal_data(epochs, crop=recipe["crop_duration"])

    def _mean_loss(self, X, subject):
        """Return the mean of the loss of a stage that needs no labels."""
        epochs = self._check_fitted(X, subject)
        return float(self._loss_of(*self._scaled_inputs(epochs)).mean())

    def resolved_params(self) -> dict:
        """Return the parameters as they are used in training.

        Returns
        -------
        params : dict of str to object
            The parameters of the constructor; those left None have the value that the
            preset gives them.
        """
        return self.get_params(deep=False) | resolve(self, self._stage)

    def _html_repr(self):
        """Return the diagram of scikit-learn and what the preset gives."""
        given = self.get_params(deep=False)
        chosen = {
            name: value
            for name, value in resolve(self, self._stage).items()
            if given[name] is None
        }
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(repr(value))}</td></tr>"
            for name, value in chosen.items()
        )
        return (
            f"{super()._html_repr()}<details><summary>{len(chosen)} parameters from "
            f"preset={escape(repr(self.preset))}</summary><table>{rows}</table></details>"
        )

    def spatial_weights(self, band: str = "broadband") -> np.ndarray:
        """Return the first linear projection of every subject.

        Parameters
        ----------
        band : str
            ``"broadband"`` for the weights of the signal itself; the name of a band,
            such as ``"high-gamma"``, for those of its power, where the network was
            given it.

        Returns
        -------
        weights : ndarray, shape (n_subjects, n_filters, n_channels)
            Per standard deviation of each channel; in an unmixed band, of the component
            in its place.
        """
        check_is_fitted(self, "module_")
        names = [BROADBAND, *self.bands_]
        check_option("band", band, names)
        if self.module_.encoder.spatial is None:
            raise ValueError(
                'With subject_layers="patch" no subject has a spatial map; '
                "`folded_filters` returns the filters of its patch encoder."
            )
        weights = self.module_.encoder.spatial.weight.detach().cpu().numpy()
        first = names.index(band) * self.n_features_in_
        return weights[..., first : first + self.n_features_in_].copy()

    def spatial_patterns(
        self, X: Signal, *, band: str = "broadband", subject: ArrayLike | None = None
    ) -> np.ndarray | dict[str, np.ndarray]:
        """Return the forward-model pattern of every spatial filter.

        With the covariance C of the inputs and the filters W (rows) the patterns are
        the columns of ``C W' pinv(W C W')``: how strongly the source that each filter
        reads appears on each channel (Haufe et al. 2014, equation 6).

        Parameters
        ----------
        %(X)s
        band : str
            ``"broadband"`` or a band, as in :meth:`spatial_weights`; ``"all"`` computes
            those of all of them at once.
        %(subject)s

        Returns
        -------
        patterns : ndarray, shape (n_subjects, n_filters, n_channels) | dict
            By band with ``"all"``. In standard deviations of the channel per standard
            deviation of the filter's output; NaN for a subject without epochs in ``X``.
            In an unmixed band, a channel has the values of the components in proportion
            to the power that it has from each.

        References
        ----------
        Haufe et al., NeuroImage 2014.
        """
        self.spatial_weights(BROADBAND if band == "all" else band)
        by_band = self._patterns_by_band(X, subject)
        return by_band if band == "all" else by_band[band]

    def _patterns_by_band(self, X, subject) -> dict[str, np.ndarray]:
        """Return the forward-model patterns of the inputs of each band."""
        patterns = _contributions.spatial_patterns(self, self._check_fitted(X, subject))
        names = [BROADBAND, *self.bands_]
        return dict(zip(names, np.moveaxis(patterns, 2, 0), strict=True))

    def _shown_patterns(self, X, show_subject=None, subject=None):
        """Return one subject's patterns without padded channels, by band."""
        row = subject_row(self, show_subject)
        by_band = self._patterns_by_band(X, subject)
        return {band: of_real_channels(self, p, row) for band, p in by_band.items()}

    def folded_filters(self) -> np.ndarray:
        """Return spatial map and patch encoder as spatio-temporal filters.

        The patch encoder has no activation, so in evaluation it is one linear map.

        Returns
        -------
        filters : ndarray, shape (n_subjects, dim, n_channels, n_times)
            Filter of each dimension of a token over one patch of the signal, per
            standard deviation of each channel; those of band power are left out.
        """
        check_is_fitted(self, "module_")
        return _contributions.folded_filters(self)[:, :, : self.n_features_in_]

    def channel_contributions(
        self,
        method: str = "weights",
        *,
        X: Signal | None = None,
        y: ArrayLike | None = None,
        subject: ArrayLike | None = None,
    ) -> pd.Series | pd.DataFrame:
        """Say how much each channel contributes.

        Parameters
        ----------
        method : str
            ``"weights"``, ``"patterns"`` or ``"permutation"``, see Notes.
        X : Epochs | array | None
            Data for ``"patterns"`` and ``"permutation"``.
        y : array, shape (n_epochs,) | None
            Labels for the permutation importance of a classifier.
        %(subject)s

        Returns
        -------
        contributions : Series | DataFrame
            One value per channel; one column per subject where there are several.
            Padded channels are NaN.

        Notes
        -----
        ``"weights"`` is the published measure: the mean absolute spatial weight over
        filters (of the first convolution, with ``subject_layers="patch"``). With a few
        hundred trials the weights hardly move from where training started, and a large
        weight may only cancel what other channels share: trust it after long training
        only, and then next to the others.

        ``"patterns"`` is the forward model of what is read out, a classifier's scores
        or the tokens of the other stages (Haufe et al. 2014). It says where that signal
        is, needed or not, and can be trusted as soon as the classifier is better than
        chance on held-out trials.

        ``"permutation"`` is the increase of the loss on ``X`` when the channel, its
        signal and its power in all bands together (of unmixed bands that of the
        component in its place), comes from another epoch: the mean
        over five random ways of exchanging epochs. It says what the network needs:
        channels that carry the same hide each other. Trust it on epochs that were held
        out, with a hundred or more of them; means over the folds of a cross-validation
        are steadier still.

        On simulations with known truth the three rank the channels that carry words as
        :doc:`/benchmarks/reliability` shows.

        References
        ----------
        Zheng et al., Du-IN, NeurIPS 2024, section 4.3; Haufe et al., NeuroImage 2014.
        """
        check_is_fitted(self, "module_")
        return _contributions.compute(self, method, X, y, subject)

    def plot_history(self, *, chance: float | None = None, **options) -> Figure:
        """Plot what was recorded over the passes.

        Parameters
        ----------
        chance : float | None
            Accuracy at chance, between 0 and 1.
        **options : dict
            Passed to :func:`mne_duin.plot_history`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        check_is_fitted(self, "module_")
        chance = self._chance() if chance is None else chance
        options = {"best_pass": self.best_iter_, "chance": chance} | options
        return viz.plot_history(self.history_, **options)

    def plot_contributions(
        self,
        contacts: pd.DataFrame | Mapping | None = None,
        method: str = "weights",
        *,
        X: Signal | None = None,
        y: ArrayLike | None = None,
        subject: ArrayLike | None = None,
        **options,
    ) -> Figure:
        """Plot how much each channel contributes, by one of three measures.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name; for several subjects the table of
            ``stack_subjects`` or a dict of tables.
        method : str
            ``"weights"``, ``"patterns"`` or ``"permutation"``; see
            :meth:`channel_contributions` for when each can be trusted.
        X : Epochs | array | None
            Data for ``"patterns"`` and ``"permutation"``, held out.
        y : array, shape (n_epochs,) | None
            Labels for the permutation importance of a classifier.
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_contributions`.

        Returns
        -------
        figure : Figure
            The figure; several subjects share one brain.
        """
        values = self.channel_contributions(method, X=X, y=y, subject=subject)
        names = [str(name) for name in self.subjects_]
        if len(names) == 1:
            table = own_contacts(self, contacts, 0)
            own = pd.Series(values.to_numpy(), table.index)
        else:
            table = {k: own_contacts(self, contacts, n) for n, k in enumerate(names)}
            own = {k: values[k].dropna().to_numpy() for k in names}
        return viz.plot_contributions(own, table, method=method, **options)

    def plot_spatial_filters(
        self,
        contacts: pd.DataFrame | Mapping | None = None,
        *,
        X: Signal | None = None,
        band: str = "broadband",
        subject: ArrayLike | None = None,
        show_subject: str | None = None,
        **options,
    ) -> Figure:
        """Plot the spatial filters: weights, patterns, kernels, frequency responses.

        The temporal kernels are those of the whole patch encoder, from a spatial filter
        to the features of one step of a token, with all convolutions multiplied into
        one.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame | DigMontage | None
            Contacts, index = channel name. None takes the montage of the epochs that
            the estimator was fitted with.
        X : Epochs | array | None
            Data for the forward-model patterns of the same filters, which are drawn
            next to the weights; None draws none.
        band : str
            ``"broadband"`` or ``"high-gamma"``, as in :meth:`spatial_weights`.
        %(subject)s
        show_subject : str | None
            Whose filters, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_spatial_filters`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = subject_row(self, show_subject)
        options = {
            "sfreq": self.info_["sfreq"],
            "label": f"weight, {band}",
            "pattern_label": f"pattern, {band} (SD of channel per SD of filter)",
        } | options
        if X is not None:
            shown = self._shown_patterns(X, show_subject, subject)
            options["patterns"] = shown[band]
        return viz.plot_spatial_filters(
            of_real_channels(self, self.spatial_weights(band), row),
            own_contacts(self, contacts, row),
            kernels=_contributions.step_kernels(self),
            **options,
        )

    def plot_patterns(
        self,
        X: Signal,
        contacts: pd.DataFrame | Mapping | None = None,
        *,
        band: str = "broadband",
        subject: ArrayLike | None = None,
        show_subject: str | None = None,
        **options,
    ) -> Figure:
        """Plot the forward-model patterns of the filters with the largest weights.

        Parameters
        ----------
        %(X)s
        contacts : DataFrame | dict of str to DataFrame | DigMontage | None
            Contacts, index = channel name. None takes the montage of the epochs that
            the estimator was fitted with.
        band : str
            ``"broadband"`` or ``"high-gamma"``, as in :meth:`spatial_patterns`.
        %(subject)s
        show_subject : str | None
            Whose patterns, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_patterns`.

        Returns
        -------
        figure : Figure
            The figure; it shows the same filters as :meth:`plot_spatial_filters`.
        """
        row = subject_row(self, show_subject)
        patterns = self.spatial_patterns(X, band=band, subject=subject)
        options = {
            "label": f"pattern, {band} (SD of channel per SD of filter)",
            "weights": of_real_channels(self, self.spatial_weights(band), row),
        } | options
        return viz.plot_patterns(
            of_real_channels(self, patterns, row),
            own_contacts(self, contacts, row),
            **options,
        )

    def contact_kernels(self, band: str = "broadband") -> np.ndarray:
        """Return the temporal kernels of the channels.

        Parameters
        ----------
        band : str
            ``"broadband"`` for the kernels of the signal itself, or one of ``bands_``
            for those of the power in that band.

        Returns
        -------
        kernels : ndarray, shape (n_subjects, n_channels, n_times)
            Weights of the depthwise convolution; before training a unit impulse, which
            leaves the signal as it is.

        Raises
        ------
        ValueError
            If the network has no such kernels.
        """
        check_is_fitted(self, "module_")
        check_option("band", band, (BROADBAND, *self.bands_))
        layer = getattr(self.module_.encoder, "contacts", None)
        if layer is None:
            raise ValueError(
                "The channels have no temporal kernels of their own; fit with "
                "patch_encoder='depthwise'."
            )
        kernels = layer.weight.detach().cpu().numpy()
        first = [BROADBAND, *self.bands_].index(band) * self.n_features_in_
        return kernels[:, first : first + self.n_features_in_].copy()

    def plot_contact_kernels(
        self,
        contacts: pd.DataFrame | Mapping | None = None,
        *,
        band: str = "broadband",
        show_subject: str | None = None,
        **options,
    ) -> Figure:
        """Plot the temporal kernels of every contact on the montage.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame | DigMontage | None
            Contacts, index = channel name. None takes the montage of the epochs that
            the estimator was fitted with.
        band : str
            ``"broadband"`` or ``"high-gamma"``, as in :meth:`contact_kernels`.
        show_subject : str | None
            Whose kernels, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_contact_kernels`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = subject_row(self, show_subject)
        kernels = self.contact_kernels(band).swapaxes(1, 2)
        options = {"sfreq": self.info_["sfreq"], "title": f"{band} kernels"} | options
        return viz.plot_contact_kernels(
            of_real_channels(self, kernels, row).T,
            own_contacts(self, contacts, row),
            **options,
        )

    def plot_patch_filters(
        self,
        contacts: pd.DataFrame | Mapping | None = None,
        *,
        show_subject: str | None = None,
        **options,
    ) -> Figure:
        """Plot the folded patch encoder: the receptive field of each token feature.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame | DigMontage | None
            Contacts, index = channel name. None takes the montage of the epochs that
            the estimator was fitted with.
        show_subject : str | None
            Whose filters, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_patch_filters`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = subject_row(self, show_subject)
        filters = of_real_channels(self, self.folded_filters().swapaxes(2, 3), row)
        options = {"sfreq": self.info_["sfreq"]} | options
        return viz.plot_patch_filters(
            filters.swapaxes(1, 2), own_contacts(self, contacts, row), **options
        )

    def save(self, path: Path | str) -> Path:
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
        return _files.save(self, path)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        licence: str | None = None,
        private: bool = True,
        token: str | None = None,
        endpoint: str | None = None,
    ) -> str:
        """Upload the fitted estimator to the Hugging Face Hub.

        Needs the extra ``hub``. The repository gets the file that ``save`` writes and a
        card with parameters and channels. Think of the patients before you publish: the
        file holds channel names, scales, labels and names of subjects and runs.

        Parameters
        ----------
        repo_id : str
            ``"owner/name"``; the repository is made where it is missing.
        licence : str | None
            Identifier of the licence, for example ``"cc-by-4.0"``; None says that none
            was stated.
        private : bool
            Whether a new repository is private. False warns.
        token : str | None
            Access token; None takes that of the login.
        endpoint : str | None
            Address of another _hub.

        Returns
        -------
        url : str
            Where it is now.

        Raises
        ------
        ImportError
            If the package huggingface_hub is missing.
        """
        check_is_fitted(self, "module_")
        options = {"token": token, "endpoint": endpoint}
        return _hub.push(self, repo_id, licence=licence, private=private, **options)

    @classmethod
    def from_pretrained(
        cls,
        repo_id_or_folder: str | Path,
        *,
        revision: str | None = None,
        token: str | None = None,
        cache_dir: Path | str | None = None,
        endpoint: str | None = None,
    ):
        """Read an estimator of this class from a folder or the Hugging Face Hub.

        Parameters
        ----------
        %(hub_source)s

        Returns
        -------
        estimator : DuINVQVAE | DuINMAE | DuINClassifier
            The fitted estimator, on the CPU.

        Raises
        ------
        FileNotFoundError
            If there is no such folder, repository or file.
        ValueError
            If the file is damaged, of another kind, or holds another class.
        """
        where = {"revision": revision, "token": token, "endpoint": endpoint}
        path = _hub.find_model(repo_id_or_folder, cache_dir=cache_dir, **where)
        known = {kind.__name__: kind for kind in BaseDuIN.__subclasses__()}
        estimator = _files.read(path, known)
        if not isinstance(estimator, cls):
            raise ValueError(
                f"{str(repo_id_or_folder)!r} holds a {type(estimator).__name__}, no "
                f"{cls.__name__}."
            )
        return estimator

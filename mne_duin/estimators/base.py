"""What the three estimators share: input, scaling, devices, training, files."""

from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators import contributions, hub, persistence
from mne_duin.estimators.bands import BANDS
from mne_duin.estimators.plots import NetworkPlots
from mne_duin.estimators.trained import TrainedNetwork
from mne_duin.estimators.width import encoder_width
from mne_duin.nn import build_encoder
from mne_duin.utils.checks import check_option
from mne_duin.utils.docs import fill_doc

ARCHITECTURE = (
    "subject_layers",
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
SUBJECT_LAYERS = ("spatial", "patch")
FRONT = ("encoder.spatial", "encoder.patch")


def front_scale(scale):
    """Return the engine's ``lr_scale`` for spatial maps and patch encoder.

    Parameters
    ----------
    scale : float
        Their learning rate relative to that of the rest.

    Returns
    -------
    lr_scale : dict of str to float
        The factor by name of the part.
    """
    return dict.fromkeys(FRONT, scale)


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
    TypeError
        If it is no estimator of this package.
    ValueError
        If it is not fitted.
    """
    inner = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
    if not isinstance(inner, BaseDuIN):
        raise TypeError(
            f"`{argument}` must be a fitted DuINVQVAE or DuINMAE; got "
            f"{type(inner).__name__} {inner!r}."
        )
    if not hasattr(inner, "module_"):
        raise ValueError(
            f"`{argument}` is not fitted. Fit it first; inside clone, cross_val_score "
            "or GridSearchCV wrap the fitted estimator in "
            "sklearn.frozen.FrozenEstimator, because cloning forgets what was learned."
        )
    return inner


@fill_doc
class BaseDuIN(NetworkPlots, TrainedNetwork):
    """Base of the estimators; not to be used itself."""

    def _build_encoder(self, recipe):
        """Build a new encoder of the sizes that constructor and preset give."""
        n_inputs = self.scaler_.mean.shape[1]
        architecture = {name: getattr(self, name) for name in ARCHITECTURE}
        architecture |= encoder_width(recipe, n_inputs)
        return build_encoder(
            n_inputs,
            n_subjects=len(self.subjects_),
            patch_size=self.patch_size_,
            **architecture,
        )

    def _held_out(self, X, recipe, sfreq):
        """Return unlabelled epochs as data of the engine; None where there are none."""
        if X is None:
            return None
        epochs = self._check_again(X, sfreq=sfreq)
        return self._signal_data(epochs, crop=recipe["crop_duration"])

    def _mean_loss(self, X, subject):
        """Return the mean of the loss of a stage that needs no labels."""
        epochs = self._check_fitted(X, subject)
        return float(self._loss_of(*self._scaled(epochs)).mean())

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
        if self.module_.encoder.spatial is None:
            raise ValueError(
                'With subject_layers="patch" no subject has a spatial map; '
                "`folded_filters` returns the filters of its patch encoder."
            )
        weights = self.module_.encoder.spatial.weight.detach().cpu().numpy()
        first = BANDS.index(band) * self.n_features_in_
        return weights[..., first : first + self.n_features_in_].copy()

    def spatial_patterns(self, X, *, band="broadband", subject=None):
        """Return the forward-model pattern of every spatial filter.

        With the covariance C of the inputs and the filters W (rows) the patterns are
        the columns of ``C W' pinv(W C W')``: how strongly the source that each filter
        reads appears on each channel (Haufe et al. 2014, equation 6).

        Parameters
        ----------
        %(X)s
        band : str
            ``"broadband"`` or ``"high-gamma"``, as in :meth:`spatial_weights`.
        %(subject)s

        Returns
        -------
        patterns : ndarray, shape (n_subjects, n_filters, n_channels)
            In standard deviations of the channel per standard deviation of the
            filter's output; NaN for a subject without epochs in ``X``.

        References
        ----------
        Haufe et al., NeuroImage 2014.
        """
        self.spatial_weights(band)
        patterns = contributions.spatial_patterns(self, self._check_fitted(X, subject))
        first = BANDS.index(band) * self.n_features_in_
        return patterns[..., first : first + self.n_features_in_]

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

    def channel_contributions(self, method="weights", *, X=None, y=None, subject=None):
        """Say how much each channel contributes.

        Parameters
        ----------
        method : str
            ``"weights"``, ``"patterns"`` or ``"ablation"``, see Notes.
        X : Epochs | array | None
            Data for ``"patterns"`` and ``"ablation"``.
        y : array, shape (n_epochs,) | None
            Labels for the ablation of a classifier.
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
        only, and then beside the others.

        ``"patterns"`` is the forward model of what is read out, a classifier's scores
        or the tokens of the other stages (Haufe et al. 2014). It says where that signal
        is, needed or not, and can be trusted as soon as the classifier is better than
        chance on held-out trials.

        ``"ablation"`` is the rise of the loss on ``X`` when the channel, its signal and
        its high-gamma power together, comes from another epoch: the mean over
        five random ways of exchanging epochs. It says what the network needs:
        channels that carry the same hide each other. Trust it on epochs that were held
        out, with a hundred or more of them; means over the folds of a cross-validation
        are steadier still.

        On simulations with known truth the three rank the channels that carry words as
        :doc:`/benchmarks` shows.

        References
        ----------
        Zheng et al., Du-IN, NeurIPS 2024, section 4.3; Haufe et al., NeuroImage 2014.
        """
        check_is_fitted(self, "module_")
        return contributions.compute(self, method, X, y, subject)

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

    def push_to_hub(
        self, repo_id, *, licence=None, private=True, token=None, endpoint=None
    ):
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
            Address of another hub.

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
        return hub.push(self, repo_id, licence=licence, private=private, **options)

    @classmethod
    def from_pretrained(
        cls,
        repo_id_or_folder,
        *,
        revision=None,
        token=None,
        cache_dir=None,
        endpoint=None,
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
        path = hub.find_model(repo_id_or_folder, cache_dir=cache_dir, **where)
        known = {kind.__name__: kind for kind in BaseDuIN.__subclasses__()}
        estimator = persistence.read(path, known)
        if not isinstance(estimator, cls):
            raise ValueError(
                f"{str(repo_id_or_folder)!r} holds a {type(estimator).__name__}, no "
                f"{cls.__name__}."
            )
        return estimator

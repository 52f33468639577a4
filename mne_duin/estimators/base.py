"""What the three estimators share: input, scaling, devices, training, files."""

from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators import contributions, persistence
from mne_duin.estimators.bands import BANDS
from mne_duin.estimators.trained import TrainedNetwork
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
class BaseDuIN(TrainedNetwork):
    """Base of the estimators; not to be used itself."""

    def _build_encoder(self):
        """Build a new encoder of the sizes that the constructor was given."""
        architecture = {name: getattr(self, name) for name in ARCHITECTURE}
        return build_encoder(
            self.scaler_.mean.shape[1],
            n_subjects=len(self.subjects_),
            patch_size=self.patch_size_,
            **architecture,
        )

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
            ``"weights"``: mean absolute spatial weight over filters, the published
            measure (of the first convolution, with ``subject_layers="patch"``); with a
            few hundred trials the weights hardly move from their random start, so
            distrust it there. ``"patterns"``: the forward model
            (Haufe et al. 2014) of what is read out, a classifier's scores or the
            tokens of the other stages, which needs ``X``.
            ``"ablation"``: rise of the loss on ``X`` (held out, if you want an honest
            figure) when the channel is silenced.
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

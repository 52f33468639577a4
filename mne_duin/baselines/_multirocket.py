"""MultiRocket and Hydra: random convolutions, then a ridge classifier."""

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from mne_duin.baselines._band_power import ALPHAS
from mne_duin.baselines._calibration import calibrate
from mne_duin.baselines._riemann import BandSignal
from mne_duin.utils._checks import (
    check_number,
    check_type,
    draw_seed,
    import_optional,
)

# Length of a kernel of either transform.
SHORTEST = 9


class RandomConvolutions(TransformerMixin, BaseEstimator):
    """Turn signals into the features of MultiRocket and Hydra, by aeon.

    MultiRocket: how often, how far and how long the responses to some 6,000 kernels of
    two and a minus one are positive, of the signal and of its differences. Hydra: in
    groups of random kernels, which of them responds most, counted over time. The
    counts of Hydra, most of them zero, are scaled as its authors do: square root, then
    mean and deviation of each, with zeros left at zero.

    Parameters
    ----------
    n_kernels : int
        Kernels of MultiRocket.
    hydra_kernels, hydra_groups : int
        Kernels of a group and groups of Hydra.
    random_state : None | int | RandomState
        Seed of the kernels.

    Attributes
    ----------
    seed_ : int
        Seed of the kernels.
    n_channels_, n_times_ : int
        Size of an epoch at fit.
    """

    def __init__(
        self, n_kernels=6250, *, hydra_kernels=8, hydra_groups=64, random_state=None
    ):
        self.n_kernels = n_kernels
        self.hydra_kernels = hydra_kernels
        self.hydra_groups = hydra_groups
        self.random_state = random_state

    def fit(self, X, y=None):
        """Draw the kernels, and learn their biases and scales.

        Parameters
        ----------
        X : ndarray, shape (n_epochs, n_channels, n_times)
            The signals.
        y : None
            Not used.

        Returns
        -------
        self : RandomConvolutions
            The transformer.

        Raises
        ------
        ImportError
            If aeon is not installed.
        ValueError
            If a number is out of range, or the epochs are shorter than a kernel.
        """
        check_number("n_kernels", self.n_kernels, low=84, integer=True)
        for name in ("hydra_kernels", "hydra_groups"):
            check_number(name, getattr(self, name), low=1, integer=True)
        X = np.asarray(X, np.float32)
        if X.shape[-1] < SHORTEST + 1:
            raise ValueError(
                f"Epochs must have at least {SHORTEST + 1} samples, one more than a "
                f"kernel; got {X.shape[-1]}."
            )
        self.seed_ = draw_seed(self.random_state)
        rocket = _import_aeon().MultiRocket(self.n_kernels, random_state=self.seed_)
        before = np.random.get_state()  # noqa: NPY002
        try:
            self._rocket = rocket.fit(X)
        finally:
            # aeon seeds numpy's global generator.
            np.random.set_state(before)  # noqa: NPY002
        _, self.n_channels_, self.n_times_ = X.shape
        counts = self._counts(X)
        self._mean = counts.mean(0)
        rare = (counts == 0).mean(0) ** 4
        self._deviation = counts.std(0, ddof=1) + rare + 1e-8
        self._scaler = StandardScaler().fit(self._rocket.transform(X))
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : ndarray, shape (n_epochs, n_channels, n_times)
            The signals.

        Returns
        -------
        features : ndarray, shape (n_epochs, n_features)
            Those of Hydra first.
        """
        check_is_fitted(self, "n_times_")
        X = np.asarray(X, np.float32)
        counts = self._counts(X)
        counts = (counts - self._mean) * (counts != 0) / self._deviation
        positions = self._scaler.transform(self._rocket.transform(X))
        return np.concatenate([counts, positions], axis=1)

    def _counts(self, X):
        """Return the square roots of what Hydra counts.

        Its kernels follow from the seed and the size of an epoch; its module cannot be
        pickled, so it is made again whenever it is needed.
        """
        hydra = _import_aeon().HydraTransformer(
            self.hydra_kernels,
            self.hydra_groups,
            random_state=self.seed_,
            output_type="numpy",
        )
        # It seeds torch's global generator.
        with torch.random.fork_rng(devices=[]):
            return np.sqrt(np.maximum(hydra.fit(X[:1]).transform(X), 0.0))


def _import_aeon():
    """Return aeon's convolutional transforms."""
    module = "aeon.transformations.collection.convolution_based"
    return import_optional(module, extra="aeon", purpose="make MultiRocket-Hydra")


def make_multirocket_hydra(
    *,
    n_kernels=6250,
    hydra_kernels=8,
    hydra_groups=64,
    band=None,
    sfreq=None,
    calibrated=True,
    random_state=None,
):
    """Make MultiRocket-Hydra: random convolutions and a ridge classifier.

    One of the most accurate general classifiers of time series. The transforms are
    those of aeon: ``pip install "mne-duin[aeon]"``. Scales of channels, biases of
    kernels and the ridge penalty are learned from the training trials only.

    Parameters
    ----------
    n_kernels : int
        Kernels of MultiRocket, which gives about eight features for each.
    hydra_kernels, hydra_groups : int
        Kernels of a group and groups of Hydra.
    band : tuple of float | None
        Edges in Hz of the band of the signal; None takes the signal as it is.
    sfreq : float | None
        Sampling rate in Hz of arrays, for ``band``. Epochs know theirs.
    calibrated : bool
        Whether there are probabilities; the temperature of the softmax of the scores is
        chosen by cross-validation inside the training trials, which takes three trials
        of every class.
    random_state : None | int | RandomState
        Seed of the kernels.

    Returns
    -------
    pipeline : Pipeline
        Unfitted; accepts Epochs, an array or a list of Epochs.

    Raises
    ------
    ImportError
        If aeon is not installed.
    TypeError
        If ``calibrated`` is not True or False.

    References
    ----------
    Dempster et al., Hydra, Data Mining and Knowledge Discovery 2023; Tan et al.,
    MultiRocket, Data Mining and Knowledge Discovery 2022; Middlehurst et al., aeon,
    Journal of Machine Learning Research 2024.

    Examples
    --------
    >>> make_multirocket_hydra(random_state=0)  # doctest: +SKIP
    """
    check_type("calibrated", calibrated, bool)
    _import_aeon()
    convolutions = RandomConvolutions(
        n_kernels,
        hydra_kernels=hydra_kernels,
        hydra_groups=hydra_groups,
        random_state=random_state,
    )
    last = RidgeClassifierCV(ALPHAS)
    # The kernels know no classes, so all folds can share them.
    last = calibrate(last) if calibrated else last
    return Pipeline(
        [
            ("signal", BandSignal(band, sfreq=sfreq)),
            ("convolutions", convolutions),
            ("ridge", last),
        ]
    )

"""Ensembles of decoders."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from mne_duin.estimators._staged import DuINDecoder
from mne_duin.estimators._trained import Signal, TrainedNetwork, note_runs
from mne_duin.utils._checks import check_type
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._pooling import pool_probabilities
from mne_duin.utils._signature import decides_alike, takes_segments


@fill_doc
class DecoderEnsemble(ClassifierMixin, _BaseComposition):
    r"""Decode words with the mean of what several decoders say.

    .. math:: p(w \mid x) \propto \prod_k p_k(w \mid x)^{a_k / \sum_l a_l}

    Decoders that err on different trials correct each other, if each is as sure as it
    should be: one that is too sure outvotes the others. So let a discriminant take part
    as ``make_lda(calibrated=True)``.

    Parameters
    ----------
    decoders : list of (str, estimator)
        Name and decoder. A :class:`sklearn.frozen.FrozenEstimator` takes part as it is.
    weights : sequence of float, shape (n_decoders,) | None
        What every decoder counts (:math:`a_k`); None counts all the same.

    Attributes
    ----------
    decoders_ : dict of str to estimator
        The fitted decoders by name.
    classes_ : ndarray, shape (n_classes,)
        The labels.
    fit_groups_ : set of str
        The runs that any of them has learned from; there only if all are known.

    References
    ----------
    Genest and Zidek, Combining probability distributions, Statistical Science 1986, for
    the logarithmic pool.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DecoderEnsemble, DuINClassifier, make_lda
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 600)), np.repeat(["yes", "no"], 6)
    >>> network = DuINClassifier(n_layers=1, max_iter=2, sfreq=1000.0, verbose=False)
    >>> lda = make_lda(sfreq=1000.0, calibrated=True)
    >>> both = DecoderEnsemble([("network", network), ("lda", lda)])
    >>> both.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    def __init__(self, decoders: list, *, weights: Sequence[float] | None = None):
        self.decoders = decoders
        self.weights = weights

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters, with those of the decoders.

        Parameters
        ----------
        deep : bool
            Whether the decoders and their parameters are included.

        Returns
        -------
        parameters : dict
            Values by name; those of a decoder after its name and two underscores.
        """
        return self._get_params("decoders", deep=deep)

    def set_params(self, **parameters) -> Self:
        """Set parameters, also of the decoders.

        Parameters
        ----------
        **parameters : dict
            Values by name, as in :meth:`get_params`.

        Returns
        -------
        self : DecoderEnsemble
            The ensemble.
        """
        self._set_params("decoders", **parameters)
        return self

    def fit(self, X: Signal, y: ArrayLike, *, unlabelled: Signal | None = None) -> Self:
        """Fit every decoder on the same trials.

        Parameters
        ----------
        %(X)s
        %(y)s
        unlabelled : Epochs | array, shape (n_segments, n_channels, n_times) | None
            Segments to pre-train on, for the decoders that do.

        Returns
        -------
        self : DecoderEnsemble
            The fitted ensemble.

        Raises
        ------
        TypeError
            If ``decoders`` is not a list of names and estimators.
        ValueError
            If there are none, two have the same name, ``unlabelled`` is of use to none
            of them, a frozen one knows other classes than the rest, or there is not one
            weight for each, none negative and not all zero.
        """
        self._check_decoders()
        takes = [name for name, each in self.decoders if takes_segments(each)]
        if unlabelled is not None and not takes:
            raise ValueError(
                "`unlabelled` is of no use: no decoder of the ensemble pre-trains. Got "
                f"{', '.join(name for name, _ in self.decoders)}."
            )
        self.decoders_ = {}
        for name, decoder in self.decoders:
            more = {"unlabelled": unlabelled} if name in takes else {}
            self.decoders_[name] = clone(decoder).fit(X, y, **more)
        self.classes_ = next(iter(self.decoders_.values())).classes_
        for name, decoder in self.decoders_.items():
            if not np.array_equal(decoder.classes_, self.classes_):
                raise ValueError(
                    f"The decoders must know the same classes; {name!r} knows "
                    f"{list(decoder.classes_)}, the first {list(self.classes_)}."
                )
        last = [
            each[-1] if isinstance(each, Pipeline) else each
            for each in self.decoders_.values()
        ]
        # All others have learned from these trials only.
        older = [each for each in last if isinstance(each, BRINGS_RUNS)]
        note_runs(self, getattr(X, "metadata", None), *older)
        return self

    def _check_decoders(self):
        check_type("decoders", self.decoders, (list, tuple))
        for pair in self.decoders:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(
                    "`decoders` must be a list of (name, estimator); it has "
                    f"{type(pair).__name__}."
                )
        if not self.decoders:
            raise ValueError("`decoders` must have at least one; got none.")
        self._validate_names([name for name, _ in self.decoders])
        if self.weights is None:
            return
        weights = np.asarray(self.weights, float)
        known = weights.shape == (len(self.decoders),) and np.isfinite(weights).all()
        if not known or (weights < 0).any() or not weights.any():
            raise ValueError(
                f"`weights` must have one number for each of {len(self.decoders)} "
                "decoders, none negative and at least one above zero; got "
                f"{self.weights!r}."
            )

    @decides_alike
    def predict_proba(self, X: Signal) -> np.ndarray:
        """Return the probability of every class.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        probabilities : ndarray, shape (n_epochs, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "decoders_")
        said = [each.predict_proba(X) for each in self.decoders_.values()]
        return pool_probabilities(said, self.weights)

    @decides_alike
    def predict(self, X: Signal) -> np.ndarray:
        """Return the most probable class of every epoch.

        Parameters
        ----------
        %(X)s

        Returns
        -------
        y : ndarray, shape (n_epochs,)
            The labels.
        """
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]


# What may have learned from other trials than those of the last fit.
BRINGS_RUNS = (FrozenEstimator, TrainedNetwork, DuINDecoder, DecoderEnsemble)

"""One window in, probabilities or a sequence out, for any fitted decoder."""

import time

import mne
import numpy as np
import pandas as pd
from mne.utils import warn
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mne_duin.utils._checks import check_type
from mne_duin.utils._epochs import ZERO_PHASE, EpochsData

FEWEST_PARTIAL = 0.3  # s
# How long before a window is over to get ready for it, in predictions and seconds.
GETTING_READY, SLEEP = 4.0, 0.02
REMEDY = (
    "Read the training trials with read_epochs(..., causal=True) (or "
    "prepare_epochs, or `mne-duin decode --causal`), fit the decoder on these, and "
    "pass the contacts that belong to them."
)


def noted_filters(decoder, seen=None):
    """Return what an estimator and all inside it know about the training's filters."""
    seen = set() if seen is None else seen
    if id(decoder) in seen:
        return set()
    seen.add(id(decoder))
    if isinstance(decoder, list | tuple):
        parts = decoder
    elif isinstance(decoder, dict):
        parts = decoder.values()
    elif isinstance(decoder, BaseEstimator):
        parts = vars(decoder).values()
    else:
        own = getattr(decoder, "estimator", None)
        parts = [] if own is None or isinstance(decoder, type) else [own]
    own = (
        {vars(decoder).get("filters_")} if isinstance(decoder, BaseEstimator) else set()
    )
    info = getattr(decoder, "info_", None)
    if isinstance(info, mne.Info):
        own.add(info["description"])
    found = own.union(*(noted_filters(part, seen) for part in parts))
    return {one for one in found if isinstance(one, str)}


def refuse_zero_phase(decoder, preparation):
    """Refuse filters that would need samples of the future."""
    if preparation is None:
        raise ValueError(
            "`contacts` does not say how the training trials were filtered and "
            f"referenced. {REMEDY}"
        )
    if not preparation.processing.causal or ZERO_PHASE in noted_filters(decoder):
        raise ValueError(
            "The decoder was fitted on zero-phase filtered trials, which cannot be had "
            f"live because such filters need the future of the signal. {REMEDY}"
        )


class Predictor:
    """Applies a fitted decoder to one window after the other.

    Parameters
    ----------
    decoder : estimator
        The fitted decoder.
    preparation : Preparation
        What its windows are.
    subject : str | None
        Which subject, for decoders of several.
    options : dict
        For ``decoder.decode`` of decoders of sequences.
    """

    def __init__(self, decoder, preparation, subject=None, options=None):
        try:
            check_is_fitted(decoder)
        except (NotFittedError, TypeError) as error:
            raise ValueError(
                f"`decoder` must be a fitted decoder; got {type(decoder).__name__}. "
                "Call its `fit` first."
            ) from error
        check_type("subject", subject, str, none=True)
        self.decoder, self.preparation = decoder, preparation
        self.subject, self.options = subject, dict(options or {})
        self.is_sequential = hasattr(decoder, "decode")
        if not self.is_sequential and not hasattr(decoder, "predict_proba"):
            raise ValueError(
                f"{type(decoder).__name__} has no predict_proba, so its decisions have "
                "no probabilities; use one that has."
            )
        first = decoder[0] if isinstance(decoder, Pipeline) else decoder
        self.is_own = type(first).__module__.split(".")[0] == "mne_duin"
        self.info = mne.create_info(
            preparation.ch_names, preparation.processing.sfreq, "seeg"
        )
        self.classes = None if self.is_sequential else list(decoder.classes_)
        self.last_used = self.cost = 0.0  # s: when, and how long a prediction takes

    @property
    def n_fewest(self):
        """How many samples a first guess at a sequence needs."""
        least = round(FEWEST_PARTIAL * self.preparation.processing.sfreq)
        return max(least, 2 * getattr(self.decoder, "patch_size_", 1))

    def warm_up(self):
        """Predict noise once, so that what cannot work fails before the stream."""
        shape = len(self.preparation.ch_names), self.preparation.n_times
        noise = np.random.default_rng(0).standard_normal(shape)
        self.predict(noise * (self.preparation.amplitude or 1e-5))

    def get_ready(self, seconds_left):
        """Predict once in advance where there is time and the last one is long ago.

        A processor that has done nothing for a second, and no longer has the weights in
        its caches, takes up to twice as long.

        Parameters
        ----------
        seconds_left : float
            Until the next window is over.

        Returns
        -------
        is_near : bool
            Whether the window is over so soon that waiting asleep would delay it.
        """
        reach = GETTING_READY * self.cost + SLEEP
        is_near = 0.0 <= seconds_left <= reach
        is_rested = time.monotonic() - self.last_used > reach
        if is_near and is_rested and seconds_left > 1.5 * self.cost:
            self.warm_up()
        return is_near

    def predict(self, window):
        """Return the probabilities, or the sequence, of a window.

        Parameters
        ----------
        window : ndarray, shape (n_channels, n_times)
            The signal in volts.

        Returns
        -------
        label : object
            The most probable one; None of sequences.
        probabilities : tuple of float | None
            None of sequences.
        sequence : tuple | None
            None of decoders of classes.
        """
        begin = time.monotonic()
        try:
            return self._predict(window)
        finally:
            self.last_used = time.monotonic()
            self.cost = max(self.last_used - begin, 0.8 * self.cost)

    def _predict(self, window):
        """Return what :meth:`predict` does."""
        if self.is_sequential:
            # A sequence that is not over may end within a patch.
            size = getattr(self.decoder, "patch_size_", 1)
            window = window[:, : window.shape[1] // size * size]
        X = self._epochs(window)
        if self.is_sequential:
            return None, None, tuple(self.decoder.decode(X, **self.options)[0])
        probabilities = np.asarray(self.decoder.predict_proba(X))[0]
        label = self.decoder.classes_[int(probabilities.argmax())]
        label = label.item() if isinstance(label, np.generic) else label
        return label, tuple(float(p) for p in probabilities), None

    def _epochs(self, window):
        """Return the window as the decoder takes it."""
        done = self.preparation
        metadata = None
        if self.subject is not None:
            metadata = pd.DataFrame({"subject": [self.subject]})
        if not self.is_own:
            return mne.EpochsArray(
                window[None], self.info, tmin=done.tmin, metadata=metadata,
                verbose="error",
            )  # fmt: skip
        subject = None if metadata is None else metadata["subject"].to_numpy()
        return EpochsData(
            window[None].astype(np.float32),
            done.processing.sfreq,
            list(done.ch_names),
            subject,
            metadata,
            done.tmin,
        )


def warn_of_unknown_filters(decoder):
    """State that only the contacts say how the decoder's trials were filtered."""
    if not noted_filters(decoder):
        warn(
            f"{type(decoder).__name__} does not know how its training trials were "
            "filtered; make sure that they are those that `contacts` belongs to."
        )

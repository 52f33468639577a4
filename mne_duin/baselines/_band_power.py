"""Linear classifiers of band power that choose their penalty by cross-validation."""

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mne_duin.baselines._calibration import SmallFolds, calibrate
from mne_duin.baselines._features import LOWER_BANDS, EvokedPower
from mne_duin.utils._bands import BANDS
from mne_duin.utils._checks import check_option, check_type

CLASSIFIERS = ("ridge", "svm")
ALPHAS = tuple(np.logspace(0, 6, 13))
# Below the smallest every trial is a support vector, above the largest none is wrong.
PENALTIES = tuple(np.logspace(-6, 0, 7))


def make_band_power(
    classifier="ridge",
    *,
    features="power",
    sfreq=None,
    input="signal",
    bands=LOWER_BANDS,
    power_bin=0.15,
    high_gamma_band=BANDS["high-gamma"],
    high_gamma_bin=0.05,
    unmixed=True,
    screening=0.05,
    calibrated=True,
):
    """Make a ridge classifier or a linear support vector machine on band power.

    The logarithm of the power in time bins (:class:`~mne_duin.baselines.EvokedPower`),
    each feature standardized, then a linear classifier. Its penalty is chosen inside
    the training trials: of the ridge by leaving out one trial at a time, of the support
    vector machine by five folds.

    Parameters
    ----------
    classifier : "ridge" | "svm"
        What classifies the features.
    features : "power" | "all" | "both" | "evoked" | "high-gamma"
        What the classifier sees, see :class:`~mne_duin.baselines.EvokedPower`.
    sfreq : float | None
        Sampling rate in Hz of arrays. Epochs know theirs. Bands that it does not reach
        are left out, with a message.
    input : "signal" | "high-gamma"
        What the data are. ``"high-gamma"``: power that was computed before.
    bands : sequence of str | dict of str to tuple of float
        The lower bands: names out of theta (4-8 Hz), alpha (8-13), beta (13-30) and
        low-gamma (30-70), or names and edges in Hz.
    power_bin : float
        Length of a bin of the power in the lower bands in seconds.
    high_gamma_band : tuple of float
        Edges in Hz.
    high_gamma_bin : float
        Length of a bin of high-gamma power in seconds.
    unmixed : bool
        Whether the power of every band is computed of the channels as they are and of
        unmixed channels (:class:`~mne_duin.baselines.EvokedPower`); else only of the
        channels.
    screening : float | None
        Level of a permutation test on the training data that each of the lower bands
        has to pass; None takes all.
    calibrated : bool
        Whether there are probabilities; the temperature of the softmax of the scores is
        chosen by cross-validation inside the training trials, which takes three trials
        of every class. Neither classifier has probabilities of its own.

    Returns
    -------
    pipeline : Pipeline
        Unfitted; accepts Epochs, an array or a list of Epochs.

    Raises
    ------
    ValueError
        If ``classifier`` is none of the two.
    TypeError
        If ``calibrated`` is not True or False.

    References
    ----------
    Hoerl and Kennard, Technometrics 1970, for ridge regression; Cortes and Vapnik,
    Machine Learning 1995, for support vector machines.

    Examples
    --------
    >>> from mne_duin.datasets import simulate_word_reading
    >>> epochs, _, _ = simulate_word_reading(
    ...     n_runs=1, n_trials_per_word=6, random_state=0
    ... )
    >>> y = epochs.metadata["trial_type"].to_numpy()
    >>> make_band_power("ridge").fit(epochs[:40], y[:40]).predict(epochs[40:]).shape
    (8,)
    """
    check_option("classifier", classifier, CLASSIFIERS)
    check_type("calibrated", calibrated, bool)
    extract = EvokedPower(
        features,
        sfreq=sfreq,
        input=input,
        bands=bands,
        power_bin=power_bin,
        high_gamma_band=high_gamma_band,
        high_gamma_bin=high_gamma_bin,
        unmixed=unmixed,
        screening=screening,
    )
    if classifier == "ridge":
        last = RidgeClassifierCV(ALPHAS)
    else:
        last = GridSearchCV(SVC(kernel="linear"), {"C": PENALTIES}, cv=SmallFolds())
    # Mean and deviation of a feature know no classes, so all folds can share them.
    last = calibrate(last) if calibrated else last
    steps = [("features", extract), ("scale", StandardScaler()), (classifier, last)]
    return Pipeline(steps)

"""Save decoders that are no networks: pipelines of scikit-learn, without pickles."""

from pathlib import Path
from zipfile import BadZipFile

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from mne_duin.utils._atomic import write_file
from mne_duin.utils._checks import first_names

ENDING = ".skops"
# What the linear decoders consist of, beyond what skops knows to be harmless.
# A file can name any class of any package; only these are made.
KNOWN = {
    "mne_duin.baselines._calibration.SmallFolds",
    "mne_duin.baselines._features.EvokedPower",
    "mne_duin.baselines._lda.SelectInformative",
    "mne_duin.baselines._riemann.BandSignal",
    "mne_duin.baselines._riemann._window",
    "mne_duin.baselines._shrinkage.ShrinkageLDA",
    "pyriemann.estimation.Covariances",
    "pyriemann.estimation.XdawnCovariances",
    "pyriemann.spatialfilters.Xdawn",
    "pyriemann.tangentspace.TangentSpace",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.metrics._scorer._PassthroughScorer",
}


def save_decoder(decoder: BaseEstimator, path: Path | str) -> Path:
    """Save a fitted decoder, network or not.

    Parameters
    ----------
    decoder : estimator
        A fitted network of this package, or what :func:`~mne_duin.make_lda`,
        :func:`~mne_duin.make_band_power`, :func:`~mne_duin.make_riemann` or
        :func:`~mne_duin.make_xdawn_riemann` returned, fitted.
    path : path-like
        The file: ``.safetensors`` for networks, ``.skops`` for others.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If the decoder is not fitted, or the ending is another one.
    TypeError
        If the decoder is of another kind.

    See Also
    --------
    mne_duin.read_model : Read it again.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import make_lda, read_model, save_decoder
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 400)), np.repeat(["yes", "no"], 6)
    >>> lda = make_lda(sfreq=400.0).fit(X, y)
    >>> path = save_decoder(lda, "lda.skops")
    >>> np.array_equal(read_model(path).predict(X), lda.predict(X))
    True
    """
    path = Path(path)
    is_network = hasattr(decoder, "save")
    ending = ".safetensors" if is_network else ENDING
    if path.suffix != ending:
        raise ValueError(
            f"A {type(decoder).__name__} is saved to a file that ends with {ending}; "
            f"got {str(path)!r}."
        )
    if is_network:
        return decoder.save(path)
    try:
        check_is_fitted(decoder)
    except (TypeError, NotFittedError) as error:
        raise ValueError(
            f"`decoder` must be a fitted decoder; got {type(decoder).__name__}. Call "
            "its `fit` first."
        ) from error
    skops_io = _skops_io()
    content = skops_io.dumps(decoder)
    foreign = sorted(set(skops_io.get_untrusted_types(data=content)) - KNOWN)
    if foreign:
        raise TypeError(
            f"A decoder with {first_names(foreign)} cannot be saved; `save_decoder` "
            "takes networks, and the LDA, band-power and Riemannian decoders. Save "
            "the members of an ensemble one by one."
        )
    write_file(path, content)
    return path


def read_linear(path):
    """Read what ``save_decoder`` wrote of a decoder that is no network."""
    path = Path(path)
    try:
        content = path.read_bytes()
        foreign = sorted(set(_skops_io().get_untrusted_types(data=content)) - KNOWN)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {str(path)!r}.") from None
    except (BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        raise ValueError(f"{str(path)!r} is damaged ({error}).") from error
    if foreign:
        raise ValueError(
            f"{str(path)!r} asks for {first_names(foreign)}, which no decoder of "
            "mne_duin contains. Nothing was read; use files that you or people you "
            "trust have saved with `save_decoder`."
        )
    try:
        return _skops_io().loads(content, trusted=sorted(KNOWN))
    except Exception as error:
        raise ValueError(f"{str(path)!r} is damaged ({error}).") from error


def _skops_io():
    """Return skops.io, whose import takes seconds: only saving and reading need it."""
    import skops.io

    return skops.io

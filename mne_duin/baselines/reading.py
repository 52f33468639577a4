"""Open saved networks of the comparison."""

from mne_duin.baselines import files
from mne_duin.baselines.networks._cnn_bigru import CNNBiGRU
from mne_duin.baselines.networks._dewave import DeWave
from mne_duin.baselines.networks._eeg_conformer import EEGConformer
from mne_duin.baselines.networks._neuro_bert import NeuroBERT
from mne_duin.baselines.networks._ts_tcc import TSTCC

NETWORKS = (CNNBiGRU, EEGConformer, TSTCC, NeuroBERT, DeWave)


def read_baseline(path):
    """Read a network of the comparison that ``save`` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : CNNBiGRU | EEGConformer | TSTCC | NeuroBERT | DeWave
        The fitted estimator, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another kind, or of a later version.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import CNNBiGRU, read_baseline
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 300)), np.repeat(["yes", "no"], 6)
    >>> clf = CNNBiGRU(n_filters=8, max_iter=1, random_state=0, verbose=False)
    >>> path = clf.fit(X, y, sfreq=1000).save("words.safetensors")
    >>> np.array_equal(read_baseline(path).predict(X), clf.predict(X))
    True
    """
    return files.read(path, {kind.__name__: kind for kind in NETWORKS})

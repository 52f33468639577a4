"""Open the files that the package wrote."""

from pathlib import Path
from typing import Any

from mne_duin.baselines import (
    CNN2D,
    TSTCC,
    CNNBiGRU,
    DeWave,
    EEGConformer,
    NeuroBERT,
)
from mne_duin.baselines.networks._braindecode import BraindecodeNetwork
from mne_duin.estimators import (
    DuINCells,
    DuINClassifier,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
    _files,
)
from mne_duin.estimators._base import BaseDuIN
from mne_duin.utils._docs import fill_doc
from mne_duin.weights._linear import ENDING, read_linear

DUIN = {
    kind.__name__: kind
    for kind in (DuINVQVAE, DuINCells, DuINMAE, DuINClassifier, DuINTokenDecoder)
}
COMPARISON = {
    kind.__name__: kind
    for kind in (
        BraindecodeNetwork,
        CNN2D,
        CNNBiGRU,
        DeWave,
        EEGConformer,
        NeuroBERT,
        TSTCC,
    )
}


def read_model(path: Path | str):
    """Read whatever ``save`` or :func:`save_decoder` wrote, network or not.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : estimator
        The fitted estimator, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another kind, or of a later version.

    See Also
    --------
    mne_duin.save_decoder : Save any decoder.
    mne_duin.read_result : Read a decoding result.
    mne_duin.convert_weights : Read weights of other programs.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_duin import DuINClassifier, read_model
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((12, 3, 400)), np.repeat(["yes", "no"], 6)
    >>> clf = DuINClassifier(n_layers=1, max_iter=1, sfreq=1000.0, verbose=False)
    >>> path = clf.fit(X, y).save("words.safetensors")
    >>> np.array_equal(read_model(path).predict(X), clf.predict(X))
    True
    """
    if Path(path).suffix in (".json", ".tsv"):
        raise ValueError(
            f"{Path(path).name} holds no network; `read_result` reads decoding results."
        )
    if Path(path).suffix in (".pth", ".pt"):
        raise ValueError(
            f"{Path(path).name} is not of mne_duin; `read_official` and "
            "`from_braindecode` read weights of other programs."
        )
    if Path(path).suffix == ENDING:
        return read_linear(path)
    return _files.read(path, DUIN | COMPARISON)


def read_estimator(path: Path | str):
    """Read an estimator that ``save`` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        The fitted estimator, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another kind, or of a later version.
    """
    return _files.read(path, DUIN)


def read_baseline(path: Path | str):
    """Read a network of the comparison that ``save`` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    estimator : CNN2D | CNNBiGRU | EEGConformer | TSTCC | NeuroBERT | DeWave
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
    return _files.read(path, COMPARISON)


@fill_doc
def from_pretrained(
    repo_id_or_folder: str | Path,
    *,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: Path | str | None = None,
    endpoint: str | None = None,
):
    """Read an estimator from a folder or the Hugging Face Hub.

    Only the safetensors file ``model.safetensors`` is read; nothing is run. Downloading
    needs the extra ``hub``.

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
        If the file is damaged, of another kind, or of a later version.
    ImportError
        If the package huggingface_hub is needed and missing.

    See Also
    --------
    DuINClassifier.push_to_hub : Upload an estimator.

    Examples
    --------
    >>> clf = from_pretrained("lab/word-reading")  # doctest: +SKIP
    """
    options: dict[str, Any] = {
        "token": token,
        "cache_dir": cache_dir,
        "endpoint": endpoint,
    }
    return BaseDuIN.from_pretrained(repo_id_or_folder, revision=revision, **options)

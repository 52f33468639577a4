"""Pre-training segments in the layout of the published code."""

import numpy as np
import pandas as pd

from mne_duin.datasets.released._layout import (
    SEGMENTS,
    as_epochs,
    choose_channels,
    find_subject,
    read_channel_names,
)


def read_official_segments(folder, subject, *, picks=None):
    """Read pre-training segments of a subject in the published layout.

    The layout is that of the published code, ``pretrain/dataset.default.1000hz`` with
    ``info`` and any number of ``.npy`` files (2 x channels x samples); the segments
    themselves were not released. Nothing in the files is run.

    Parameters
    ----------
    folder : path-like
        The folder with ``data/seeg.he2023xuanwu``, or that folder itself.
    subject : str | int
        The subject.
    picks : str | list of str | None
        Names of the channels, in the order wanted; ``"published"`` are the ten of the
        published weights; None takes all.

    Returns
    -------
    epochs : mne.EpochsArray
        The segments in the order of their paths, from time zero on; ``metadata`` has
        the columns ``trial_type`` ("segment"), ``subject`` and ``file``.
    contacts : pandas.DataFrame
        One row for each channel; no positions.

    Raises
    ------
    FileNotFoundError
        If there is no such subject, or no segment.
    ValueError
        If a file is damaged or not what the layout says, or lacks a channel.

    Notes
    -----
    Of the two arrays in a file the published training uses the first, ``X_s``, and so
    does this function.

    References
    ----------
    ``train/duin/run_vqvae.py`` of the published code; Zheng et al., Du-IN, NeurIPS
    2024, appendix D.

    Examples
    --------
    >>> epochs, contacts = read_official_segments("Du-IN", "001")  # doctest: +SKIP
    """
    path = find_subject(folder, subject)
    home = path / SEGMENTS
    files = sorted(home.rglob("*.npy"))
    if not files:
        raise FileNotFoundError(f"There is no .npy file in {str(home)!r}.")
    channels = read_channel_names(home / "info")
    names = choose_channels(picks, path.name, {"pretrain": channels})
    place = [channels.index(name) for name in names]
    data = [_read_segment(file, len(channels))[place] for file in files]
    paths = [str(file.relative_to(home)) for file in files]
    lengths = {path: part.shape[1] for path, part in zip(paths, data, strict=True)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The segments have different lengths: {lengths!s:.200}.")
    columns = {"trial_type": "segment", "subject": path.name, "file": paths}
    return as_epochs(np.array(data, float), names, pd.DataFrame(columns), tmin=0.0)


def _read_segment(path, n_channels):
    """Return the first array of a file, shape (n_channels, n_times)."""
    try:
        # Never a pickle: this opens arrays of numbers only.
        content = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:
        # A file of unknown origin can make the reader stumble in any way.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path} is damaged or no array of numbers; nothing in it was run "
            f"({reason:.120})."
        ) from error
    if content.ndim != 3 or content.shape[:2] != (2, n_channels):
        raise ValueError(
            f"{path} has shape {content.shape}; (2, {n_channels}, samples) is wanted."
        )
    if not np.isfinite(content[0]).all():
        raise ValueError(f"{path} has values that are not finite.")
    return np.array(content[0])

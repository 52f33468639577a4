"""What the workflows read, and the figures they write."""

import matplotlib.pyplot as plt
import mne

from mne_duin.io import find_recordings, read_epochs, read_segments
from mne_duin.utils.checks import as_list


def find_runs(root, subject, session=None, task=None, run=None):
    """Find the recordings of a subject, named with or without ``sub-``.

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subject : str
        The subject.
    session, task, run : str | list of str | None
        Which recordings; None takes all.

    Returns
    -------
    paths : list of BIDSPath
        The recordings.
    """
    subject = str(subject).removeprefix("sub-")
    return find_recordings(root, subject=subject, session=session, task=task, run=run)


def read_words(paths, *, trials, channels, segments=True):
    """Read the trials of some recordings, and segments of the same channels.

    Parameters
    ----------
    paths : list of BIDSPath
        The recordings.
    trials : dict
        ``event_id``, ``tmin``, ``tmax``, ``label_column`` and ``align``, for
        :func:`read_epochs`.
    channels : dict
        ``regions``, ``reference``, ``atlas``, ``space`` and ``verbose``, for
        :func:`read_epochs` and :func:`read_segments`.
    segments : bool
        Whether to read segments.

    Returns
    -------
    epochs : Epochs
        The trials.
    contacts : DataFrame
        The channels.
    segments : Epochs | None
        The segments; None where they were not wanted.
    """
    channels = channels | {"regions": as_list(channels["regions"]) or None}
    epochs, contacts = read_epochs(paths, **trials, **channels)
    if not segments:
        return epochs, contacts, None
    # What there is to say about the contacts was said when the trials were read.
    segments, _ = read_segments(paths, **channels | {"verbose": "WARNING"})
    return epochs, contacts, segments


def save_figure(figure, path):
    """Write a figure and close it.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : Path
        The picture.
    """
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)
    mne.utils.logger.info(f"Wrote {path}.")

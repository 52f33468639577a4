"""What the workflows read, and the figures they write."""

import matplotlib.pyplot as plt
import mne

from mne_duin.io import find_recordings, read_epochs, read_segments
from mne_duin.utils.atomic import write_figure
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


def read_words(
    paths,
    *,
    event_id,
    label_column,
    align,
    tmin,
    tmax,
    regions,
    reference,
    atlas,
    space,
    verbose,
    segments=True,
):
    """Read the trials of some recordings, and segments of the same channels.

    Parameters
    ----------
    paths : list of BIDSPath
        The recordings.
    event_id, label_column, align, tmin, tmax : object
        Which trials, see :func:`read_epochs`.
    regions, reference, atlas, space, verbose : object
        Which channels, see :func:`read_epochs`.
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
    channels = {
        "regions": as_list(regions) or None,
        "reference": reference,
        "atlas": atlas,
        "space": space,
    }
    epochs, contacts = read_epochs(
        paths,
        event_id=event_id,
        label_column=label_column,
        align=align,
        tmin=tmin,
        tmax=tmax,
        verbose=verbose,
        **channels,
    )
    if not segments:
        return epochs, contacts, None
    # What there is to say about the contacts was said when the trials were read.
    segments, _ = read_segments(paths, verbose="WARNING", **channels)
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
    write_figure(path, figure, dpi=150, bbox_inches="tight")
    plt.close(figure)
    mne.utils.logger.info(f"Wrote {path}.")

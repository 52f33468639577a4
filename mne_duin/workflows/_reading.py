"""What the workflows read, and the figures they write."""

import matplotlib.pyplot as plt
import mne

from mne_duin.io import find_recordings, read_epochs, read_segments
from mne_duin.utils._atomic import write_figure
from mne_duin.utils._checks import as_list, check_option
from mne_duin.workflows._notices import collected

CHANNELS = ("reference", "atlas", "space", "label_source", "fs_subject", "subjects_dir")
FILTERS = ("l_freq", "h_freq", "notch", "sfreq", "causal", "reject")
TRIALS = ("event_id", "label_column", "where", "onset", "align", "tmin", "tmax")
# Passed on only where they are given.
OPTIONAL = ("max_distance",)
# High gamma reaches to 150 Hz, and the published 1000 Hz take 1.4 to 1.7 times as long
# for the same accuracy (tests/benchmarks/sampling_rate.py).
RATES = {"quick": 500.0, "paper": 1000.0}
# Segments for the pre-training, in seconds.
DURATION, OVERLAP = 8.0, 4.0


def find_runs(root, subject, session=None, task=None, run=None, acquisition=None):
    """Find the recordings of a subject, named with or without ``sub-``.

    Parameters
    ----------
    root : path-like
        The BIDS folder.
    subject : str
        The subject.
    session, task, run, acquisition : str | list of str | None
        Which recordings; None takes all.

    Returns
    -------
    paths : list of BIDSPath
        The recordings.
    """
    subject = str(subject).removeprefix("sub-")
    return find_recordings(
        root,
        subject=subject,
        session=session,
        task=task,
        run=run,
        acquisition=acquisition,
    )


def reading_rate(given, pretrained=None):
    """Return the sampling rate that recordings are read at.

    Parameters
    ----------
    given : dict
        Parameters of a workflow by name; for ``sfreq="auto"`` the rate is that of the
        pre-trained network, or of the preset and high enough for ``h_freq``.
    pretrained : BaseDuIN | None
        A network that was pre-trained on other recordings.

    Returns
    -------
    sfreq : float | None
        In Hz; None leaves it as recorded.
    """
    if given["sfreq"] != "auto":
        return given["sfreq"]
    if pretrained is not None:
        return float(pretrained.info_["sfreq"])
    check_option("preset", given["preset"], RATES)
    rate, h_freq = RATES[given["preset"]], given["h_freq"]
    is_enough = not isinstance(h_freq, int | float) or 2 * h_freq < rate
    return rate if is_enough else RATES["paper"]


def channel_keywords(given):
    """Return the keywords of ``read_epochs`` that choose and filter channels.

    Parameters
    ----------
    given : dict
        Parameters of a workflow by name.

    Returns
    -------
    keywords : dict
        For ``read_epochs`` and ``read_segments``.
    """
    keywords = {name: given[name] for name in (*CHANNELS, *FILTERS) if name in given}
    keywords["regions"] = given["regions"]
    if not isinstance(given["regions"], dict):
        keywords["regions"] = as_list(given["regions"]) or None
    known = (name for name in OPTIONAL if given.get(name) is not None)
    return keywords | {name: given[name] for name in known}


def trial_keywords(given):
    """Return the keywords of ``read_epochs`` that choose trials.

    Parameters
    ----------
    given : dict
        Parameters of a workflow by name.

    Returns
    -------
    keywords : dict
        For ``read_epochs``.
    """
    return {name: given[name] for name in TRIALS}


def read_words(paths, given, *, segments=True):
    """Read the trials of some recordings, and segments of the same channels.

    Parameters
    ----------
    paths : list of BIDSPath
        The recordings.
    given : dict
        Parameters of a workflow by name.
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
    channels, verbose = channel_keywords(given), given["verbose"]
    cut = None
    with mne.utils.use_log_level(verbose), collected(paths[0].subject):
        epochs, contacts = read_epochs(
            paths, **trial_keywords(given), **channels, verbose=verbose
        )
        if segments:
            cut, _ = read_segments(
                paths, DURATION, OVERLAP, **channels, verbose=verbose
            )
    return epochs, contacts, cut


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

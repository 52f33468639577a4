"""Open recordings of any format, with what their sidecars say about them."""

from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne.utils import logger, warn
from mne_bids import BIDSPath

from mne_duin.io._channels import INTRACRANIAL, apply_channels, read_channels
from mne_duin.io._events import annotations_from_events, read_events
from mne_duin.io._nwb import read_raw_nwb
from mne_duin.io._sidecars import find_sidecars, read_json
from mne_duin.io.finding import resolve
from mne_duin.utils.checks import as_list, import_optional


def read_raw(bids_path, *, picks=None, verbose=None):
    """Open a recording without loading its samples.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording: BrainVision, EDF, BDF, EEGLAB, NWB or MEF3.
    picks : sequence of str | None
        Names or types of the channels to keep; None keeps all.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    raw : mne.io.BaseRaw
        The recording in volts, with channel types and bad channels of channels.tsv, the
        line frequency of ieeg.json, and events.tsv as annotations.

    Raises
    ------
    FileNotFoundError
        If the recording is not there.
    ValueError
        If it cannot be read, or does not go with its sidecars.
    """
    bids_path = resolve(bids_path)
    path = Path(bids_path.fpath)
    channels = read_channels(bids_path)
    raw = open_file(path, channels, verbose)
    apply_channels(raw, channels, path)
    if path.suffix == ".mefd" and channels is not None:
        listed = [name for name in channels.index if name in raw.ch_names]
        rest = [name for name in raw.ch_names if name not in listed]
        raw.reorder_channels(listed + rest)
    compare_with_sidecar(raw, bids_path)
    events = read_events(bids_path)
    if events is not None and "trial_type" in events:
        words = raw.annotations.description
        kept = [word.upper().startswith(("BAD", "EDGE")) for word in words]
        from_file = raw.annotations[np.flatnonzero(kept)]
        raw.set_annotations(annotations_from_events(events, raw), verbose="error")
        raw.set_annotations(raw.annotations + from_file, verbose="error")
    return raw if picks is None else raw.pick(picks, verbose=verbose)


def open_runs(bids_path, verbose):
    """Open one recording or several runs of one subject.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath | list of mne_bids.BIDSPath
        The recordings.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    runs : list of tuple
        Pairs of complete BIDSPath and recording.

    Raises
    ------
    ValueError
        If there is none, or if they are of several subjects.
    """
    paths = [bids_path] if isinstance(bids_path, BIDSPath) else as_list(bids_path)
    if not paths:
        raise ValueError("`bids_path` is an empty list; pass at least one recording.")
    paths = [resolve(path) for path in paths]
    subjects = sorted({path.subject for path in paths})
    if len(subjects) > 1:
        raise ValueError(
            f"`bids_path` has recordings of {len(subjects)} subjects "
            f"({', '.join(subjects)}); contacts differ, so read each subject alone."
        )
    # What MNE says while it opens a file tells a reader of many runs nothing.
    verbose = "WARNING" if verbose is None else verbose
    return [(path, read_raw(path, verbose=verbose)) for path in paths]


def open_file(path, channels, verbose):
    """Open the file of a recording.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    channels : pandas.DataFrame | None
        What channels.tsv says, for files without channel names.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    raw : mne.io.BaseRaw
        The recording as the file describes it.
    """
    try:
        if path.suffix == ".nwb":
            raw = read_raw_nwb(path, *_names_and_unit(channels), verbose=verbose)
        elif path.suffix == ".mefd":
            import_optional("pymef", extra="mef", purpose="read MEF3 recordings")
            raw = mne.io.read_raw_mef(path, verbose=verbose)
        else:
            raw = mne.io.read_raw(path, preload=False, verbose=verbose)
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} cannot be opened ({type(error).__name__}: {error}); the file is "
            "damaged, incomplete or not what its ending says."
        ) from error
    if raw.n_times < 2:
        raise ValueError(
            f"{path} holds {raw.n_times} samples; there is nothing to read."
        )
    return raw


def _names_and_unit(channels):
    """Return the names in channels.tsv, and the unit most contacts have there."""
    if channels is None:
        return None, None
    contacts = channels[channels["kind"].isin(INTRACRANIAL)]
    units = contacts.get("units", pd.Series(dtype=object)).dropna()
    return list(channels.index), units.mode().iloc[0] if len(units) else None


def compare_with_sidecar(raw, bids_path):
    """Take the line frequency from ieeg.json, and compare the rest with the file.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording; ``info["line_freq"]`` is set in place.
    bids_path : mne_bids.BIDSPath
        The recording.

    Raises
    ------
    ValueError
        If the recording is not continuous.
    """
    paths = find_sidecars(bids_path, "ieeg", ".json")
    sidecar = read_json(paths[0]) if paths else {}
    if sidecar.get("RecordingType") == "epoched":
        raise ValueError(
            f"{bids_path.basename} is already cut into epochs (RecordingType of "
            "ieeg.json); trials and filters need the continuous recording."
        )
    seconds = raw.n_times / raw.info["sfreq"]
    for field, own, unit, slack in (
        ("SamplingFrequency", raw.info["sfreq"], "Hz", 1e-3),
        ("RecordingDuration", seconds, "s", 0.01),
    ):
        said = sidecar.get(field)
        if isinstance(said, (int, float)) and abs(said - own) > slack * own + 1:
            warn(
                f"{bids_path.basename} has a {field} of {own:g} {unit}, but ieeg.json "
                f"says {said:g}; the recording's own is used."
            )
    value = sidecar.get("PowerLineFrequency")
    if isinstance(value, (int, float)) and value > 0:
        with raw.info._unlock():
            raw.info["line_freq"] = float(value)
    elif raw.info["line_freq"] is None:
        logger.info(f"The line frequency of {bids_path.basename} is not known.")

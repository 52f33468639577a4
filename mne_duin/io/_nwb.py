"""Recordings in the NWB format, which neither MNE nor MNE-BIDS reads.

The samples stay in the file until they are asked for, and the words that some data sets
store for every sample (the public Dutch single-word production set does, in the
acquisition ``Stimulus``) become annotations.
"""

import mne
import numpy as np
from mne.utils import warn

from mne_duin.io._gaps import RawWithGaps
from mne_duin.utils._checks import import_optional

VOLTS = {
    "v": 1.0,
    "volt": 1.0,
    "volts": 1.0,
    "mv": 1e-3,
    "millivolt": 1e-3,
    "millivolts": 1e-3,
    "uv": 1e-6,
    "µv": 1e-6,
    "μv": 1e-6,
    "microvolt": 1e-6,
    "microvolts": 1e-6,
}
NAME_COLUMNS = ("channel_name", "electrode_name", "name", "label", "electrode")
SERIES_NAMES = ("iEEG", "ieeg", "ElectricalSeries", "sEEG", "SEEG", "ECoG")
VALUES_PER_READ = 2**22
LATENESS = 0.005


class RawNWB(mne.io.BaseRaw):
    """One electrical series of an NWB file, read when it is needed.

    Parameters
    ----------
    path : path-like
        The file.
    series : dict
        What :func:`describe_series` returned.
    names : sequence of str
        The channel names.
    verbose : bool | str | int | None
        How much MNE logs.
    """

    def __init__(self, path, series, names, verbose=None):
        info = mne.create_info(list(names), series["rate"], "seeg", verbose=verbose)
        extra = {key: series[key] for key in ("place", "scale", "offset")}
        extra |= {"path": str(path), "n_channels": len(names)}
        super().__init__(
            info,
            last_samps=[series["shape"][0] - 1],
            filenames=[path],
            raw_extras=[extra],
            verbose=verbose,
        )

    def _read_segment_file(self, data, idx, fi, start, stop, cals, mult):
        h5py = import_optional("h5py", extra="nwb", purpose="read NWB recordings")
        extra = self._raw_extras[fi]
        n_channels = extra["n_channels"]
        columns = np.arange(n_channels)[idx]
        scale = np.broadcast_to(extra["scale"], n_channels)[columns, None]
        step = max(VALUES_PER_READ // n_channels, 1)
        with h5py.File(extra["path"], "r") as file:
            samples = file[extra["place"]]
            for first in range(start, stop, step):
                last = min(first + step, stop)
                block = samples[first:last].reshape(last - first, -1)[:, columns].T
                block = block * scale + extra["offset"]
                part = data[:, first - start : last - start]
                part[:] = block if mult is None else mult @ block


def read_raw_nwb(path, names=None, unit=None, verbose=None):
    """Open the intracranial recording in an NWB file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    names : sequence of str | None
        The channel names, in case the file holds none: those of channels.tsv.
    unit : str | None
        The unit of the values, in case that of the file is not known: that of
        channels.tsv.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    raw : RawNWB
        The recording in volts; the words of a ``Stimulus`` series as annotations.

    Raises
    ------
    ImportError
        If pynwb is not installed.
    ValueError
        If the file has no electrical series with a sampling rate, or no channel names.
    """
    pynwb = import_optional("pynwb", extra="nwb", purpose="read NWB recordings")
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        content = file.read()
        series = describe_series(content, path, unit)
        words = stimulus_words(content, series["begin"], series["rate"])
        start = content.session_start_time
    own = series["names"] if series["names"] is not None else names
    if own is None or len(own) != series["shape"][1]:
        raise ValueError(
            f"{path} has {series['shape'][1]} channels and "
            f"{'no names' if own is None else f'{len(own)} names'}; name them in its "
            f"table of electrodes (column {NAME_COLUMNS[0]}) or in channels.tsv."
        )
    raw = RawNWB(path, series, own, verbose=verbose)
    if start is not None:
        raw.set_meas_date(start.timestamp() + series["begin"])
    onset, duration, word = words
    marks = mne.Annotations(onset, duration, word, orig_time=raw.info["meas_date"])
    if len(series["places"]) > 1:
        return RawWithGaps(raw, series["places"], marks, verbose=verbose)
    return raw.set_annotations(marks, verbose="error")


def describe_series(content, path, unit):
    """Find the electrical series of a file and what is needed to read it.

    Parameters
    ----------
    content : pynwb.NWBFile
        The open file.
    path : pathlib.Path
        Its path, for the messages.
    unit : str | None
        The unit to fall back to.

    Returns
    -------
    series : dict
        ``place`` in the file, ``shape`` (n_times, n_channels), ``rate`` in Hz,
        ``begin`` in seconds of the session, ``places`` of the stretches between gaps
        (see :class:`RawWithGaps`), ``scale`` and ``offset`` to volts, ``names`` or
        None.
    """
    found = [s for s in content.acquisition.values() if _is_electrical(s)]
    if not found:
        raise ValueError(
            f"{path} has no electrical series among its acquisitions "
            f"({', '.join(content.acquisition) or 'none'})."
        )
    named = [s for s in found if s.name in SERIES_NAMES]
    if len(found) > 1 and len(named) != 1:
        raise ValueError(
            f"{path} has several electrical series "
            f"({', '.join(s.name for s in found)}); name the intracranial one 'iEEG'."
        )
    chosen = (named or found)[0]
    shape = chosen.data.shape
    names = _electrode_names(getattr(chosen, "electrodes", None))
    columns = 1 if len(shape) == 1 else shape[1]
    if names is not None and len(names) != columns and len(names) == shape[0]:
        raise ValueError(
            f"{path}: the series {chosen.name!r} is channels by time; NWB asks for "
            "time by channels. Transpose it."
        )
    begin, rate, places = series_times(chosen, path)
    volts, conversion = volts_per_unit(chosen, path, unit)
    return {
        "place": chosen.data.name,
        "shape": (shape[0], columns),
        "begin": begin,
        "rate": rate,
        "places": places,
        "scale": volts * conversion,
        # NWB adds the offset after the conversion, in the unit of the series.
        "offset": volts * float(getattr(chosen, "offset", 0.0) or 0.0),
        "names": names,
    }


def _is_electrical(series):
    """Return whether an acquisition holds voltages of contacts."""
    electrical = hasattr(series, "electrodes") or series.name in SERIES_NAMES
    return electrical and getattr(series, "data", None) is not None


def _electrode_names(region):
    """Return the names in the table of electrodes, or None."""
    if region is None:
        return None
    table = region.table
    for column in NAME_COLUMNS:
        if column in table.colnames:
            names = [str(table[column][int(row)]) for row in region.data[:]]
            if len(set(names)) == len(names) and all(names):
                return names
    return None


def series_times(series, path):
    """Return when a series lies in the session: by its rate, or by its time stamps.

    Returns
    -------
    begin : float
        Seconds from the start of the session.
    rate : float
        Sampling rate in Hz.
    places : ndarray of int, shape (n_stretches, 3)
        Of each stretch between gaps: its first sample on the time axis, its first
        stored sample, and how many it has.

    Raises
    ------
    ValueError
        If time stamps go back, or are irregular by more than 5 ms.
    """
    if series.rate is not None:
        places = np.array([[0, 0, len(series.data)]])
        return float(series.starting_time or 0.0), float(series.rate), places
    stamps = np.asarray(series.timestamps[:], dtype=float)
    steps = np.diff(stamps)
    if len(steps) == 0 or (steps <= 0).any():
        raise ValueError(
            f"{path}: the time stamps of the series {series.name!r} go back or are "
            "fewer than two; correct them."
        )
    usual = np.median(steps)
    jumps = np.flatnonzero(steps > usual + max(0.5 * usual, LATENESS)) + 1
    firsts = np.concatenate([[0], jumps])
    lasts = np.concatenate([jumps, [len(stamps)]])
    spans = stamps[lasts - 1] - stamps[firsts]
    rate = round((lasts - firsts - 1).sum() / max(spans.sum(), usual), 6)
    counts = np.arange(len(stamps)) - np.repeat(firsts, lasts - firsts)
    wanted = np.repeat(stamps[firsts], lasts - firsts) + counts / rate
    if np.abs(stamps - wanted).max() > LATENESS:
        raise ValueError(
            f"{path}: the series {series.name!r} has no rate and its time stamps are "
            f"irregular by {np.abs(stamps - wanted).max():.3g} s; resample it to one "
            "rate."
        )
    places = np.round((stamps[firsts] - stamps[0]) * rate).astype(int)
    return float(stamps[0]), rate, np.stack([places, firsts, lasts - firsts], axis=1)


def volts_per_unit(series, path, fallback):
    """Return the factor to volts, one number or one for each channel.

    Parameters
    ----------
    series : pynwb.TimeSeries
        The series.
    path : pathlib.Path
        The file, for the message.
    fallback : str | None
        The unit that channels.tsv gives.

    Returns
    -------
    volts : float
        Volts for each unit of the series.
    conversion : float | ndarray, shape (n_channels,)
        Units of the series for each stored unit.
    """
    unit = str(series.unit).strip().lower()
    if unit not in VOLTS:
        unit = str(fallback).strip().lower()
        warn(
            f"{path}: the unit {series.unit!r} of {series.name!r} is not known; the "
            f"values are taken as {fallback if unit in VOLTS else 'volts'}."
        )
    conversion = float(series.conversion)
    single = getattr(series, "channel_conversion", None)
    if single is not None:
        conversion = conversion * np.asarray(single[:], dtype=float)
    return VOLTS.get(unit, 1.0), conversion


def stimulus_words(content, begin, rate):
    """Read the words that a file stores for every sample.

    Parameters
    ----------
    content : pynwb.NWBFile
        The open file.
    begin : float
        When the recording begins, in seconds of the session.
    rate : float
        The sampling rate of the recording in Hz.

    Returns
    -------
    onset, duration : ndarray of float, shape (n_words,)
        Seconds from the start of the recording.
    words : list of str
        The words; none without such a series.
    """
    nothing = np.array([]), np.array([]), []
    series = content.acquisition.get("Stimulus")
    if series is None or not np.ndim(series.data[:1]) == 1:
        return nothing
    values = np.asarray(series.data[:])
    if values.dtype.kind not in "OSUT":
        return nothing
    text = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
    text = np.array([word.strip() for word in text], dtype=object)
    edges = np.flatnonzero(text[1:] != text[:-1]) + 1
    first = np.concatenate([[0], edges])
    last = np.concatenate([edges, [len(text)]])
    spoken = np.array([bool(text[i]) for i in first])
    if series.timestamps is not None:
        times = np.asarray(series.timestamps[:], dtype=float)
        times = np.append(times, times[-1] + 1 / rate)
    else:
        times = np.arange(len(text) + 1) / float(series.rate or rate)
        times += float(series.starting_time or 0.0)
    onset, stop = times[first[spoken]], times[last[spoken]]
    return onset - begin, stop - onset, [text[i] for i in first[spoken]]

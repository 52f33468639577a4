"""Recordings in the NWB format, which neither MNE nor MNE-BIDS reads.

The samples stay in the file until they are asked for, and the words that some data sets
store for every sample (the public Dutch single-word production set does, in the
acquisition ``Stimulus``) become annotations.
"""

import mne
import numpy as np
from mne.utils import warn

from mne_duin.utils.checks import import_optional

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
        words = stimulus_words(content, series["rate"])
        start = content.session_start_time
    own = series["names"] if series["names"] is not None else names
    if own is None or len(own) != series["shape"][1]:
        raise ValueError(
            f"{path} has {series['shape'][1]} channels and "
            f"{'no names' if own is None else f'{len(own)} names'}; name them in its "
            f"table of electrodes (column {NAME_COLUMNS[0]}) or in channels.tsv."
        )
    raw = RawNWB(path, series, own, verbose=verbose)
    raw.set_meas_date(start.timestamp() if start is not None else None)
    if words is not None:
        onset, duration, word = words
        raw.set_annotations(
            mne.Annotations(onset, duration, word, orig_time=raw.info["meas_date"])
        )
    return raw


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
        ``scale`` and ``offset`` to volts, ``names`` or None.
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
    return {
        "place": chosen.data.name,
        "shape": (shape[0], columns),
        "rate": _sampling_rate(chosen, path),
        "scale": volts_per_unit(chosen, path, unit),
        "offset": float(getattr(chosen, "offset", 0.0) or 0.0),
        "names": names,
    }


def _is_electrical(series):
    """Tell whether an acquisition holds voltages of contacts."""
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


def _sampling_rate(series, path):
    """Return the sampling rate, from regular time stamps if need be."""
    if series.rate is not None:
        return float(series.rate)
    stamps = np.asarray(series.timestamps[:], dtype=float)
    steps = np.diff(stamps)
    if len(steps) == 0 or np.ptp(steps) > 0.01 * np.median(steps):
        raise ValueError(
            f"{path}: the series {series.name!r} has no rate and its time stamps are "
            "irregular; resample it to one rate."
        )
    return float(round(1 / steps.mean(), 6))


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
    scale : float | ndarray, shape (n_channels,)
        Volts for each stored unit.
    """
    unit = str(series.unit).strip().lower()
    if unit not in VOLTS:
        unit = str(fallback).strip().lower()
        warn(
            f"{path}: the unit {series.unit!r} of {series.name!r} is not known; the "
            f"values are taken as {fallback if unit in VOLTS else 'volts'}."
        )
    scale = float(series.conversion) * VOLTS.get(unit, 1.0)
    single = getattr(series, "channel_conversion", None)
    return scale if single is None else scale * np.asarray(single[:], dtype=float)


def stimulus_words(content, rate):
    """Read the words that a file stores for every sample.

    Parameters
    ----------
    content : pynwb.NWBFile
        The open file.
    rate : float
        The sampling rate of the recording in Hz.

    Returns
    -------
    words : tuple | None
        Onsets (s), durations (s) and words; None without such a series.
    """
    series = content.acquisition.get("Stimulus")
    if series is None or not np.ndim(series.data[:1]) == 1:
        return None
    values = np.asarray(series.data[:])
    if values.dtype.kind not in "OSUT":
        return None
    text = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
    text = np.array(text, dtype=object)
    edges = np.flatnonzero(text[1:] != text[:-1]) + 1
    first = np.concatenate([[0], edges])
    last = np.concatenate([edges, [len(text)]])
    spoken = np.array([bool(text[i].strip()) for i in first])
    own = float(series.rate or rate)
    onset, stop = first[spoken] / own, last[spoken] / own
    return onset, stop - onset, [text[i].strip() for i in first[spoken]]

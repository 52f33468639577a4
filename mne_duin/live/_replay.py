"""Play a recording as a stream, for rehearsals without a patient."""

import contextlib
import time
from dataclasses import dataclass

import mne
import numpy as np
from mne.utils import logger

from mne_duin.io import read_raw
from mne_duin.live._stream import lsl
from mne_duin.utils._checks import check_number

CHUNK = 0.02  # s
LAST_LOOK = 1.5  # s that the stream stays after its last sample


@dataclass(frozen=True)
class ReplaySummary:
    """What was played.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    n_markers : int
        Number of markers.
    seconds : float
        Length of what was played, in seconds of the recording.
    """

    n_samples: int
    n_markers: int
    seconds: float

    def __str__(self):
        return (
            f"{self.seconds:.1f} s played: {self.n_samples} samples, {self.n_markers} "
            "markers"
        )


def replay_recording(
    recording,
    name: str = "mne-duin-replay",
    *,
    speed: float = 1.0,
    chunk: float = CHUNK,
    tmax: float | None = None,
    wait: float = 60.0,
    verbose=None,
) -> ReplaySummary:
    """Play a recording as a stream of the Lab Streaming Layer.

    The samples, all channels in volts, are the stream ``name``; the events of
    events.tsv are the stream of markers ``name`` followed by ``-markers``, whose texts
    are the column ``trial_type``. Playing begins when someone listens, so that nothing
    is missed.

    Parameters
    ----------
    recording : BIDSPath | mne.io.Raw
        The recording; a Raw brings its annotations as markers.
    name : str
        Name of the stream.
    speed : float
        How many seconds are played per second. Stamps are those of speed 1.
    chunk : float
        Length of a chunk in seconds.
    tmax : float | None
        Where to stop in seconds; None plays all.
    wait : float
        How long to wait for a listener in seconds.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    summary : ReplaySummary
        What was played.

    Raises
    ------
    ImportError
        If mne-lsl is missing.
    TimeoutError
        If nobody listens.
    """
    check_number("speed", speed, low=0.0, closed=False)
    check_number("chunk", chunk, low=0.0, closed=False)
    with mne.utils.use_log_level(verbose):
        raw = recording
        if not isinstance(raw, mne.io.BaseRaw):
            raw = read_raw(recording, verbose=verbose)
        samples, markers = _open_outlets(raw, name)
        logger.info(f"The streams {name!r} and '{name}-markers' wait for a listener.")
        if not samples.wait_for_consumers(wait):
            raise TimeoutError(
                f"Nobody has listened to the stream {name!r} for {wait:g} s; start "
                f"`mne-duin live --stream {name}`."
            )
        return _play(raw, samples, markers, speed, chunk, tmax)


def _open_outlets(raw, name):
    """Open the streams of samples and markers."""
    module, rate = lsl(), float(raw.info["sfreq"])
    n_channels = len(raw.ch_names)
    info = module.StreamInfo(name, "EEG", n_channels, rate, "float64", name)
    info.set_channel_names(list(raw.ch_names))
    info.set_channel_types(raw.get_channel_types())
    info.set_channel_units(["volts"] * n_channels)
    about = f"{name}-markers"
    marked = module.StreamInfo(about, "Markers", 1, 0.0, "string", about)
    return module.StreamOutlet(info, max_buffered=60), module.StreamOutlet(marked)


def _marks(raw):
    """Return the onsets from the first sample and the texts of all annotations."""
    shift = raw.first_time if raw.info["meas_date"] is not None else 0.0
    onsets = raw.annotations.onset - shift
    return list(zip(onsets.tolist(), raw.annotations.description, strict=True))


def _play(raw, samples, markers, speed, chunk, tmax):
    """Push chunk after chunk, each when its last sample is due."""
    module, rate = lsl(), float(raw.info["sfreq"])
    size = max(round(chunk * rate), 2)
    stop = raw.n_times if tmax is None else min(raw.n_times, round(tmax * rate))
    waiting, n_markers = _marks(raw), 0
    zero = module.local_clock()
    with contextlib.suppress(KeyboardInterrupt):
        for first in range(0, stop, size):
            last = min(first + size, stop)
            late = zero + last / rate / speed - module.local_clock()
            if late > 0:
                time.sleep(late)
            data = raw.get_data(start=first, stop=last, verbose="error").T
            _push(samples, data, zero + np.arange(first, last) / rate)
            while waiting and waiting[0][0] < last / rate:
                onset, text = waiting.pop(0)
                markers.push_sample([str(text)], timestamp=zero + onset)
                n_markers += 1
        time.sleep(LAST_LOOK)
    return ReplaySummary(stop, n_markers, stop / rate)


def _push(outlet, data, stamps):
    """Push samples (n_times, n_channels); one sample is no chunk for mne-lsl."""
    if len(data) == 1:
        outlet.push_sample(data[0], timestamp=float(stamps[0]))
    else:
        outlet.push_chunk(np.ascontiguousarray(data), timestamp=stamps)

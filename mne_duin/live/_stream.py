"""The Lab Streaming Layer: find the stream, pull its samples, push the results.

mne-lsl, which brings liblsl, is an extra: ``pip install mne-duin[live]``.
"""

import json
import socket
import time

import numpy as np

from mne_duin.utils._checks import first_names

BUFFER_SECONDS = 120
# Names and powers of ten of the units that amplifiers give their channels.
UNITS = {
    "v": 1.0, "volt": 1.0, "volts": 1.0, "0": 1.0,
    "mv": 1e-3, "millivolt": 1e-3, "millivolts": 1e-3, "-3": 1e-3,
    "uv": 1e-6, "µv": 1e-6, "μv": 1e-6, "microvolt": 1e-6, "microvolts": 1e-6,
    "-6": 1e-6,
    "nv": 1e-9, "nanovolt": 1e-9, "nanovolts": 1e-9, "-9": 1e-9,
}  # fmt: skip


def lsl():
    """Return mne_lsl.lsl, or say how to install it."""
    try:
        import mne_lsl.lsl as found
    except ImportError as error:
        raise ImportError(
            "Streams need mne-lsl: pip install 'mne-duin[live]' (or mne-lsl)."
        ) from error
    return found


def local_clock():
    """Return the time in seconds on the clock of the streams."""
    return lsl().local_clock()


def find_stream(name, *, kind=None, timeout=10.0):
    """Find the one stream of a name.

    Parameters
    ----------
    name : str
        The name, or the source id where two streams have one name.
    kind : str | None
        What it is, for the message.
    timeout : float
        How long to look in seconds.

    Returns
    -------
    info : mne_lsl.lsl.StreamInfo
        The stream.

    Raises
    ------
    ConnectionError
        If there is none, or more than one.
    """
    deadline, found = time.monotonic() + timeout, []
    while not found:
        found = _streams_named(name, min(1.0, timeout))
        if not found and time.monotonic() >= deadline:
            there = sorted({one.name for one in lsl().resolve_streams(1.0)})
            raise ConnectionError(
                f"There is no {kind or 'stream'} {name!r} on the network; there are "
                f"{first_names(map(repr, there)) or 'none'}. Start it, and check that "
                "the firewall lets LSL through."
            )
    if len(found) > 1:
        # A second look may have been needed; two streams of one name stay two.
        ids = sorted(one.source_id or one.uid for one in found)
        raise ConnectionError(
            f"There are {len(found)} streams with the name {name!r} (source ids "
            f"{first_names(ids)}); stop one of them, or give the source id instead of "
            "the name."
        )
    return found[0]


def _streams_named(name, timeout):
    """Return the streams with a name, else those with that source id."""
    # Waiting for two that are not there is what finds the second one.
    found = lsl().resolve_streams(timeout=timeout, name=name, minimum=2)
    return found or lsl().resolve_streams(timeout=0.2, source_id=name)


class Inlet:
    """Receives a stream of samples or markers.

    Parameters
    ----------
    name : str
        Name or source id of the stream.
    kind : str
        What it is, for messages.
    timeout : float
        How long to look for it in seconds.
    """

    def __init__(self, name, *, kind="stream", timeout=10.0):
        info = find_stream(name, kind=kind, timeout=timeout)
        self.name, self.uid, self._stream_name = name, info.uid, info.name
        # Stamps of this machine are on its clock already.
        same_host = info.hostname == socket.gethostname()
        self._inlet = lsl().StreamInlet(
            info,
            max_buffered=BUFFER_SECONDS,
            recover=False,
            processing_flags=None if same_host else ["clocksync"],
        )
        try:
            self._inlet.open_stream(timeout=timeout)
            whole = self._inlet.get_sinfo(timeout=timeout)
        except Exception as error:
            # A stream that is ending is still found for a moment.
            raise ConnectionError(
                f"The {kind} {name!r} was found but does not answer ({error})."
            ) from error
        self.sfreq, self.n_channels = float(info.sfreq), info.n_channels
        names = whole.get_channel_names() or []
        self.ch_names = [str(one) for one in names]
        self.units = whole.get_channel_units() or []

    def scale(self, unit):
        """Return the factors to volts, as given or as the stream says.

        Parameters
        ----------
        unit : str | None
            "V", "mV", "uV" or "nV"; None takes what the stream says.
        """
        if unit is not None:
            if unit.lower() not in UNITS:
                raise ValueError(f"`unit` must be V, mV, uV or nV; got {unit!r}.")
            return UNITS[unit.lower()]
        known = [UNITS.get(str(one).lower()) for one in self.units]
        if not known or None in known:
            said = first_names(sorted({str(one) for one in self.units})) or "none"
            raise ValueError(
                f"The stream {self.name!r} does not say the unit of its channels "
                f"(said: {said}); give it as `unit` (--unit uV)."
            )
        return np.array(known)

    def is_there(self):
        """Return whether the stream is still on the network; this takes a moment."""
        found = lsl().resolve_streams(timeout=0.5, name=self._stream_name)
        return any(one.uid == self.uid for one in found)

    def pull(self, most=1 << 16):
        """Return what has come, (n_channels, n_times) and stamps; none is fine.

        Raises
        ------
        ConnectionError
            If the stream has ended.
        """
        try:
            samples, stamps = self._inlet.pull_chunk(timeout=0.0, max_samples=most)
        except Exception as error:
            raise ConnectionError(f"The stream {self.name!r} has ended.") from error
        return np.asarray(samples).T.copy(), np.array(stamps)

    def pull_markers(self):
        """Return the markers that have come, as pairs of text and time."""
        try:
            samples, stamps = self._inlet.pull_chunk(timeout=0.0, max_samples=256)
        except Exception as error:
            raise ConnectionError(f"The markers {self.name!r} have ended.") from error
        texts = [str(row[0]) for row in samples]
        return list(zip(texts, stamps.tolist(), strict=True))

    def close(self):
        """End the connection."""
        self._inlet.close_stream()


class ResultOutlet:
    """Sends decisions as a stream of JSON texts.

    Parameters
    ----------
    name : str
        The name of the stream.
    """

    def __init__(self, name):
        module = lsl()
        info = module.StreamInfo(name, "Markers", 1, 0.0, "string", f"{name}-duin")
        self._outlet = module.StreamOutlet(info)

    def send(self, decision, time):
        """Send a decision; ``time`` is that of the last sample of its window."""
        text = json.dumps(decision.to_dict(), ensure_ascii=False)
        self._outlet.push_sample([text], timestamp=time)

    def close(self):
        """End the stream."""
        self._outlet = None

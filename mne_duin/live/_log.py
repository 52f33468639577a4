"""Everything that came in and was decided, written as it happens.

A log is a folder. ``decisions.jsonl`` has a line for each thing that happened, in its
order: the start with names, rate and settings, every chunk of samples (where it lies in
the other file), every marker and every decision. ``samples.dat`` has the samples and
their stamps. Both are only ever appended to and every write goes to the system at once,
so that what was decided survives the end of the process, however it ends; a line or a
chunk that was cut off at the end is left out when the log is read.
"""

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mne.utils import warn

from mne_duin.live._decision import Decision

LINES, SAMPLES = "decisions.jsonl", "samples.dat"
FORMAT = 1
SETTINGS = (
    "mode",
    "cues",
    "step",
    "threshold",
    "rest",
    "refractory",
    "rename",
    "settle",
)


class DecisionLog:
    """Writes what a :class:`LiveDecoder` gets and decides.

    Parameters
    ----------
    folder : path-like
        A new or empty folder.

    Raises
    ------
    FileExistsError
        If the folder has a log already; nothing is written over.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / LINES).exists():
            raise FileExistsError(
                f"{str(self.folder)!r} has a log already; choose a new folder."
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._lines = os.open(self.folder / LINES, flags, 0o644)
        self._samples = os.open(self.folder / SAMPLES, flags, 0o644)
        self._place = 0

    def _write(self, kind, **values):
        """Append a line."""
        text = json.dumps({"kind": kind, **values}, ensure_ascii=False) + "\n"
        _write_all(self._lines, text.encode())

    def begin(self, live, ch_names, sfreq, scale):
        """Note the start of a stream, and all that decides what is made of it.

        Parameters
        ----------
        live : LiveDecoder
            The decoder.
        ch_names : sequence of str
            Channels of the stream.
        sfreq : float
            Sampling rate of the stream in Hz.
        scale : array-like, shape (n_channels,)
            Factors that turn samples into volts.
        """
        self._write(
            "start",
            format=FORMAT,
            ch_names=[str(name) for name in ch_names],
            sfreq=float(sfreq),
            scale=np.asarray(scale, float).tolist(),
            decoder=type(live.decoder).__name__,
            classes=[str(label) for label in live.predictor.classes or ()],
            bads=sorted(live.bads),
            preparation=live.preparation.to_text(),
            settings={name: getattr(live, name) for name in SETTINGS},
        )

    def samples(self, samples, stamps):
        """Note a chunk of samples.

        Parameters
        ----------
        samples : array, shape (n_channels, n_times)
            The samples.
        stamps : array, shape (n_times,) | None
            Their time stamps in s.
        """
        samples = np.ascontiguousarray(samples)
        data = samples.tobytes()
        data += b"" if stamps is None else np.asarray(stamps, np.float64).tobytes()
        _write_all(self._samples, data)
        self._write(
            "samples",
            place=self._place,
            n_times=samples.shape[1],
            dtype=samples.dtype.str,
            stamps=stamps is not None,
            crc=zlib.crc32(data),
        )
        self._place += len(data)

    def mark(self, cue, time):
        """Note a marker.

        Parameters
        ----------
        cue : str
            Text of the marker.
        time : float
            Its time in s.
        """
        self._write("marker", cue=str(cue), time=float(time))

    def mark_bad(self, names):
        """Note contacts that are bad from now on.

        Parameters
        ----------
        names : list of str
            Their names.
        """
        self._write("bads", names=names)

    def skip_late(self):
        """Note that late windows are left out."""
        self._write("skip")

    def state(self, text, time=None):
        """Note what the stream is like.

        Parameters
        ----------
        text : str
            The state.
        time : float | None
            When, in s.
        """
        self._write("state", text=text, time=time)

    def decisions(self, decisions):
        """Note decisions.

        Parameters
        ----------
        decisions : list of Decision
            The decisions.
        """
        for one in decisions:
            self._write("decision", **{"decision": one.to_dict()})

    def finish(self):
        """Note the end of the stream."""
        self._write("finish")

    def close(self):
        """Close the files; nothing can be written any more."""
        for handle in (self._lines, self._samples):
            os.close(handle)


def _write_all(handle, data):
    """Write all bytes to a file; an append may take a part of them only."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


@dataclass(frozen=True)
class LogReplay:
    """A log, decided on once more.

    Parameters
    ----------
    recorded, replayed : list of Decision
        The decisions of the log and those of now.
    """

    recorded: list
    replayed: list

    @property
    def largest_difference(self) -> float:
        """Largest difference of a probability; infinite if the decisions differ."""
        # The process may have ended between a decision and its line in the log.
        if len(self.recorded) > len(self.replayed):
            return float("inf")
        worst = 0.0
        for old, new in zip(self.recorded, self.replayed, strict=False):
            if _without_probabilities(old) != _without_probabilities(new):
                return float("inf")
            pairs = zip(old.probabilities or (), new.probabilities or (), strict=True)
            worst = max([worst, *(abs(a - b) for a, b in pairs)])
        return worst


def _without_probabilities(decision):
    """Return a decision as it stands in a log, without its probabilities."""
    return {k: v for k, v in decision.to_dict().items() if k != "probabilities"} | {
        "sequence": list(decision.sequence or ())
    }


def read_log(folder) -> list[dict]:
    """Read the lines of a log.

    Parameters
    ----------
    folder : path-like
        The log.

    Returns
    -------
    lines : list of dict
        What happened, in its order. A line that was cut off at the end, as by a power
        failure, is left out with a warning.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    ValueError
        If a line in the middle cannot be read.
    """
    path = Path(folder) / LINES
    if not path.is_file():
        raise FileNotFoundError(f"{str(folder)!r} has no log ({LINES}).")
    lines = []
    rows = path.read_bytes().split(b"\n")
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        try:
            lines.append(json.loads(row))
        except ValueError:
            if number < len(rows):
                raise ValueError(
                    f"{path}, line {number} is damaged; the log cannot be replayed."
                ) from None
            warn(f"{path}: the last line was cut off and is left out.")
    if not lines or lines[0].get("kind") != "start":
        raise ValueError(f"{path} does not begin with the start of a stream.")
    return lines


def logged_decisions(lines) -> list[Decision]:
    """Return the decisions among the lines of a log."""
    return [
        Decision.from_dict(line["decision"])
        for line in lines
        if line["kind"] == "decision"
    ]


def replay_log(folder, live) -> LogReplay:
    """Decide once more on what a log has recorded.

    Parameters
    ----------
    folder : path-like
        The log of a stream.
    live : LiveDecoder
        A live decoder with the same decoder and settings.

    Returns
    -------
    replay : LogReplay
        Both lists of decisions; ``largest_difference`` compares them.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no log, it is damaged, or the settings are others.
    """
    lines = read_log(folder)
    _check_settings(lines[0], live)
    replayed = []
    with open(Path(folder) / SAMPLES, "rb") as file:
        for line in lines:
            replayed += _repeat(line, live, file)
    return LogReplay(logged_decisions(lines), replayed)


def _check_settings(start, live):
    """Refuse another decoder or other settings than those of the log."""
    now = {name: getattr(live, name) for name in SETTINGS}
    differ = [n for n, value in start["settings"].items() if now.get(n) != value]
    if start["preparation"] != live.preparation.to_text():
        differ.append("contacts")
    if start["decoder"] != type(live.decoder).__name__:
        differ.append("decoder")
    if differ:
        raise ValueError(
            f"The log was written with other settings ({', '.join(differ)}); make the "
            "LiveDecoder as it was."
        )


def _repeat(line, live, file):
    """Do once more what a line says; return the decisions."""
    kind = line["kind"]
    if kind == "start":
        live.bads = set(line["bads"])
        live.start(line["ch_names"], line["sfreq"], scale=np.array(line["scale"]))
    elif kind == "marker":
        live.mark(line["cue"], line["time"])
    elif kind == "bads":
        live.mark_bad(line["names"])
    elif kind == "skip":
        live.skip_late()
    elif kind == "finish":
        return live.finish()
    elif kind == "samples":
        return live.push(*_read_chunk(line, len(live.engine.contacts.names), file))
    return []


def _read_chunk(line, n_channels, file):
    """Read a chunk of samples and its stamps."""
    kind, n_times = np.dtype(line["dtype"]), line["n_times"]
    n_bytes = kind.itemsize * n_channels * n_times
    file.seek(line["place"])
    data = file.read(n_bytes + 8 * n_times * line["stamps"])
    if zlib.crc32(data) != line["crc"]:
        raise ValueError(
            f"The chunk at byte {line['place']} of {SAMPLES} is damaged; the log "
            "cannot be replayed from there."
        )
    samples = np.frombuffer(data[:n_bytes], kind).reshape(n_channels, n_times)
    stamps = np.frombuffer(data[n_bytes:], np.float64) if line["stamps"] else None
    return samples, stamps

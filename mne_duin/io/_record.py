"""Everything that describes one recording, read once into one record.

The parts are read in one place, in order: channels.tsv, ieeg.json, the header of the
recording, events.tsv. What cannot be read, and what its reader warned about, becomes a
finding; the checks of :mod:`mne_duin.io._checks` then compare the parts. Only the
record flows on.
"""

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from mne.utils import logger, warn
from mne_bids import BIDSPath

from mne_duin.io._channels import INTRACRANIAL, apply_channels, read_channels
from mne_duin.io._events import (
    LABEL,
    annotations_from_events,
    file_events,
    given_events,
    in_order,
    read_events,
)
from mne_duin.io._finding import resolve
from mne_duin.io._formats import Header, open_file
from mne_duin.io._gaps import is_boundary, is_mark, set_boundaries
from mne_duin.io._sidecars import compose, find_sidecars, read_json
from mne_duin.io._timing import Rate, choose_rate, onsets_from_samples, said_rates
from mne_duin.io._transcripts import read_stimulus_events, read_transcript
from mne_duin.utils._checks import check_option

SEVERITIES = ("note", "warning", "error")
ONSETS = (None, "onset", "sample")
# What only matters to those who use the events of a recording.
ABOUT_EVENTS = ("events.tsv", "event_times", "transcripts")


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    check : str
        Name of the check.
    severity : "note" | "warning" | "error"
        An error stops reading, a warning is told, a note is logged.
    message : str
        What is wrong, where, and what to do.
    file : pathlib.Path | str
        The file.
    row : int | None
        The line in the file.
    error : Exception | None
        What was raised, where something was.
    """

    check: str
    severity: str
    message: str
    file: Path | str = ""
    row: int | None = None
    error: Exception | None = None


@dataclass
class Record:
    """One recording with all that describes it.

    Parameters
    ----------
    path : mne_bids.BIDSPath
        The recording.
    raw : mne.io.BaseRaw | None
        The recording with types, rate, boundaries and annotations of its sidecars.
    header : Header | None
        What its own file says.
    rate : Rate | None
        The sampling rate and what was said about it.
    channels, events, contacts : pandas.DataFrame | None
        channels.tsv, events.tsv, and the contacts of electrodes.tsv where they were
        asked for.
    ieeg : dict
        ieeg.json.
    file_events : pandas.DataFrame | None
        The events that the file of the recording marks.
    onset : str | None
        Whether onsets come from ``"onset"`` or ``"sample"``; None has not chosen.
    files : dict of str -> pathlib.Path
        Where the parts were read from.
    findings : list of Finding
        What was found while reading and checking.
    """

    path: BIDSPath
    raw: mne.io.BaseRaw | None = None
    header: Header | None = None
    rate: Rate | None = None
    channels: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    contacts: pd.DataFrame | None = None
    ieeg: dict = field(default_factory=dict)
    file_events: pd.DataFrame | None = None
    onset: str | None = None
    files: dict = field(default_factory=dict)
    findings: list = field(default_factory=list)

    @property
    def name(self):
        """The name of the recording's file."""
        return self.path.basename

    @property
    def is_epoched(self):
        """Whether ieeg.json says that the recording is cut into trials."""
        return str(self.ieeg.get("RecordingType")).lower() == "epoched"

    def add(self, check, severity, message, part="", row=None, error=None):
        """Keep a finding about a part."""
        file = self.files.get(part, "")
        said = re.search(r", line (\d+)[,:]", message)
        if row is None and said:
            row = int(said.group(1))
        self.findings.append(Finding(check, severity, message, file, row, error))

    def read(self, part, function, *args):
        """Read a part; what its reader says becomes findings, what it raises too."""
        value = error = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = function(*args)
            except (ValueError, OSError, ImportError) as raised:
                error = raised
        for warning in caught:
            if issubclass(warning.category, (RuntimeWarning, UserWarning)):
                self.add(part, "warning", str(warning.message), part)
        if error is not None:
            self.add(part, "error", str(error), part, error=error)
        return value

    def settle(self, *, events=True):
        """Tell the warnings and log the notes, up to the first error, which is raised.

        Parameters
        ----------
        events : bool
            Whether the events matter; else errors about them are warnings.
        """
        findings, self.findings = self.findings, []
        for finding in findings:
            only_told = finding.check in ABOUT_EVENTS and not events
            if finding.severity == "error" and not only_told:
                raise finding.error or ValueError(finding.message)
            tell = logger.info if finding.severity == "note" else warn
            tell(finding.message)


def read_record(bids_path, *, onset=None, events=None, verbose=None):
    """Read all that describes a recording.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording.
    onset : "onset" | "sample" | None
        Which column says when events are; None takes ``onset`` and checks it.
    events : pandas.DataFrame | path-like | "stimuli" | None
        Events to use instead of events.tsv.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    record : Record
        The recording; ``findings`` has what could not be read.
    """
    check_option("onset", onset, ONSETS)
    record = Record(resolve(bids_path), onset=onset)
    path = Path(record.path.fpath)
    record.files["recording"] = path
    for part, suffix, ending in (
        ("channels.tsv", "channels", ".tsv"),
        ("ieeg.json", "ieeg", ".json"),
        ("events.tsv", "events", ".tsv"),
    ):
        found = find_sidecars(record.path, suffix, ending)
        if found:
            record.files[part] = found[0]
    record.channels = record.read("channels.tsv", read_channels, record.path)
    if "ieeg.json" in record.files:
        sidecar = record.read("ieeg.json", read_json, record.files["ieeg.json"])
        record.ieeg = sidecar or {}
    opened = record.read("recording", open_file, path, record.channels, verbose)
    record.events = _read_record_events(record, events)
    if opened is not None:
        record.raw, record.header = opened
        record.read("ieeg.json", _set_time, record)
        record.read("channels.tsv", _set_channels, record)
        record.read("events.tsv", _set_events, record)
    return record


def _read_record_events(record, events):
    """Read the events of a recording from where the caller wants them."""
    if isinstance(events, pd.DataFrame):
        return record.read("events.tsv", given_events, events, record.name)
    if isinstance(events, str) and events == "stimuli":
        return record.read("transcripts", read_stimulus_events, record.path)
    if events is not None:
        return record.read("transcripts", read_transcript, events)
    if "events.tsv" not in record.files:
        return None
    return record.read("events.tsv", read_events, record.files["events.tsv"])


def _set_time(record):
    """Set sampling rate, line frequency and boundaries between trials, in place."""
    raw = record.raw
    said = said_rates(record.ieeg, record.channels, INTRACRANIAL)
    duration = record.ieeg.get("RecordingDuration")
    own = record.header.sfreq
    record.rate = choose_rate(own, raw.n_times, said, record.events, duration)
    _set_rate(raw, record.rate.sfreq)
    value = record.ieeg.get("PowerLineFrequency")
    if isinstance(value, (int, float)) and value > 0:
        with raw.info._unlock():
            raw.info["line_freq"] = float(value)
    length = record.ieeg.get("EpochLength")
    if record.is_epoched and isinstance(length, (int, float)) and length > 0:
        size = max(int(round(length * raw.info["sfreq"])), 1)
        set_boundaries(raw, np.arange(size, raw.n_times, size))


def _set_channels(record):
    """Set channel names, types and bad channels as in channels.tsv, in place."""
    raw, path = record.raw, record.files["recording"]
    channels = record.channels
    if channels is not None:
        left_out = [compose(name) for name in record.header.other_rates]
        channels = channels.drop(index=left_out, errors="ignore")
    apply_channels(raw, channels, path)
    if path.suffix == ".mefd" and record.channels is not None:
        listed = [name for name in record.channels.index if name in raw.ch_names]
        rest = [name for name in raw.ch_names if name not in listed]
        raw.reorder_channels(listed + rest)


def _set_events(record):
    """Set the annotations of events.tsv next to the marks of the file, in place."""
    raw = record.raw
    record.file_events = file_events(raw)
    if record.events is None:
        return
    if record.onset == "sample":
        file = record.files.get("events.tsv", "`events`")
        onsets = onsets_from_samples(record.events, record.rate.sfreq, file)
        record.events = in_order(record.events.assign(onset=onsets), file)
    if LABEL in record.events:
        words = raw.annotations.description
        kept = [is_mark(word) or is_boundary(word) for word in words]
        from_file = raw.annotations[np.flatnonzero(kept)]
        events = annotations_from_events(record.events, raw)
        raw.set_annotations(events, verbose="error")
        raw.set_annotations(raw.annotations + from_file, verbose="error")


def _set_rate(raw, sfreq):
    """Give a recording another sampling rate, in place; its marks keep their samples.

    Nothing is resampled: the samples are the same, but they lie at other times.
    """
    own = raw.info["sfreq"]
    if sfreq == own:
        return
    marks = raw.annotations
    shift = raw.first_time if raw.info["meas_date"] is not None else 0.0
    onsets = (marks.onset - shift) * own / sfreq
    durations = marks.duration * own / sfreq
    with raw.info._unlock():
        raw.info["sfreq"] = float(sfreq)
        raw.info["lowpass"] = min(raw.info["lowpass"], sfreq / 2)
    raw.set_annotations(
        mne.Annotations(
            onsets + (raw.first_time if raw.info["meas_date"] is not None else 0.0),
            durations,
            marks.description,
            orig_time=marks.orig_time,
        ),
        verbose="error",
    )

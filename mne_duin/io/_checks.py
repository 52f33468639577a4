"""Named checks that hold the parts of a recording against each other.

Each check is one function with one severity. Those of a record compare what describes
a recording; those of samples look at the chosen contacts as they are read; those of
runs compare recordings that are to be pooled. Reading raises errors and tells warnings;
:func:`check_recording` returns all of it as a table.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from mne_bids import BIDSPath

from mne_duin.io._channels import INTRACRANIAL
from mne_duin.io._contacts import contacts_of
from mne_duin.io._events import LABEL, alike_labels, label_columns, missing_words
from mne_duin.io._gaps import continuous_spans
from mne_duin.io._processing import Processing
from mne_duin.io._record import Record, read_record
from mne_duin.io._sidecars import place_name
from mne_duin.io._stream import Watch, blocks
from mne_duin.io._timing import LATENESS, LOST, ROUNDED, sample_lag
from mne_duin.io._transcripts import transcripts_hint
from mne_duin.utils._checks import as_list, first_names
from mne_duin.utils._numbers import percent
from mne_duin.utils._similarity import same_trials

MICROVOLTS = {"v": 1e6, "mv": 1e3, "uv": 1.0, "µv": 1.0, "μv": 1.0, "nv": 1e-3}
# Standard deviations of intracranial recordings in volts, with an order to spare.
PLAUSIBLE_VOLTS = (1e-7, 5e-3)
UNLIKE_RUNS = 4.0
LONG_STUCK = 0.5
RAILED = 1e-3
MOVED_MM = 2.0
# Where pieces of a second are taken to find recordings with the same samples.
PROBES = (1, 5, 11, 31, 61, 121, 241, 481)


@dataclass(frozen=True)
class Check:
    """A named check.

    Parameters
    ----------
    name : str
        What to call it.
    kind : "record" | "audit" | "samples" | "pooled"
        What it looks at: a record, when it is read or only on request; the samples of
        a recording; recordings that are to be pooled.
    severity : "note" | "warning" | "error"
        How much what it finds matters.
    about : str
        What should hold, in a sentence.
    function : callable
        Yields messages, or tuples of message, part, row and severity.
    """

    name: str
    kind: str
    severity: str
    about: str
    function: Callable


CHECKS: dict[str, Check] = {}
# What reading a part of a recording can find, before any check.
PARTS = {
    "recording": "The file of the recording is fetched and can be opened.",
    "channels.tsv": "channels.tsv can be read and names the channels of the recording.",
    "ieeg.json": "ieeg.json can be read.",
    "events.tsv": "events.tsv can be read.",
    "electrodes.tsv": "electrodes.tsv and coordsystem.json can be read.",
}


def _check(kind, severity):
    """Register a function, whose first line is "Check that …", as a check."""

    def register(function):
        about = function.__doc__.splitlines()[0].removeprefix("Check that ")
        about = about[0].upper() + about[1:]
        name = function.__name__
        CHECKS[name] = Check(name, kind, severity, about, function)
        return function

    return register


def names_of(*kinds):
    """Return the names of the checks of some kinds."""
    return [check.name for check in CHECKS.values() if check.kind in kinds]


def run_checks(names, record, *arguments):
    """Run checks and keep what they find in a record."""
    for name in names:
        check = CHECKS[name]
        for said in check.function(*arguments):
            message, part, row, severity = _spread(said, check.severity)
            record.add(name, severity, message, part, row)


def _spread(said, severity):
    """Fill up what a check said: message, part, row and severity."""
    said = (said,) if isinstance(said, str) else tuple(said)
    return said + ("recording", None, severity)[len(said) - 1 :]


# ---------------------------------------------------------------- of a record


@_check("record", "warning")
def data_file(record):
    """Check that the header names the samples of its own recording."""
    header = record.header
    if header.used != header.named:
        yield (
            f"{header.path.name} names the samples of another file "
            f"(DataFile={header.named.name}); its own file {header.used.name}, which "
            "lies next to it, is read. Correct the header."
        )
    elif header.used.stem != header.path.stem and header.used.suffix != ".set":
        yield (
            f"{header.path.name} names samples that are called otherwise "
            f"({header.used.name}); check that they are its own.",
            "recording",
            None,
            "note",
        )


@_check("record", "warning")
def other_rates(record):
    """Check that all channels have the sampling rate of the contacts."""
    rates = record.header.other_rates
    kinds = {} if record.channels is None else record.channels["kind"]
    contacts = [name for name in rates if kinds.get(name) in INTRACRANIAL]
    values = first_names(sorted({f"{rate:g}" for rate in rates.values()}))
    if rates:
        yield (
            f"{record.name}: channel(s) {first_names(contacts or rates)} have another "
            f"sampling rate ({values} Hz) than most contacts "
            f"({record.header.sfreq:g} Hz) and are left out.",
            "recording",
            None,
            "warning" if contacts else "note",
        )


@_check("record", "warning")
def sampling_rate(record):
    """Check that header and sidecars agree on when the last sample was taken."""
    rate = record.rate
    if not rate.late:
        return
    others = ", ".join(
        f"{source} says {rate.said.get(source, rate.own):g}" for source in rate.late
    )
    worst = max(rate.late.values())
    if rate.sfreq == rate.own:
        yield (
            f"{record.name} has a SamplingFrequency of {rate.own:g} Hz, but {others} "
            f"({worst:.3g} s apart at the end of the recording); the recording's own "
            "is used."
        )
    else:
        yield (
            f"{record.name} is read with a sampling rate of {rate.sfreq:g} Hz, because "
            f"most of its sidecars agree on it; {others} ({worst:.3g} s apart at the "
            "end of the recording). Correct the one that is wrong."
        )


@_check("record", "warning")
def duration(record):
    """Check that the recording is as long as ieeg.json says."""
    said = record.ieeg.get("RecordingDuration")
    if record.is_epoched and said == record.ieeg.get("EpochLength"):
        return
    own = record.raw.n_times / record.raw.info["sfreq"]
    if isinstance(said, (int, float)) and abs(said - own) > 0.01 * own + 1:
        yield (
            f"{record.name} has a RecordingDuration of {own:g} s, but ieeg.json says "
            f"{said:g}; the recording's own is used.",
            "ieeg.json",
        )


@_check("record", "note")
def line_frequency(record):
    """Check that the line frequency is known."""
    if record.raw.info["line_freq"] is None:
        yield f"The line frequency of {record.name} is not known.", "ieeg.json"


@_check("record", "warning")
def recording_type(record):
    """Check that RecordingType in ieeg.json goes with the file."""
    kind = str(record.ieeg.get("RecordingType")).lower()
    n_spans = len(continuous_spans(record.raw))
    length = record.ieeg.get("EpochLength")
    if kind == "epoched" and isinstance(length, (int, float)) and length > 0:
        yield (
            f"{record.name} is cut into trials of {length:g} s (EpochLength of "
            "ieeg.json); they are filtered and cut one by one.",
            "ieeg.json",
            None,
            "note",
        )
    elif kind == "epoched" and n_spans == 1:
        yield (
            f"{record.name} is already cut into epochs (RecordingType of ieeg.json), "
            "but EpochLength does not say how long they are; add it in seconds.",
            "ieeg.json",
            None,
            "error",
        )
    elif kind == "discontinuous" and n_spans == 1:
        yield (
            f"{record.name} is discontinuous (RecordingType of ieeg.json), but its "
            "file does not mark where; trials and filters may reach across a gap. Mark "
            "gaps as BAD_ACQ_SKIP, or pauses as BAD boundary, in events.tsv.",
            "ieeg.json",
        )


@_check("record", "note")
def gaps(record):
    """Check that the recording has no gaps or pauses."""
    spans = continuous_spans(record.raw)
    if len(spans) > 1 and not record.is_epoched:
        rate = record.raw.info["sfreq"]
        lost = record.raw.n_times - sum(last - first for first, last in spans)
        where = first_names(f"{last / rate:.6g} s" for _, last in spans[:-1])
        yield (
            f"{record.name} is interrupted {len(spans) - 1} time(s) (after {where}), "
            f"{lost / rate:.3g} s without samples; nothing is filtered or cut across."
        )


@_check("record", "warning")
def annotation_encoding(record):
    """Check that the annotations of the recording are UTF-8."""
    if record.header.encoding is not None:
        yield (
            f"The annotations in {record.name} are not UTF-8 and are read as "
            f"{record.header.encoding}; words in them may be wrong. Those of "
            "events.tsv are used where it is there.",
            "recording",
            None,
            "warning" if record.events is None else "note",
        )


@_check("record", "warning")
def event_times(record):
    """Check that onsets and samples in events.tsv mean the same times, within 5 ms."""
    rate = record.raw.info["sfreq"]
    lag = None if record.events is None else sample_lag(record.events, rate)
    if lag is None or record.onset == "sample":
        return
    worst = int(np.abs(lag.values).argmax())
    apart = abs(lag.values[worst])
    if apart <= LATENESS + 1.0 / rate:
        return
    onset = record.events["onset"].iloc[lag.rows[worst]]
    line = _line(record, lag.rows[worst])
    start = f"events.tsv of {record.name}: the columns onset and {lag.column} differ by"
    if abs(lag.counted_at / rate - 1) > ROUNDED:
        yield (
            f"events.tsv of {record.name}: the column {lag.column} counts samples at "
            f"{lag.counted_at:g} Hz, and the recording has {rate:g} Hz; onset (in "
            "seconds) is used.",
            "events.tsv",
            line,
        )
    elif apart > LOST and record.onset is None:
        yield (
            f"{start} up to {apart:.6g} s (at onset {onset:g} s), so the times of the "
            "trials are not known. Pass onset='sample' if samples count from the start "
            "of the file, or onset='onset' if onsets do.",
            "events.tsv",
            line,
            "error",
        )
    else:
        yield (
            f"{start} up to {apart:.3g} s (at onset {onset:g} s); onset (in seconds) "
            "is used. Pass onset='sample' to use the samples.",
            "events.tsv",
            line,
        )


def _line(record, row):
    """Return the line in events.tsv of an event."""
    lines = record.events.attrs.get("lines", ())
    return lines[row] if row < len(lines) else None


# ------------------------------------------------- of a record, only on request


@_check("audit", "warning")
def events_there(record):
    """Check that there are events and that they lie in the recording."""
    if record.events is None:
        found = (
            ""
            if record.file_events is None
            else (f"; its own file marks {len(record.file_events)}")
        )
        yield (
            f"There is no events.tsv for {record.name}{found}"
            f"{transcripts_hint(record.path)}.",
            "recording",
        )
        return
    end = record.raw.n_times / record.raw.info["sfreq"]
    onsets = record.events["onset"]
    outside = (onsets < 0) | (onsets >= end)
    if outside.any():
        yield (
            f"{outside.sum()} of {len(onsets)} events of {record.name} lie outside the "
            f"recording (0 to {end:g} s), the first at {onsets[outside].iloc[0]:g} s.",
            "events.tsv",
            _line(record, int(outside.to_numpy().argmax())),
        )


@_check("audit", "warning")
def labels(record):
    """Check that trial_type holds labels, each of them written in one way."""
    if record.events is None:
        return
    own = record.events.get(LABEL, pd.Series(None, record.events.index, dtype=object))
    own = own.dropna()
    if not len(own):
        others = label_columns(record.events)
        yield (
            f"The column {LABEL} of events.tsv holds no label; other columns do: "
            f"{first_names(others) or 'none'}. Name one with label_column=.",
            "events.tsv",
        )
    for group in alike_labels(own):
        yield (
            f"The labels {' and '.join(map(repr, group))} differ only by case, spaces "
            "or decimals; if they are one class, write them alike.",
            "events.tsv",
            _line(record, own.index[own == group[-1]][0]),
        )
    for word, count in missing_words(own).items():
        yield (
            f"The label {word!r} ({count} events) is read as a word; if it stands for "
            "a missing label, write n/a.",
            "events.tsv",
            _line(record, own.index[own == word][0]),
        )


# ------------------------------------------------------------------ of samples


@_check("samples", "error")
def flat_channels(record, facts):
    """Check that every contact recorded something."""
    flat = np.array(facts.names, dtype=object)[facts.low == facts.high]
    if len(flat):
        yield (
            f"{record.name}: channel(s) {first_names(flat)} are flat (the same value "
            "throughout); mark them bad in channels.tsv."
        )


@_check("samples", "warning")
def amplitudes(record, facts):
    """Check that the amplitudes are those of an intracranial recording."""
    if not PLAUSIBLE_VOLTS[0] <= facts.typical <= PLAUSIBLE_VOLTS[1]:
        own = {str(record.raw._orig_units.get(name)) for name in facts.names}
        yield (
            f"{record.name}: the median standard deviation of the contacts is "
            f"{facts.typical:.3g} V, which is no intracranial voltage; check the units "
            f"in the file ({first_names(sorted(own))}) and in channels.tsv "
            f"({first_names(_units(record, facts.names)) or 'none'}). The values are "
            "used as they are."
        )


@_check("samples", "warning")
def units(record, facts):
    """Check that the file and channels.tsv give the contacts the same unit."""
    if record.channels is None or "units" not in record.channels:
        return
    for name in facts.names:
        in_file = str(record.raw._orig_units.get(name)).strip()
        said = str(record.channels["units"].get(name)).strip()
        factors = [MICROVOLTS.get(unit.lower()) for unit in (in_file, said)]
        if None in factors or factors[0] == factors[1]:
            continue
        # Programs that convert files often leave another unit in channels.tsv. That is
        # only in doubt if the signal could have been recorded in either.
        other = facts.typical * factors[1] / factors[0]
        likely = PLAUSIBLE_VOLTS[0] <= facts.typical <= PLAUSIBLE_VOLTS[1]
        doubt = not likely or PLAUSIBLE_VOLTS[0] <= other <= PLAUSIBLE_VOLTS[1]
        yield (
            f"{record.name} says that its values are {in_file}, channels.tsv says "
            f"{said} (the first contact is {name}); {in_file} is used, which gives a "
            f"standard deviation of {facts.typical:.3g} V. Correct the one that is "
            "wrong.",
            "channels.tsv",
            None,
            "warning" if doubt else "note",
        )
        return


def _units(record, names):
    """Return the units that channels.tsv gives some channels."""
    if record.channels is None or "units" not in record.channels:
        return []
    return sorted(set(record.channels["units"].reindex(names).dropna()))


@_check("samples", "warning")
def constant_stretches(record, facts):
    """Check that no contact holds one value for half a second or longer."""
    flat = set(np.array(facts.names, dtype=object)[facts.low == facts.high])
    found = {
        name: [span for span in spans if span[1] >= LONG_STUCK]
        for name, spans in facts.stuck.items()
        if name not in flat
    }
    found = {name: spans for name, spans in found.items() if spans}
    if found:
        name, spans = max(found.items(), key=lambda item: max(s[1] for s in item[1]))
        onset, length = max(spans, key=lambda span: span[1])
        yield (
            f"{record.name}: {len(found)} contact(s) ({first_names(found)}) hold one "
            f"value for {LONG_STUCK:g} s or longer, the longest {name} for "
            f"{length:.3g} s from {onset:.4g} s on: nothing was recorded there. Mark "
            "the span BAD_ in events.tsv, or the contact bad in channels.tsv."
        )


@_check("samples", "warning")
def saturated(record, facts):
    """Check that no contact stays at its largest or smallest value."""
    rows = (facts.railed > RAILED) & (facts.low < facts.high)
    held = {
        n for n, spans in facts.stuck.items() if max(s[1] for s in spans) >= LONG_STUCK
    }
    rows &= ~np.isin(facts.names, list(held))
    if rows.any():
        names = np.array(facts.names, dtype=object)[rows]
        worst = facts.railed[rows].max()
        yield (
            f"{record.name}: {len(names)} contact(s) ({first_names(names)}) stay at "
            f"their largest or smallest value for up to {percent(worst, 2)} of the "
            "samples: the amplifier was saturated. Mark these spans BAD_ or the "
            "contacts bad."
        )


# --------------------------------------------------------------------- of runs


@_check("pooled", "error")
def acquisitions(records):
    """Check that no two recordings are acquisitions of the same run."""
    groups = {}
    for record in records:
        path = record.path
        run = None if path.run is None else str(path.run).lstrip("0")
        groups.setdefault((path.session, path.task, run), []).append(record)
    for same in groups.values():
        if len(same) > 1:
            values = [record.path.acquisition for record in same]
            names = first_names(record.name for record in same)
            said, remedy = "", "Leave all but one out."
            if len(set(values)) > 1:
                said = f" (acq- {', '.join(map(str, values))})"
                remedy = (
                    "Choose one with find_recordings(…, "
                    f"acquisition={next(filter(None, values))!r})."
                )
            yield (
                f"{names} are one run, recorded or stored {len(same)} times{said}; as "
                "several runs, the same trials would be in training and test. "
                f"{remedy}"
            )


@_check("pooled", "warning")
def same_samples(records, picks):
    """Check that no two recordings hold the same samples."""
    if len(records) < 2:
        return
    pieces = [_pieces(record, picks) for record in records]
    for i, first in enumerate(records):
        for j in range(i + 1, len(records)):
            second = records[j]
            shared = sorted(set(pieces[i]) & set(pieces[j]))
            if any(same_trials(pieces[i][k], pieces[j][k]) for k in shared):
                yield (
                    f"{first.name} and {second.name} hold the same samples, so that "
                    "the same trials count twice; leave one of them out."
                )


def _pieces(record, picks):
    """Return pieces of a second of some contacts, by when they begin."""
    rate, pieces = record.raw.info["sfreq"], {}
    rows = [record.raw.ch_names.index(name) for name in picks]
    for second in PROBES:
        first, last = int(second * rate), int((second + 1) * rate)
        if last <= record.raw.n_times:
            data = record.raw.get_data(
                picks=rows, start=first, stop=last, verbose="error"
            )
            pieces[second, rate] = data[None]
    return pieces


@_check("pooled", "warning")
def unlike_amplitudes(records, facts):
    """Check that the amplitudes of all runs are alike."""
    known = [(r, f.typical) for r, f in zip(records, facts, strict=True) if f]
    if len(known) < 2:
        return
    usual = np.median([typical for _, typical in known])
    low, high = min(known, key=lambda k: k[1]), max(known, key=lambda k: k[1])
    if low[1] > 0 and high[1] / low[1] > UNLIKE_RUNS:
        odd = max((low, high), key=lambda k: abs(np.log(k[1] / usual)))
        yield (
            f"The amplitudes of the runs differ by a factor of {high[1] / low[1]:.3g} "
            f"({low[0].name} {low[1]:.3g} V, {high[0].name} {high[1]:.3g} V); check "
            f"unit and resolution in the header of {odd[0].name}. Pooled, one run "
            "hides the others."
        )


@_check("pooled", "error")
def moved_electrodes(tables):
    """Check that the contacts of all sessions lie in the same places."""
    (first_name, first), *others = tables.items()
    for name, table in others:
        if set(first["space"]) != set(table["space"]):
            continue
        both = first.index.intersection(table.index)
        xyz = [t.loc[both, ["x", "y", "z"]].to_numpy(float) for t in (first, table)]
        far = np.linalg.norm(xyz[0] - xyz[1], axis=1)
        moved = np.nan_to_num(far) > MOVED_MM
        if moved.any():
            worst = both[int(np.nanargmax(far))]
            yield (
                f"{moved.sum()} contact(s) with the same name lie at other places in "
                f"{first_name} and {name} ({first_names(both[moved])}; {worst} "
                f"{np.nanmax(far):.3g} mm apart): the electrodes were moved. Read the "
                "sessions apart, with session= in find_recordings.",
                "electrodes.tsv",
            )


# ------------------------------------------------------------------ the table


def list_checks() -> pd.DataFrame:
    """List the checks that reading a recording makes.

    Returns
    -------
    checks : pandas.DataFrame
        Index ``check``; ``severity`` (``"error"`` stops reading, ``"warning"`` is told,
        ``"note"`` is logged) and ``about``, what should hold.

    See Also
    --------
    check_recording : Their outcome for a recording.
    """
    rows = [(name, "error", about) for name, about in PARTS.items()]
    rows += [(c.name, c.severity, c.about) for c in CHECKS.values()]
    table = pd.DataFrame(rows, columns=["check", "severity", "about"])
    return table.set_index("check")


def check_recording(
    bids_path: BIDSPath | list[BIDSPath],
    *,
    samples: bool = True,
    space: str | None = None,
    verbose=None,
) -> pd.DataFrame:
    """Check recordings and everything that describes them, before trusting them.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath | list of mne_bids.BIDSPath
        A recording; or those of one subject that are to be pooled, which are then held
        against each other, too.
    samples : bool
        Whether to read the samples of all contacts, too.
    space : str | None
        The coordinate space of electrodes.tsv, where there are several.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    table : pandas.DataFrame
        One row for each recording and check, several where it found several things:
        ``recording``, ``check``, ``outcome`` (``"ok"``, ``"note"``, ``"warning"``,
        ``"error"``, or ``"skipped"`` where it could not be made), ``message``, ``file``
        and ``row`` (the line in the file, where there is one).

    Raises
    ------
    FileNotFoundError
        If there is no such recording.

    See Also
    --------
    list_checks : What is checked.

    Notes
    -----
    The command ``mne-duin check BIDS_ROOT`` does this for all recordings of a dataset.

    Examples
    --------
    >>> from mne_duin import check_recording, find_recordings, sample_data_path
    >>> runs = find_recordings(sample_data_path(), subject="01")
    >>> table = check_recording(runs[0], samples=False)
    >>> table[table["outcome"].isin(["warning", "error"])]["check"].tolist()
    []
    """
    paths = [bids_path] if isinstance(bids_path, BIDSPath) else as_list(bids_path)
    with mne.utils.use_log_level("WARNING" if verbose is None else verbose):
        done = [_check_one(path, samples, space) for path in paths]
        tables = [_as_table(record, made) for record, made, _ in done]
        if len(done) > 1:
            tables.append(_check_pooled(done))
    return pd.concat(tables, ignore_index=True)


def _check_one(path, samples, space):
    """Return the record of a recording, the checks that were made, and its facts."""
    record = read_record(path, verbose="WARNING")
    record.read("electrodes.tsv", _read_places, record, space)
    made, facts = list(PARTS), None
    if record.raw is not None:
        run_checks(names_of("record", "audit"), record, record)
        made += names_of("record", "audit")
        facts = record.read("recording", _sample_facts, record) if samples else None
    if facts is not None:
        run_checks(names_of("samples"), record, record, facts)
        made += names_of("samples")
    return record, made, facts


def _read_places(record, space):
    """Keep the contacts of a recording in its record."""
    record.contacts = contacts_of(record, space)


def _check_pooled(done):
    """Hold recordings against each other, as a table."""
    records = [record for record, _, _ in done]
    pooled = Record(records[0].path)
    made = ["acquisitions"]
    run_checks(made, pooled, records)
    placed = {
        place_name(record.path): record.contacts
        for record in records
        if record.contacts is not None
    }
    if placed:
        run_checks(["moved_electrodes"], pooled, placed)
        made.append("moved_electrodes")
    looked = [(record, facts) for record, _, facts in done if facts is not None]
    if len(looked) > 1:
        common = set.intersection(*(set(facts.names) for _, facts in looked))
        picks = [name for name in looked[0][1].names if name in common]
        if picks:
            run_checks(
                ["same_samples"], pooled, [record for record, _ in looked], picks
            )
            made.append("same_samples")
        run_checks(["unlike_amplitudes"], pooled, *map(list, zip(*looked, strict=True)))
        made.append("unlike_amplitudes")
    table = _as_table(pooled, made, names_of("pooled"))
    return table.assign(recording=f"{len(records)} recordings")


def _sample_facts(record: Record):
    """Look at the samples of all contacts that are not marked bad."""
    raw = record.raw
    if raw is None:
        return None
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    picks = [
        name
        for name, kind in kinds.items()
        if kind in INTRACRANIAL and name not in raw.info["bads"]
    ]
    if not picks:
        return None
    rate = float(raw.info["sfreq"])
    watch = Watch(picks, rate)
    rows = [raw.ch_names.index(name) for name in picks]
    plain = Processing(None, None, (), rate, rate)
    for first, last, _, _ in blocks(raw, plain, len(picks)):
        data = raw.get_data(picks=rows, start=first, stop=last, verbose="error")
        watch.see(data, first)
    return watch.facts()


def _as_table(record, made, names=None):
    """Turn findings into a table that has every check of some names."""
    names = names or [*PARTS, *names_of("record", "audit", "samples")]
    rows, found = [], {finding.check for finding in record.findings}
    for name in names:
        if name not in found:
            rows.append((name, "ok" if name in made else "skipped", "", "", pd.NA))
        for f in record.findings:
            if f.check == name:
                rows.append((name, f.severity, f.message, str(f.file), f.row))
    columns = ["check", "outcome", "message", "file", "row"]
    table = pd.DataFrame(rows, columns=columns).astype({"row": "Int64"})
    table.insert(0, "recording", record.name)
    return table

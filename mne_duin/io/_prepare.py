"""Trials of recordings that are in memory, or in other formats, without BIDS."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin.channels import as_contacts, make_contacts
from mne_duin.io._channel_choice import choose_channels
from mne_duin.io._channels import INTRACRANIAL
from mne_duin.io._epochs import cut_trials
from mne_duin.io._events import LABEL, file_events, given_events
from mne_duin.io._record import Record
from mne_duin.io._sidecars import compose
from mne_duin.utils._checks import as_list, check_number, check_type
from mne_duin.utils._moved import former_parameters


@dataclass(frozen=True)
class _Source:
    """Where a recording comes from, in place of a BIDSPath."""

    basename: str
    run: str | None = None
    session: str | None = None
    task: str | None = None
    acquisition: str | None = None
    subject: str | None = None


@former_parameters(fs_subject="subject", label_source="labels")
@mne.utils.verbose
def prepare_epochs(
    raw,
    events=None,
    contacts=None,
    event_id=None,
    tmin: float = -0.5,
    tmax: float = 2.5,
    *,
    label_column: str = LABEL,
    reference: str = "bipolar",
    l_freq: float | None = 0.5,
    h_freq: float | None = 200.0,
    notch="auto",
    sfreq: float | None = 1000.0,
    causal: bool = False,
    regions=None,
    atlas="desikan-killiany",
    label_source: str = "auto",
    fs_subject: str | None = None,
    subjects_dir=None,
    align: str | None = None,
    where=None,
    reject="auto",
    verbose=None,
) -> tuple[mne.BaseEpochs, pd.DataFrame]:
    """Cut trials out of recordings as :func:`read_epochs` does, without BIDS.

    Channels are referenced, filtered, resampled, labeled and chosen in the same way;
    only contacts and events come from elsewhere.

    Parameters
    ----------
    raw : mne.io.Raw | list of mne.io.Raw
        One recording, or several runs of one subject, in volts, as any reader of MNE
        returns them (``mne.io.read_raw_eeglab``, ``mne.io.read_raw_fieldtrip``,
        …). It is not changed.
    events : array of int, shape (n_events, 3) | DataFrame | list of them | None
        Events as MNE has them, whose numbers ``event_id`` names; or a table with
        ``onset`` in seconds from the start of the recording and a column of labels.
        None takes the annotations of the recording. For several recordings, a list.
    contacts : DataFrame | DigMontage | dict | None
        The contacts: a table of :func:`make_contacts` or anything it takes. None takes
        the montage of the recording.
    event_id : dict of str to int | str | sequence of str | None
        The labels to keep; with events of MNE a dict that names the numbers. None keeps
        all labels (of events of MNE, the numbers as text).
    tmin, tmax : float
        Start and end of a trial in seconds, from time zero.
    label_column : str
        The column of a table of events that holds the labels.
    reference : "bipolar" | "laplacian" | "shaft" | "average" | "white-matter" | "none"
        The reference; ``"none"`` keeps that of the recording, for data that have been
        referenced already. Channels that are differences of contacts stay as they are.
    l_freq, h_freq : float | None
        Edges of the band-pass filter in Hz; None where it was applied already.
    notch : "auto" | float | sequence of float | None
        Line noise to remove; ``"auto"`` takes ``raw.info["line_freq"]``.
    sfreq : float | None
        Sampling rate of the result in Hz; None keeps that of the recording.
    causal : bool
        Whether the filters see the past only, as in :func:`read_epochs`.
    regions, atlas, label_source, fs_subject : str | sequence of str | dict | None
        Regions to keep, atlas, where labels come from, and FreeSurfer subject, as in
        :func:`read_epochs`.
    subjects_dir : path-like | None
        The folder of the FreeSurfer subjects.
    align : str | None
        What time zero is: the event, a column of latencies, or a label.
    where : dict | str | None
        What else must hold of a trial, as in :func:`read_epochs`.
    reject : "auto" | dict | None
        Which trials to drop by their amplitude, as in :func:`read_epochs`.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    epochs : mne.Epochs
        Loaded trials in volts.
    contacts : pandas.DataFrame
        One row for each channel, in the same order.

    Raises
    ------
    TypeError, ValueError
        If recording, contacts or events are not usable; the message says what is there
        instead.

    See Also
    --------
    make_contacts : The contacts table.
    """
    check_number("tmax", tmax, low=tmin, closed=False)
    raws = raw if isinstance(raw, list | tuple) else [raw]
    for one in raws:
        check_type("raw", one, mne.io.BaseRaw)
    with mne.utils.use_log_level(verbose):
        table = as_contacts(contacts, raws[0])
        table = table if isinstance(table, pd.DataFrame) else make_contacts(table)
        tables = _event_tables(raws, events, event_id, label_column)
        records = [_record(one, table, k, len(raws)) for k, one in enumerate(raws, 1)]

        def choose():
            return choose_channels(
                records,
                reference, regions, atlas, None, label_source, fs_subject, subjects_dir,
                given=table,
            )  # fmt: skip

        return cut_trials(
            records, tables, choose, "`events`", (tmin, tmax),
            (l_freq, h_freq, notch, sfreq, causal), label_column=compose(label_column),
            event_id=event_id, where=where, align=align, reject=reject,
        )  # fmt: skip


def _record(raw, contacts, number, n_runs):
    """Describe a recording, with its contacts typed as such; samples are shared."""
    files = [Path(name) for name in getattr(raw, "filenames", ()) if name]
    name = files[0].name if files else "the recording"
    if n_runs > 1 and not files:
        name = f"recording {number}"
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    wrong = [
        name for name in raw.ch_names
        if name in contacts.index and kinds[name] not in INTRACRANIAL
    ]  # fmt: skip
    if wrong:
        # Readers of EEG formats know no contacts; the user's object stays as it is.
        raw = copy.copy(raw)
        raw.info = raw.info.copy()
        raw.set_channel_types(dict.fromkeys(wrong, "seeg"), verbose="error")
    return Record(_Source(name, run=str(number)), raw=raw)


def _event_tables(raws, events, event_id, label_column):
    """Return a table of events for each recording."""
    given = events if isinstance(events, list | tuple) else [events]
    given = [None] * len(raws) if events is None else given
    if len(given) != len(raws):
        raise ValueError(
            f"`events` must be a list of {len(raws)} tables, one for each recording; "
            f"got {len(given)}."
        )
    tables = []
    for raw, one in zip(raws, given, strict=True):
        if one is None:
            table = file_events(raw)
            if table is None:
                raise ValueError(
                    "The recording has no annotations that could be trials; pass "
                    "`events`."
                )
        elif isinstance(one, pd.DataFrame):
            table = given_events(one, "the recording")
        else:
            table = _named_events(raw, one, event_id, label_column)
        tables.append(table)
    return tables


def _named_events(raw, events, event_id, label_column):
    """Turn events of MNE into a table: samples to seconds, numbers to names."""
    events = np.asarray(events)
    if events.ndim != 2 or events.shape[1] != 3:
        raise ValueError(
            "`events` must have shape (n_events, 3) as events of MNE, or be a table "
            f"with the column onset; got shape {events.shape}."
        )
    names = {int(code): str(int(code)) for code in np.unique(events[:, 2])}
    if isinstance(event_id, Mapping):
        names |= {int(code): name for name, code in event_id.items()}
    elif event_id is not None:
        strange = [name for name in as_list(event_id) if name not in names.values()]
        if strange:
            raise ValueError(
                "`event_id` must be a dict of names and numbers for events of MNE; "
                f"got {event_id!r}."
            )
    onsets = (events[:, 0] - raw.first_samp) / raw.info["sfreq"]
    order = np.argsort(onsets, kind="stable")
    return pd.DataFrame(
        {
            "onset": onsets[order],
            "duration": 0.0,
            label_column: [names[int(code)] for code in events[order, 2]],
        }
    )

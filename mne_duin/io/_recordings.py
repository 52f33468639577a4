"""Open recordings: what their sidecars say is in them, and what is wrong is told."""

import mne
from mne_bids import BIDSPath

from mne_duin.io._checks import names_of, run_checks
from mne_duin.io._record import read_record
from mne_duin.utils._checks import as_list


def read_raw(
    bids_path: BIDSPath, *, picks=None, onset: str | None = None, verbose=None
) -> mne.io.BaseRaw:
    """Open a recording without loading its samples.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording: BrainVision, EDF, BDF, EEGLAB, NWB or MEF3.
    picks : sequence of str | None
        Names or types of the channels to keep; None keeps all.
    onset : "onset" | "sample" | None
        Which column of events.tsv says when events are, see :func:`read_epochs`.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    raw : mne.io.BaseRaw
        The recording in volts, with channel types and bad channels of channels.tsv, the
        line frequency of ieeg.json, and events.tsv as annotations. Gaps are zeros
        marked ``BAD_ACQ_SKIP``, pauses are marked ``BAD boundary``.

    Raises
    ------
    FileNotFoundError
        If the recording is not there, or was not fetched.
    ValueError
        If it cannot be read, or does not go with its sidecars.

    See Also
    --------
    check_recording : Everything that reading looks at, as a table.
    """
    record = open_record(bids_path, onset=onset, verbose=verbose)
    record.settle(events=False)
    return record.raw if picks is None else record.raw.pick(picks, verbose=verbose)


def open_record(bids_path, **options):
    """Read a record and check it; what was found waits to be settled."""
    record = read_record(bids_path, **options)
    if record.raw is not None:
        run_checks(names_of("record"), record, record)
    return record


def open_runs(bids_path, *, onset=None, events=None, use_events=True, verbose=None):
    """Open one recording or several runs of one subject.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath | list of mne_bids.BIDSPath
        The recordings.
    onset : str | None
        Which column of events.tsv says when events are.
    events : pandas.DataFrame | path-like | list of them | "stimuli" | None
        Events to use instead of events.tsv, as many as recordings.
    use_events : bool
        Whether trials are wanted; else errors in events are only told.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    records : list of Record
        The recordings.

    Raises
    ------
    ValueError
        If there is none, if they are of several subjects, or several acquisitions of
        one run.
    """
    paths = [bids_path] if isinstance(bids_path, BIDSPath) else as_list(bids_path)
    if not paths:
        raise ValueError("`bids_path` is an empty list; pass at least one recording.")
    given = _events_of_runs(events, len(paths))
    # What MNE says while it opens a file tells a reader of many runs nothing.
    verbose = "WARNING" if verbose is None else verbose
    records = [
        open_record(path, onset=onset, events=own, verbose=verbose)
        for path, own in zip(paths, given, strict=True)
    ]
    subjects = sorted({record.path.subject for record in records})
    if len(subjects) > 1:
        raise ValueError(
            f"`bids_path` has recordings of {len(subjects)} subjects "
            f"({', '.join(subjects)}); contacts differ, so read each subject alone."
        )
    run_checks(["acquisitions"], records[0], records)
    for record in records:
        record.settle(events=use_events)
    return records


def _events_of_runs(events, n_runs):
    """Return the events that were passed for each run."""
    if events is None or (isinstance(events, str) and events == "stimuli"):
        return [events] * n_runs
    given = list(events) if isinstance(events, (list, tuple)) else [events]
    if len(given) != n_runs:
        raise ValueError(
            f"`events` must be one table or transcript for each recording; got "
            f"{len(given)} for {n_runs} recordings."
        )
    return given

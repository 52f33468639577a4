"""Epochs of several subjects in one object, and the way back to their contacts."""

from collections.abc import Mapping

import mne
import numpy as np
import pandas as pd

from mne_duin.utils._checks import check_type
from mne_duin.utils._epochs import usable_channels
from mne_duin.utils._segments import DiskSegments, stack_disk
from mne_duin.utils._slots import COLUMN, join_contacts, slot_names

GAP_SECONDS = 10.0


def stack_subjects(subjects):
    """Put the epochs of several subjects into one Epochs object.

    Every subject has contacts of its own, so the channels of the result are numbered
    slots: slot 1 is the first channel of each subject. Subjects with fewer channels are
    padded with zeros, which the estimators leave out of scaling, losses and
    contributions. Signals are copied as they are.

    Parameters
    ----------
    subjects : dict of str to (Epochs | DiskSegments, DataFrame)
        Epochs and contacts of each subject, by name. Channels that are not neural or
        marked bad are left out with a warning. Segments on disk stay there.

    Returns
    -------
    epochs : Epochs | DiskSegments
        The trials of one subject after the other. ``metadata`` keeps all columns;
        ``subject`` is the name given here, ``contacts`` lists the subject's channels in
        the order of the slots. Events keep their names; codes are renumbered if the
        subjects do not agree on them.
    contacts : DataFrame
        One row per subject and slot that is real, index ``subject`` and ``slot``:
        ``contact`` is the name of the channel, followed by the columns of its own
        table. ``contacts.loc["01"]`` is the table of one subject.

    Raises
    ------
    TypeError
        If ``subjects`` is no dict of pairs of Epochs and DataFrame.
    ValueError
        If it is empty, or if the subjects differ in their sampling rate or times, share
        no class, lack rows in the contacts table, or have a channel that is all zeros.

    See Also
    --------
    simulate_subjects : Subjects to try this on.
    add_subject : Teach a fitted network one more subject.

    Examples
    --------
    >>> from mne_duin import simulate_subjects, stack_subjects
    >>> cohort = simulate_subjects(2, n_runs=1, n_trials_per_word=1, random_state=0)
    >>> stack = {name: one[:2] for name, one in cohort.items()}
    >>> epochs, contacts = stack_subjects(stack)
    >>> epochs.ch_names[:2], sorted(set(epochs.metadata["subject"]))
    (['slot001', 'slot002'], ['01', '02'])
    >>> contacts.loc[("02", "slot001"), "contact"] == cohort["02"][0].ch_names[0]
    True
    """
    if _are_on_disk(subjects):
        return _stack_segments(subjects)
    _check_subjects(subjects)
    parts, tables = {}, {}
    for name, (epochs, contacts) in subjects.items():
        used = usable_channels(epochs, f"subjects[{name!r}]")
        tables[str(name)] = _own_contacts(name, contacts, used)
        parts[str(name)] = epochs.get_data(picks=used)
        _check_signal(name, parts[str(name)], used)
    epochs = [epochs for epochs, _ in subjects.values()]
    slots = slot_names(max(part.shape[1] for part in parts.values()))
    data = np.zeros((sum(map(len, parts.values())), len(slots), len(epochs[0].times)))
    start = 0
    for part in parts.values():
        data[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    codes = _event_codes(epochs)
    stacked = mne.EpochsArray(
        data,
        mne.create_info(slots, epochs[0].info["sfreq"], "seeg"),
        events=_stack_events(epochs, codes),
        event_id=codes,
        tmin=epochs[0].tmin,
        baseline=None,
        metadata=_stack_metadata(epochs, tables),
        proj=False,
        verbose="error",
    )
    return stacked, pd.concat(tables, names=["subject", "slot"])


def _are_on_disk(subjects):
    """Return whether all subjects are segments on disk; refuse a mixture."""
    pairs = subjects.values() if isinstance(subjects, Mapping) else []
    firsts = [pair[0] for pair in pairs if isinstance(pair, tuple | list) and pair]
    stored = [isinstance(first, DiskSegments) for first in firsts]
    if any(stored) and not all(stored):
        raise TypeError(
            "Of `subjects` some are on disk and some are not. Write all of them with "
            "write_segments, or read all with DiskSegments.to_epochs."
        )
    return any(stored)


def _stack_segments(subjects):
    """Stack segments on disk; nothing is read."""
    segments = {str(name): one for name, (one, _) in subjects.items()}
    tables = {}
    for name, (one, contacts) in subjects.items():
        tables[str(name)] = _own_contacts(name, contacts, one.ch_names)
    rates = {name: float(one.info["sfreq"]) for name, one in segments.items()}
    sizes = {name: one.data.n_times for name, one in segments.items()}
    for what, found in {
        "sampling rate in Hz": rates,
        "length in samples": sizes,
    }.items():
        if len(set(found.values())) > 1:
            raise ValueError(
                f"The subjects differ in the {what} of their segments: {found}. Read "
                "them with the same `sfreq` and `duration`."
            )
    return stack_disk(segments), pd.concat(tables, names=["subject", "slot"])


def _check_subjects(subjects):
    check_type("subjects", subjects, Mapping)
    if not subjects:
        raise ValueError("`subjects` is empty; give at least one subject.")
    names = [str(name) for name in subjects]
    if len(set(names)) < len(names):
        raise ValueError(f"`subjects` has a name twice: {names}.")
    for name, pair in subjects.items():
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        kinds = (mne.BaseEpochs, pd.DataFrame)
        if not (is_pair and all(map(isinstance, pair, kinds))):
            raise TypeError(
                f"`subjects[{name!r}]` must be (Epochs, DataFrame of contacts); got "
                f"{type(pair).__name__}"
                + (f" of {[type(part).__name__ for part in pair]}." * is_pair or ".")
            )
        if not len(pair[0]):
            raise ValueError(f"`subjects[{name!r}]` has no epochs.")
    epochs = {name: pair[0] for name, pair in subjects.items()}
    rates = {name: float(one.info["sfreq"]) for name, one in epochs.items()}
    if len(set(rates.values())) > 1:
        raise ValueError(
            f"The subjects differ in their sampling rate in Hz: {rates}. Resample them."
        )
    times = {name: _describe_times(one) for name, one in epochs.items()}
    if len(set(times.values())) > 1:
        raise ValueError(
            f"The subjects differ in the times of their epochs: {times}. Crop them."
        )
    _check_classes(epochs)


def _describe_times(epochs):
    last, n_times = epochs.times[-1], len(epochs.times)
    return f"{epochs.tmin:.4g} to {last:.4g} s, {n_times} samples"


def _check_classes(epochs):
    """Refuse a subject that shares no class with any other."""
    classes = {name: set(one.event_id) for name, one in epochs.items()}
    for name, own in classes.items():
        others = set().union(*(c for other, c in classes.items() if other != name))
        if len(classes) > 1 and not own & others:
            raise ValueError(
                f"Subject {name!r} shares no class with the others: it has "
                f"{sorted(own)[:5]}, they have {sorted(others)[:5]}."
            )


def _check_signal(name, data, used):
    flat = ~data.any(axis=(0, 2))
    if flat.any():
        raise ValueError(
            f"`subjects[{name!r}]` has channels that are all zeros and would be taken "
            f"for padding: {', '.join(np.array(used)[flat][:10])}. Mark them bad."
        )


def _own_contacts(name, contacts, used):
    """Return the rows of the channels by slot."""
    missing = [channel for channel in used if channel not in contacts.index]
    if missing:
        raise ValueError(
            f"The contacts of subject {name!r} lack rows for {len(missing)} channels: "
            f"{', '.join(missing[:10])}."
        )
    table = contacts.loc[used].copy()
    table.insert(0, "contact", used)
    table.index = slot_names(len(used))
    return table.drop(columns="subject", errors="ignore")


def _event_codes(epochs):
    """Return one code per event name: theirs if they agree, else 1, 2, …."""
    pairs = {pair for one in epochs for pair in one.event_id.items()}
    names = sorted({name for name, _ in pairs})
    agree = len(names) == len(pairs) == len({code for _, code in pairs})
    return dict(sorted(pairs)) if agree else {n: i + 1 for i, n in enumerate(names)}


def _stack_events(epochs, codes):
    """Return the events with their codes, samples one subject after the other."""
    gap = round(GAP_SECONDS * epochs[0].info["sfreq"])
    parts, offset = [], 0
    for one in epochs:
        events, names = one.events.copy(), {v: k for k, v in one.event_id.items()}
        events[:, 2] = [codes[names[code]] for code in one.events[:, 2]]
        events[:, 0] += offset - min(events[:, 0].min(), 0)
        offset = events[:, 0].max() + gap
        parts.append(events)
    return np.concatenate(parts)


def _stack_metadata(epochs, tables):
    """Return the metadata of all subjects, with their names and contacts."""
    parts = []
    for one, (name, table) in zip(epochs, tables.items(), strict=True):
        metadata = pd.DataFrame(index=range(len(one)))
        if one.metadata is not None:
            metadata = one.metadata.reset_index(drop=True)
        listing = join_contacts(table["contact"])
        parts.append(metadata.assign(**{"subject": name, COLUMN: listing}))
    return pd.concat(parts, ignore_index=True)

"""From intervals with labels to one label per token, and to sequences of labels.

A tier is a row of intervals with labels, as in Praat: syllables, initials, phonemes. It
comes as annotations (``"initial/b"`` is the label ``b`` of the tier ``initial``) or as
a table.
"""

import mne
import numpy as np
import pandas as pd

from mne_duin.utils._checks import as_list, check_number, check_type

COLUMNS = ("epoch", "tier", "onset", "duration", "label")


def token_labels(
    epochs, tiers=None, *, tier=None, token_duration=0.1, min_overlap=0.5, silence=None
):
    """Give every token of every epoch the label of the interval that covers it.

    Token ``k`` lies between ``tmin + k * token_duration`` and the next one. It gets the
    label that covers most of it, if that covers at least ``min_overlap`` of it.

    Parameters
    ----------
    epochs : Epochs
        The epochs.
    tiers : DataFrame | None
        The intervals: ``tier``, ``onset`` and ``duration`` in s, ``label``. With a
        column ``epoch``, the position of the epoch in ``epochs``, onsets count from
        that epoch's time 0; without it, they are times of ``epochs.events`` (sample
        number over the recording's sampling rate). None takes the annotations of the
        epochs.
    tier : str | list of str | None
        Which tiers; None takes all.
    token_duration : float
        Length of a token in s: ``patch_duration`` of the estimator.
    min_overlap : float
        Fraction of a token that its label must cover.
    silence : str | None
        Label of the tokens without one. None leaves them out: they are masked in
        training and in scores.

    Returns
    -------
    y : ndarray of object, shape (n_epochs, n_tokens)
        The labels, None where a token has none. With several tiers the array has one
        field per tier, ``y["initial"]``; it can be indexed and split like any array.

    Raises
    ------
    TypeError, ValueError
        If the table lacks a column, a tier or an epoch is unknown, intervals of a tier
        overlap, an interval of an epoch lies outside it, or there are no labels.

    Examples
    --------
    >>> import mne, numpy as np, pandas as pd
    >>> from mne_duin import token_labels
    >>> info = mne.create_info(["A1"], 1000.0, "seeg")
    >>> epochs = mne.EpochsArray(np.zeros((1, 1, 600)), info, verbose="error")
    >>> tiers = pd.DataFrame(
    ...     {
    ...         "epoch": [0, 0],
    ...         "tier": "syllable",
    ...         "onset": [0.1, 0.32],
    ...         "duration": [0.2, 0.2],
    ...         "label": ["ba", "du"],
    ...     }
    ... )
    >>> token_labels(epochs, tiers)
    array([[None, 'ba', 'ba', 'du', 'du', None]], dtype=object)
    """
    check_type("epochs", epochs, mne.BaseEpochs)
    check_number("token_duration", token_duration, low=0.0, closed=False)
    check_number("min_overlap", min_overlap, low=0.0, high=1.0, closed=False)
    tiers = interval_table(epochs, tiers, tier=tier)
    size = round(token_duration * epochs.info["sfreq"])
    if abs(size - token_duration * epochs.info["sfreq"]) > 1e-6 or size < 1:
        raise ValueError(
            f"`token_duration` must be a whole number of samples; {token_duration} s "
            f"is {token_duration * epochs.info['sfreq']:.3f} samples."
        )
    shape = (len(epochs), len(epochs.times) // size)
    start = epochs.times[0]
    edges = start + token_duration * np.arange(shape[1] + 1)
    layers = {
        name: _label_tokens(own, shape, edges, min_overlap, silence)
        for name, own in tiers.groupby("tier", sort=False)
    }
    if len(layers) == 1:
        return next(iter(layers.values()))
    y = np.empty(shape, dtype=[(name, object) for name in layers])
    for name, layer in layers.items():
        y[name] = layer
    return y


def label_sequences(epochs, tiers=None, *, tier=None):
    """Return the labels of each epoch in the order of their onsets.

    This is what CTC learns from: what was said, but not when.

    Parameters
    ----------
    epochs : Epochs
        The epochs.
    tiers : DataFrame | None
        The intervals, see :func:`token_labels`.
    tier : str | None
        Which tier; None where there is only one.

    Returns
    -------
    sequences : list of tuple of str
        One per epoch; empty where nothing is said. An interval belongs to the epoch
        if at least half of it lies within.

    Raises
    ------
    TypeError, ValueError
        As :func:`token_labels`; also if there are several tiers and none is chosen.

    Examples
    --------
    >>> from mne_duin import label_sequences, simulate_syllables
    >>> epochs, _, tiers = simulate_syllables(n_epochs=2, n_runs=1, random_state=0)
    >>> label_sequences(epochs, tiers, tier="syllable")[0]
    ('le', 'xi', 'zong', 'le', 'shan')
    """
    check_type("epochs", epochs, mne.BaseEpochs)
    tiers = interval_table(epochs, tiers, tier=tier)
    names = list(tiers["tier"].unique())
    if len(names) > 1:
        raise ValueError(f"`tier` must be one of {names}; a sequence is of one tier.")
    stop = epochs.times[-1] + 1 / epochs.info["sfreq"]
    middle = tiers["onset"] + tiers["duration"] / 2
    inside = tiers[(middle >= epochs.times[0]) & (middle <= stop)]
    sequences = [[] for _ in range(len(epochs))]
    for epoch, label in zip(inside["epoch"], inside["label"], strict=True):
        sequences[epoch].append(label)
    return [tuple(sequence) for sequence in sequences]


def interval_table(epochs, tiers=None, *, tier=None):
    """Return intervals as a checked table, relative to their epochs.

    Parameters
    ----------
    epochs : Epochs
        The epochs.
    tiers : DataFrame | None
        The intervals, see :func:`token_labels`.
    tier : str | list of str | None
        Which tiers; None takes all.

    Returns
    -------
    tiers : DataFrame
        ``epoch``, ``tier``, ``onset``, ``duration``, ``label``, ordered by epoch and
        onset; the tiers in the order in which they were asked for, or first came.
    """
    if tiers is None:
        tiers = _from_annotations(epochs)
    else:
        check_type("tiers", tiers, pd.DataFrame)
        missing = [name for name in COLUMNS[1:] if name not in tiers]
        if missing:
            raise ValueError(
                f"`tiers` must have the columns {', '.join(COLUMNS[1:])}; it lacks "
                f"{', '.join(missing)}."
            )
        tiers = _check_epochs(tiers, epochs) if "epoch" in tiers else tiers
    if tiers.empty:
        raise ValueError("There are no labels: `tiers` is empty.")
    tiers = _choose(tiers, as_list(tier))
    _check_intervals(tiers)
    if "epoch" not in tiers:
        tiers = _cut(tiers, epochs)
    ordered = tiers.sort_values(["epoch", "onset"], kind="stable")
    parts = [ordered[ordered["tier"] == name] for name in tiers["tier"].unique()]
    tiers = pd.concat(parts)[list(COLUMNS)].reset_index(drop=True)
    _check_overlap(tiers)
    return tiers


def _from_annotations(epochs):
    """Return the annotations of the epochs as a table; onsets count from time 0."""
    rows = []
    for epoch, own in enumerate(epochs.get_annotations_per_epoch()):
        for onset, duration, description in own:
            # Without a slash the whole description is the label of the one tier.
            name, _, label = description.rpartition("/")
            rows.append((epoch, name or "label", onset, duration, label))
    if not rows:
        raise ValueError(
            "The epochs have no annotations (joining Epochs drops them); pass `tiers`."
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _check_epochs(tiers, epochs):
    """Check which epochs a table names, and that its intervals lie in them."""
    known = tiers["epoch"].isin(range(len(epochs)))
    if not known.all():
        raise ValueError(
            f"The column `epoch` of `tiers` must lie between 0 and {len(epochs) - 1}; "
            f"got {tiers['epoch'][~known].unique()[:10].tolist()}."
        )
    tiers = tiers.assign(epoch=tiers["epoch"].astype(int))
    stop = epochs.times[-1] + 1 / epochs.info["sfreq"]
    ends = tiers["onset"] + tiers["duration"]
    outside = (ends <= epochs.times[0]) | (tiers["onset"] >= stop)
    if outside.any():
        first = tiers[outside].iloc[0]
        raise ValueError(
            f"{outside.sum()} intervals of `tiers` lie outside their epoch, which "
            f"lasts from {epochs.times[0]:g} to {stop:g} s; the first is "
            f"{first['label']!r} of epoch {first['epoch']} at {first['onset']:g} s. "
            "Drop them."
        )
    return tiers


def _choose(tiers, wanted):
    """Keep the tiers that are wanted, in that order."""
    names = list(tiers["tier"].unique())
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise ValueError(f"`tier` must be of {names}; got {unknown}.")
    parts = [tiers[tiers["tier"] == name] for name in wanted or names]
    return pd.concat(parts)


def _check_intervals(tiers):
    numbers = tiers[["onset", "duration"]].to_numpy(float)
    if not np.isfinite(numbers).all() or (numbers[:, 1] <= 0).any():
        raise ValueError(
            "Every interval of `tiers` must have a finite onset and a duration above 0."
        )
    if tiers["label"].isna().any():
        raise ValueError(f"`tiers` has {tiers['label'].isna().sum()} missing labels.")


def _cut(tiers, epochs):
    """Give intervals of the recording to the epochs that they overlap."""
    zeros = epochs.events[:, 0] / epochs._raw_sfreq
    stop = epochs.times[-1] + 1 / epochs.info["sfreq"]
    parts = []
    for epoch, zero in enumerate(zeros):
        onset = tiers["onset"] - zero
        inside = (onset < stop) & (onset + tiers["duration"] > epochs.times[0])
        parts.append(tiers[inside].assign(epoch=epoch, onset=onset[inside]))
    return pd.concat(parts)


def _check_overlap(tiers):
    """Refuse intervals of one tier and epoch that overlap by more than rounding."""
    same = (tiers["epoch"] == tiers["epoch"].shift()) & (
        tiers["tier"] == tiers["tier"].shift()
    )
    ends = (tiers["onset"] + tiers["duration"]).shift()
    overlap = same & (tiers["onset"] < ends - 1e-3)
    if overlap.any():
        first = tiers[overlap].iloc[0]
        raise ValueError(
            f"{overlap.sum()} intervals begin before the one before them ends; the "
            f"first is {first['label']!r} of tier {first['tier']!r} in epoch "
            f"{first['epoch']} at {first['onset']:.3f} s. Put them into tiers of their "
            "own."
        )


def _label_tokens(intervals, shape, edges, min_overlap, silence):
    """Label the tokens by the intervals of one tier."""
    labels = np.full(shape, silence, dtype=object)
    covered = np.zeros(shape)
    # A hair less than asked for, so that rounding does not decide.
    least = min_overlap * (edges[1] - edges[0]) - 1e-9
    for one in intervals.itertuples():
        overlap = np.minimum(edges[1:], one.onset + one.duration)
        overlap = overlap - np.maximum(edges[:-1], one.onset)
        better = (overlap >= least) & (overlap > covered[one.epoch])
        labels[one.epoch, better] = one.label
        covered[one.epoch, better] = overlap[better]
    return labels

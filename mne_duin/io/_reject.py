"""Windows that lie far from the rest: which to drop, and what is told about them."""

from dataclasses import replace

import numpy as np
from mne.utils import warn

from mne_duin.utils._checks import first_names
from mne_duin.utils._epochs import FAR, peak_to_peak, usual_limits

NO_SIGNAL = "NO SIGNAL"


def choose_kept(data, names, kinds, plans, facts, reject):
    """Choose the windows to keep.

    Parameters
    ----------
    data : ndarray, shape (n_windows, n_channels, n_times)
        The windows in volts.
    names, kinds : sequence of str
        Names and types of the channels.
    plans : list of Plan
        The windows of each recording, in the order of ``data``.
    facts : list of SampleFacts | None
        What the samples of each recording look like.
    reject : "auto" | dict | None
        Which to drop, see :func:`mne_duin.read_epochs`.

    Returns
    -------
    kept : ndarray of bool, shape (n_windows,)
        Whether to keep a window.
    plans : list of Plan
        Without those that are dropped; the reasons are the names of their channels.

    Raises
    ------
    ValueError
        If ``reject`` cannot be used, or nothing is left.
    """
    limits = check_reject(reject, kinds)
    if limits is None:
        return np.ones(len(data), dtype=bool), plans
    peaks = peak_to_peak(data)
    silent = np.zeros(len(data), dtype=bool)
    if isinstance(limits, str):
        limits = usual_limits(peaks)
        silent = _find_silent(plans, facts)
    far = (peaks > limits) & ~silent[:, None]
    if silent.any():
        _report_silent(silent, plans)
    if far.any():
        _report_far(far, peaks, limits, names, plans, reject)
    names = np.array([*names, NO_SIGNAL], dtype=object)
    wrong = np.column_stack([far, silent])
    return ~wrong.any(axis=1), _without(plans, ~wrong.any(axis=1), wrong, names)


def _find_silent(plans, facts):
    """Return the windows in which most contacts hold one value most of the time."""
    parts = []
    for plan, seen in zip(plans, facts, strict=True):
        start = plan.starts / plan.processing.sfreq
        length = plan.n_times / plan.processing.sfreq
        n_silent = np.zeros(len(start))
        for spans in [] if seen is None else seen.stuck.values():
            first, duration = np.array(spans).T[:, None]
            shared = np.minimum(start[:, None] + length, first + duration)
            shared = shared - np.maximum(start[:, None], first)
            n_silent += shared.clip(0).sum(axis=1) > length / 2
        parts.append(n_silent > (np.inf if seen is None else len(seen.names) / 2))
    return np.concatenate(parts)


def _report_silent(silent, plans):
    """Name the windows that are dropped because nothing was recorded in them."""
    where = first_names(f"{onset:.6g} s" for onset in _onsets(plans)[silent])
    warn(
        f"{silent.sum()} of {len(silent)} trials (onsets {where}) are dropped, because "
        "most contacts hold one value for most of the trial: nothing was recorded. "
        "Pass reject=None to keep them."
    )


def _onsets(plans):
    """Return the onset of each window in s."""
    return np.concatenate([plan.trials["onset"].to_numpy(float) for plan in plans])


def check_reject(reject, kinds):
    """Return ``reject`` as "auto", None, or the limit of each channel in volts."""
    if reject is None or (isinstance(reject, str) and reject == "auto"):
        return reject
    there = sorted(set(kinds))
    if not isinstance(reject, dict):
        raise ValueError(
            "`reject` must be 'auto', None or peak-to-peak limits in volts such as "
            f"{{'seeg': 1e-3}}; got {reject!r}."
        )
    unknown = sorted(set(reject) - set(there))
    if unknown:
        raise ValueError(
            f"`reject` has the channel type(s) {', '.join(map(repr, unknown))}, which "
            f"are not there; there is {', '.join(there)}."
        )
    return np.array([float(reject.get(kind, np.inf)) for kind in kinds])


def _report_far(far, peaks, limits, names, plans, reject):
    """Name the windows that are dropped, with channel and amplitude."""
    rows = np.flatnonzero(far.any(axis=1))
    columns = np.flatnonzero(far.any(axis=0))
    excess = np.where(far, peaks / limits, 0.0)
    worst = np.unravel_index(excess.argmax(), excess.shape)
    rule = (
        f"more than {FAR:g} times the usual amplitude of a channel"
        if reject is not None and not isinstance(reject, dict)
        else "more than `reject` allows"
    )
    where = first_names(f"{onset:.6g} s" for onset in _onsets(plans)[rows])
    warn(
        f"{len(rows)} of {len(far)} trials (onsets {where}) have {rule} and are "
        f"dropped (channels {first_names(names[i] for i in columns)}; at most "
        f"{peaks[worst] * 1e6:.4g} µV in {names[worst[1]]}). Pass reject=None to keep "
        "them, or your own limits as reject=dict(seeg=…) in volts."
    )
    if len(rows) == len(far):
        raise ValueError(
            f"`reject` {reject!r} drops all {len(far)} trials; choose larger limits."
        )


def _without(plans, kept, far, names):
    """Take windows out of their plans."""
    out, row = [], 0
    for plan in plans:
        own = slice(row, row + len(plan.starts))
        row = own.stop
        reasons = list(plan.reasons)
        asked = np.flatnonzero([not reason for reason in reasons])
        for place in np.flatnonzero(~kept[own]):
            reasons[asked[place]] = tuple(names[far[own][place]])
        out.append(
            replace(
                plan,
                starts=plan.starts[kept[own]],
                trials=plan.trials[kept[own]],
                reasons=reasons,
            )
        )
    return out

"""Windows that lie far from the rest: which to drop, and what is told about them."""

from dataclasses import replace

import numpy as np
from mne.utils import warn

from mne_duin.utils._checks import first_names
from mne_duin.utils._outliers import FAR, peak_to_peak, usual_limits


def choose_kept(data, names, kinds, plans, reject):
    """Choose the windows to keep.

    Parameters
    ----------
    data : ndarray, shape (n_windows, n_channels, n_times)
        The windows in volts.
    names, kinds : sequence of str
        Names and types of the channels.
    plans : list of Plan
        The windows of each recording, in the order of ``data``.
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
    if isinstance(limits, str):
        limits = usual_limits(peaks)
    far = peaks > limits
    kept = ~far.any(axis=1)
    if not kept.all():
        _report_far(far, peaks, limits, names, plans, reject)
    return kept, _without(plans, kept, far, np.array(names, dtype=object))


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
    onsets = np.concatenate([plan.trials["onset"].to_numpy(float) for plan in plans])
    excess = np.where(far, peaks / limits, 0.0)
    worst = np.unravel_index(excess.argmax(), excess.shape)
    rule = (
        f"more than {FAR:g} times the usual amplitude of a channel"
        if reject is not None and not isinstance(reject, dict)
        else "more than `reject` allows"
    )
    where = first_names(f"{onset:.6g} s" for onset in onsets[rows])
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

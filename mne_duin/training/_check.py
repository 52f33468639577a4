"""Whether pre-training has learned anything: held-out losses against simple rules.

A loss that falls says little: copying the token before, or looking up which code
usually stands between two others, lowers it just as well and teaches nothing about
speech. These are the rules that a network has to beat, and the table that shows it.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mne_duin.utils._parallel import one_blas_thread
from mne_duin.viz import plot_pretraining

NETWORK = "network"
RAW = "LDA on the signal"
FROZEN = "LDA on the frozen encoder"
BOTH = "ensemble of both"
# Beyond rounding: so much of the best rule's error has to be saved.
MARGIN = 0.01


@dataclass(frozen=True)
class PretrainingCheck:
    """Held-out losses of a pre-training against rules that learn nothing about speech.

    Parameters
    ----------
    table : DataFrame
        One row per quantity and method: ``quantity`` (what is predicted), ``method``
        (``"network"`` or the name of a rule) and ``value``.
    measure : "error" | "accuracy"
        What ``value`` is: the squared error relative to the mean's, or the fraction of
        correctly predicted codes.
    n_segments : int
        How many segments were held out.
    probe : DataFrame | None
        Accuracy of linear discriminants on the frozen encoder and on the signal's own
        features in cross-validation on the training trials, columns ``method``,
        ``accuracy`` and, if known, ``log_loss``, by which they are then compared; a row
        for the ensemble of both where that is what is used. None where there are no
        labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from mne_duin.training import PretrainingCheck
    >>> values = {"network": 0.8, "mean": 1.0, "copying a neighbor": 1.4}
    >>> rows = [("all cells", name, value) for name, value in values.items()]
    >>> table = pd.DataFrame(rows, columns=["quantity", "method", "value"])
    >>> check = PretrainingCheck(table, "error", n_segments=12)
    >>> check.learned
    True
    """

    table: pd.DataFrame = field(repr=False)
    measure: str
    n_segments: int
    probe: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def learned(self):
        """Whether the network beats every rule in at least one quantity."""
        return bool(len(self.gains) and self.gains.max() > MARGIN)

    @property
    def rules(self):
        """Names of the rules."""
        return [one for one in self.table["method"].unique() if one != NETWORK]

    @property
    def gains(self):
        """Advantage over the best rule by quantity, as a fraction of its error."""
        wide = self.table.pivot(index="quantity", columns="method", values="value")
        rules = wide.drop(columns=NETWORK)
        if self.measure == "error":
            best = rules.min(axis=1)
            return (best - wide[NETWORK]) / best
        return (wide[NETWORK] - rules.max(axis=1)) / (1 - rules.max(axis=1))

    @property
    def helps(self):
        """Whether the frozen encoder is read at least as well as the signal.

        A difference within one standard error, where the probe has it, is no harm. None
        where it was not measured. An encoder that is used in an ensemble is judged by
        the ensemble.
        """
        return None if self.probe is None else bool(lead_in_errors(self.probe) >= -1)

    @property
    def usable(self):
        """Whether to go on from the pre-trained encoder.

        What labels say counts more than what hidden cells say: an encoder that is read
        better than the signal is used in any case, one that is read worse by more than
        one standard error never, and between the two the one that predicts better than
        the rules. In an ensemble with a network from scratch, which is hardly worse
        than its better member, it has to make that network better.
        """
        if self.probe is None:
            return self.learned
        lead = lead_in_errors(self.probe)
        is_ensemble = BOTH in set(self.probe["method"])
        return lead >= -1 if self.learned and not is_ensemble else lead > 0

    @property
    def verdict(self):
        """What the numbers say, in words."""
        gains = self.gains.sort_values(ascending=False)
        word = {"error": "error", "accuracy": "error rate"}[self.measure]
        where = f"on {self.n_segments} held-out segments"
        if self.learned:
            name, gain = gains.index[0], gains.iloc[0]
            text = (
                f"Pre-training learned: {where} its {word} for {name} is "
                f"{100 * gain:.0f} % below that of the best simple rule."
            )
        else:
            text = (
                f"Pre-training did not learn: {where} nothing is predicted better than "
                f"by simple rules ({', '.join(self.rules)})."
            )
        if self.probe is None:
            return text
        text = f"{text} {describe_probe(self.probe)}"
        if self.usable and not self.learned:
            text += " It is read better with the encoder, so that is used."
        return text

    def plot(self, *, show=True):
        """Plot the values of network and rules.

        Parameters
        ----------
        show : bool
            Whether to show the figure.

        Returns
        -------
        figure : Figure
            The figure.
        """
        return plot_pretraining(
            self.table, self.measure, probe=self.probe, verdict=self.verdict, show=show
        )

    def __str__(self):
        return self.verdict


def lead_in_errors(probe):
    """Return how far a probe reads the encoder better than the signal.

    Parameters
    ----------
    probe : DataFrame
        See :class:`PretrainingCheck`; ``attrs["standard_error"]`` is that of the
        difference.

    Returns
    -------
    lead : float
        How much lower the log loss of the encoder, or of the ensemble, is, or how much
        higher the accuracy where that is all there is, in standard errors of the
        difference; without one it is infinite, or zero.
    """
    values = probe.set_index("method")
    own = BOTH if BOTH in values.index else FROZEN
    if "log_loss" in values:
        difference = float(values["log_loss"][RAW] - values["log_loss"][own])
    else:
        difference = float(values["accuracy"][own] - values["accuracy"][RAW])
    error = probe.attrs.get("standard_error", 0.0)
    if difference == 0:
        return 0.0
    return difference / error if error > 0 else float(np.copysign(np.inf, difference))


def describe_probe(probe):
    """Say in a sentence what was read from encoder and signal.

    Parameters
    ----------
    probe : DataFrame
        See :class:`PretrainingCheck`.

    Returns
    -------
    sentence : str
        For people.
    """
    values = probe.set_index("method")
    accuracy, loss, together = 100 * values["accuracy"], "", ""
    methods = [name for name in (FROZEN, RAW, BOTH) if name in values.index]
    if "log_loss" in values:
        losses = [f"{values['log_loss'][name]:.2f}" for name in methods]
        loss = f" (log loss {', '.join(losses[:-1])} and {losses[-1]})"
    if BOTH in methods:
        together = f", together {accuracy[BOTH]:.0f} %"
    return (
        f"Linear discriminants read {accuracy[FROZEN]:.0f} % of the words from the "
        f"frozen encoder and {accuracy[RAW]:.0f} % from the signal{together}{loss}."
    )


@one_blas_thread()
def cell_rules(train, test, hidden, groups):
    """Predict hidden cells by rules that know nothing about speech.

    Parameters
    ----------
    train, test : ndarray, shape (n_epochs, n_values, n_tokens)
        Values of the cells, with mean zero.
    hidden : ndarray of bool, shape (n_epochs, n_groups, n_tokens)
        Which cells of ``test`` are hidden.
    groups : ndarray of int, shape (n_values,)
        Cell that each value belongs to.

    Returns
    -------
    predicted : dict of str to ndarray
        By rule, predictions of ``test``: the mean, the nearest visible neighbor in
        time, and a linear regression from both neighbors as far as they are visible.
    """
    copied, regressed = np.zeros_like(test), np.zeros_like(test)
    for group in np.unique(groups):
        rows = groups == group
        seen = ~hidden[:, group]
        left, right = _neighbors(seen[:, None])
        before, after = _neighbors(test[:, rows])
        ahead = np.broadcast_to(after[:, :1], after.shape)
        behind = np.broadcast_to(before[:, -1:], before.shape)
        copied[:, rows] = np.where(left, behind, np.where(right, ahead, 0.0))
        regressed[:, rows] = _regress(train[:, rows], before, after, left, right)
    return {
        "mean": np.zeros_like(test),
        "copying a neighbor": copied,
        "both neighbors": regressed,
    }


def _neighbors(values):
    """Return the values of the token before and after; zero beyond the ends."""
    before, after = np.zeros_like(values), np.zeros_like(values)
    before[..., 1:], after[..., :-1] = values[..., :-1], values[..., 1:]
    return before, after


def _regress(train, before, after, left, right):
    """Predict a cell from its neighbors, with one regression per visible side."""
    inner = train[..., 1:-1].transpose(1, 0, 2).reshape(train.shape[1], -1)
    sides = [
        train[..., cut].transpose(1, 0, 2).reshape(train.shape[1], -1)
        for cut in (slice(None, -2), slice(2, None))
    ]
    predicted = np.zeros_like(before)
    for use_left in (True, False):
        for use_right in (True, False):
            pairs = zip((use_left, use_right), sides, (before, after), strict=True)
            used = [(side, own) for use, side, own in pairs if use]
            case = (left == use_left) & (right == use_right)
            if not used:
                continue
            known = np.concatenate([side for side, _ in used])
            weights = np.linalg.lstsq(known.T, inner.T, rcond=None)[0]
            own = np.concatenate([own for _, own in used], axis=1)
            guess = np.einsum("ij,eit->ejt", weights, own)
            predicted = np.where(case, guess, predicted)
    return predicted


def code_rules(train, test, n_codes):
    """Name codes by rules that know nothing about speech.

    Parameters
    ----------
    train, test : ndarray of int, shape (n_epochs, n_tokens)
        Codes of training and held-out segments.
    n_codes : int
        Size of the codex.

    Returns
    -------
    accuracy : dict of str to float
        By rule, the fraction of the inner tokens of ``test`` that it names: the
        commonest code, the code of the token before, and the most probable code between
        the two neighbors (with the counts of either side taken as independent).
    """
    counts = np.bincount(train.ravel(), minlength=n_codes) + 0.5
    pairs = np.full((n_codes, n_codes), 0.5)
    np.add.at(pairs, (train[:, :-1], train[:, 1:]), 1.0)
    forward = np.log(pairs / pairs.sum(0))  # of the left one, given the code
    backward = np.log(pairs / pairs.sum(1, keepdims=True))  # of the right one
    left, own, right = test[:, :-2], test[:, 1:-1], test[:, 2:]
    score = np.log(counts) + forward[left] + backward.T[right]
    return {
        "commonest code": float((own == counts.argmax()).mean()),
        "copying a neighbor": float((own == left).mean()),
        "both neighbors": float((own == score.argmax(-1)).mean()),
    }

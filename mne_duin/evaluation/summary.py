"""A decoding result in a few honest lines."""

from textwrap import fill

import numpy as np

WIDTH = 88
HOW_TESTED = {
    "refit": "{n} evaluations repeated on shuffled labels",
    "predictions": "{n} shuffles of the test labels, fitted models unchanged",
}


def summarize(result):
    """Describe a result: accuracy, interval, chance, p-value, notes and leaks.

    Parameters
    ----------
    result : DecodingResult
        The result.

    Returns
    -------
    text : str
        A few lines of at most 88 characters.
    """
    lines = [_headline(result), _accuracy(result), _scores(result), _test(result)]
    lines += [f"Leak: {leak}" for leak in result.leaks]
    lines += [f"Note: {note}" for note in result.notes]
    return "\n".join(fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def _headline(result):
    n_folds, n_repeats = len(result.folds), len(result.seeds)
    repeats = f", {n_repeats} repeats" if n_repeats > 1 else ""
    return (
        f"{result.estimator}: {result.cv}{repeats} ({n_folds} "
        f"fold{'s' * (n_folds != 1)}), {result.protocol} protocol, {result.n_trials} "
        f"test trials, {len(result.labels)} classes"
    )


def _accuracy(result):
    low, high = result.interval
    return (
        f"accuracy {100 * result.accuracy:.1f} % (95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f}, Wilson), chance {100 * result.chance:.1f} % "
        f"({result.chance_rule} guess)"
    )


def _scores(result):
    parts = [f"balanced accuracy {100 * result.balanced_accuracy:.1f} %"]
    if result.probabilities is not None:
        if len(result.labels) > 3:
            parts.append(f"top-3 {100 * result.top_k(3):.1f} %")
        uniform = np.log(len(result.labels))
        parts.append(f"log-loss {result.log_loss:.2f} (uniform guess {uniform:.2f})")
        parts.append(f"calibration error {result.calibration().error:.2f}")
    return ", ".join(parts)


def _test(result):
    kind = result.p_value_kind
    if kind == "none":
        return "no permutation test was made"
    n = len(result.null_refit if kind == "refit" else result.null_predictions)
    approximate = "; approximate, as folds share training trials"
    text = f"p = {result.p_value:.3g} ({HOW_TESTED[kind].format(n=n)}"
    return text + approximate * (kind == "predictions" and len(result.folds) > 1) + ")"

"""What an analysis found, in sentences and one table: the answer that comes first."""

import numpy as np
import pandas as pd

from mne_duin.evaluation import compare_results
from mne_duin.utils._numbers import p_value_text, percent, percent_range

LEVEL = 0.05


def find_baseline(results):
    """Return the name of the result that the main one is held against.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Results by name, the main one first.

    Returns
    -------
    name : str | None
        The first linear discriminant by itself, else the second result; None if there
        is one result only.
    """
    others = list(results)[1:]
    linear = [n for n in others if "lda" in n.lower() and "du-in" not in n.lower()]
    return next(iter([*linear, *others]), None)


def compare_to_main(results):
    """Test the main result against every other one.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Results by name, the main one first.

    Returns
    -------
    table : DataFrame
        Index: the other names; ``difference`` (main minus other), ``gained`` and
        ``lost`` (predictions that only the main or only the other result has right),
        ``p``, ``p_holm`` and ``test``. Empty if the results are not of the same trials.
    """
    main, *others = results
    columns = ["difference", "gained", "lost", "p", "p_holm", "test"]
    try:
        compared = compare_results(results, reference=main)
    except ValueError:
        return pd.DataFrame(columns=columns)
    rows = {}
    for name in others:
        first, second = results[main].correct, results[name].correct
        rows[name] = {
            "difference": -compared.loc[name, "difference"],
            "gained": int(np.sum(first & ~second)),
            "lost": int(np.sum(second & ~first)),
            "p": compared.loc[name, "p_paired"],
            "p_holm": compared.loc[name, "p_holm"],
            "test": compared.loc[name, "test"],
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def verdict(results, tests):
    """State what the main result shows.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Results by name, the main one first.
    tests : DataFrame
        What :func:`compare_to_main` returned.

    Returns
    -------
    sentences : list of str
        The comparison with the baseline first, then with chance.
    """
    main, result = next(iter(results.items()))
    sentences = [_against_chance(main, result)]
    baseline = find_baseline(results)
    if baseline is not None:
        sentences.insert(0, _against_baseline(main, baseline, results, tests))
    return sentences


def _against_baseline(main, name, results, tests):
    """Compare the main result with the baseline."""
    first, second = results[main], results[name]
    numbers = f"{100 * first.accuracy:.1f} and {percent(second.accuracy)}"
    if name not in tests.index:
        return (
            f"{main} and {name}: {numbers}, on different trials or folds, so a paired "
            "test is not possible."
        )
    row = tests.loc[name]
    word = "not better than"
    if row["p"] < LEVEL:
        word = "better than" if row["difference"] > 0 else "worse than"
    n = len(first.correct)
    gained, lost = int(row["gained"]), int(row["lost"])
    each = f"{gained} gained, {lost} lost"
    if gained == lost:
        each = f"{gained} trial{'' if gained == 1 else 's'} each way"
    return (
        f"{main} is {word} {name} here: {numbers} of {n} held-out trials ({each}; "
        f"{row['test']}, p {p_value_text(row['p'])})."
    )


def _against_chance(name, result):
    """Compare a result with chance."""
    p = result.p_value
    tested = p is not None and np.isfinite(p)
    is_above = p < LEVEL if tested else result.interval[0] > result.chance
    word = "above" if is_above else "not shown to be above"
    how = f"permutation test, p {p_value_text(p)}" if tested else "no permutation test"
    return (
        f"{name} is {word} chance: {percent(result.accuracy)} (95 % interval "
        f"{percent_range(*result.interval)}; chance {percent(result.chance)}; {how})."
    )


def table_of_results(results, tests):
    """Tabulate the results and their differences from the main one.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Results by name, the main one first.
    tests : DataFrame
        What :func:`compare_to_main` returned.

    Returns
    -------
    table : DataFrame
        Strings, index = name of the result.
    """
    main = next(iter(results))
    rows = {}
    for name, result in results.items():
        rows[name] = {
            "accuracy": percent(result.accuracy),
            "95 % interval": percent_range(*result.interval),
            "chance": percent(result.chance),
            "permutation p": p_value_text(result.p_value).removeprefix("= "),
        }
        if name in tests.index:
            row = tests.loc[name]
            rows[name] |= {
                f"{main} minus this": f"{100 * row['difference'] + 0.0:+.1f} %",
                "gained / lost": f"{row['gained']} / {row['lost']}",
                "paired p": p_value_text(row["p"]).removeprefix("= "),
                "p (Holm)": p_value_text(row["p_holm"]).removeprefix("= "),
            }
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")

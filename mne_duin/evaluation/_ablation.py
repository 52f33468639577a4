"""What a parameter is worth: the same folds with other values of it."""

import pandas as pd

from mne_duin.evaluation._comparison import compare_results, evaluate_each
from mne_duin.evaluation._folds import freeze_parts
from mne_duin.utils._checks import as_list, check_type
from mne_duin.utils._docs import fill_doc

BASE = "as given"


@fill_doc
def ablate(
    estimator,
    grid,
    epochs,
    y=None,
    *,
    cv="auto",
    groups=None,
    protocol="clean",
    n_permutations=0,
    random_state=0,
    n_repeats=1,
    unlabelled=None,
    pretrain_on="train",
    n_jobs=1,
    verbose=None,
):
    """Change one parameter at a time and evaluate on the same folds.

    Parameters
    ----------
    estimator : estimator
        What is changed; it is evaluated as it is given, too.
    grid : dict of str to list
        Values of every parameter, named as in ``estimator.get_params()``, such as
        ``{"mae__mask_ratio": [0.3, 0.5]}`` or, for the number of chosen channels,
        ``{"selector__n_channels": [5, 10, 15, 20, 30, 60]}``. Values that the
        estimator has already are not evaluated twice.
    %(trials)s
    %(cv)s
    %(repeated)s
    %(unlabelled)s
    %(pretrain_on)s
    %(n_jobs)s

    Returns
    -------
    table : DataFrame
        One row per parameter and value: ``parameter``, ``value``, then the columns of
        :func:`compare_results`, with the estimator as given for reference.

    Raises
    ------
    ValueError
        If the estimator lacks a parameter, or the grid is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((30, 5)), np.repeat([0, 1, 2], 10)
    >>> pipe = make_pipeline(PCA(3), LogisticRegression())
    >>> grid = {"pca__n_components": [1, 3]}
    >>> table = ablate(pipe, grid, X, y, random_state=0, verbose="WARNING")
    >>> table[["parameter", "value"]].values.tolist()
    [['pca__n_components', 1], ['pca__n_components', 3]]
    """
    variants, rows = plan_ablation(estimator, grid)
    results = evaluate_each(
        variants,
        epochs,
        y,
        cv=cv,
        groups=groups,
        protocol=protocol,
        n_permutations=n_permutations,
        random_state=random_state,
        n_repeats=n_repeats,
        unlabelled=unlabelled,
        pretrain_on=pretrain_on,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    found = compare_results(results, reference=BASE)
    table = pd.DataFrame(rows, columns=["parameter", "value", "variant"])
    return table.join(found, on="variant").drop(columns="variant")


def plan_ablation(estimator, grid):
    """Make the variants of an estimator.

    Parameters
    ----------
    estimator : estimator
        What is changed.
    grid : dict of str to list
        Values of every parameter.

    Returns
    -------
    variants : dict of str to estimator
        The estimator as given first, then every other one by name.
    rows : list of tuple
        Parameter, value and name of the variant.

    Raises
    ------
    ValueError
        If the estimator lacks a parameter, or the grid is empty.
    """
    check_type("grid", grid, dict)
    if not grid:
        raise ValueError("`grid` is empty; pass at least one parameter with values.")
    known = estimator.get_params()
    variants, rows = {BASE: estimator}, []
    for parameter, values in grid.items():
        if parameter not in known:
            raise ValueError(
                f"`grid` names {parameter!r}, which {type(estimator).__name__} does "
                f"not have; see its get_params()."
            )
        for value in as_list(values):
            name = BASE
            if value != known[parameter]:
                name = f"{parameter}={value}"
                # A copy, so that the change does not reach what the variants share.
                copy, _ = freeze_parts(estimator)
                variants[name] = copy.set_params(**{parameter: value})
            rows.append((parameter, value, name))
    return variants, rows

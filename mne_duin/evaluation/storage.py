"""A decoding result as a JSON record with its table of predictions, and back."""

import numpy as np
import pandas as pd

from mne_duin.evaluation.files import check_record, read_record, write_record

KIND = "mne_duin.DecodingResult"
VERSION = 1
TEXTS = ("estimator", "protocol", "cv")
TUPLES = ("seeds", "notes", "leaks")
NULLS = ("null_predictions", "null_refit")


def write_result(result, path):
    """Write a result as JSON, and its predictions as TSV beside it.

    Parameters
    ----------
    result : DecodingResult
        The result.
    path : path-like
        A path that ends in ``.json``.

    Returns
    -------
    path : pathlib.Path
        The path of the JSON file.
    """
    folds = result.folds
    record = {
        "kind": KIND,
        "version": VERSION,
        "summary": str(result),
        **{name: getattr(result, name) for name in TEXTS},
        **{name: list(getattr(result, name)) for name in TUPLES},
        "labels": result.labels.tolist(),
        "labels_dtype": result.labels.dtype.str,
        "folds": folds.astype(object).where(folds.notna(), None).to_dict(orient="list"),
        "epoch": result.epoch.tolist(),
        **{name: getattr(result, name).tolist() for name in NULLS},
    }
    return write_record(path, describe_table(result) | record, result.to_frame())


def describe_table(result):
    """Say what every column of a table of predictions holds.

    Parameters
    ----------
    result : DecodingResult
        The result.

    Returns
    -------
    columns : dict of str to dict
        A ``"Description"`` by column, as in the sidecars of BIDS.
    """
    columns = {
        "y_true": "Label of the trial.",
        "y_pred": "Predicted label; the trial was not used to fit the decoder.",
    }
    if result.probabilities is not None:
        for column, label in zip(
            result.probability_columns(), result.labels, strict=True
        ):
            columns[column] = f"Predicted probability of the label {str(label)!r}."
    columns["fold"] = "Fold of the cross-validation, counted from 0."
    return {name: {"Description": text} for name, text in columns.items()}


def read_fields(path):
    """Read the fields of a result.

    Parameters
    ----------
    path : path-like
        The path of the JSON file, or of the TSV file beside it.

    Returns
    -------
    fields : dict
        The arguments of ``DecodingResult``.

    Raises
    ------
    ValueError
        If the files are damaged or no decoding result, do not belong together, or were
        written by a newer version.
    """
    record, table = read_record(path)
    version = record.get("version", 0)
    is_later = not isinstance(version, int) or version > VERSION
    if record.get("kind") != KIND or is_later:
        raise ValueError(
            f"{path} must be a {KIND} of version {VERSION} or older; got "
            f"{record.get('kind')!r}, version {record.get('version')!r}."
        )
    check_record(record, path)
    try:
        return _fields(record, table)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged or not a decoding result "
            f"({type(error).__name__}: {error!s:.100})."
        ) from error


def _fields(record, table):
    """Return the fields that a record and its table hold."""
    labels = np.array(record["labels"], dtype=record["labels_dtype"])
    position = {str(label): index for index, label in enumerate(labels)}
    probabilities = table.iloc[:, 2:-1]
    return {
        "y_true": labels[[position[name] for name in table["y_true"]]],
        "y_pred": labels[[position[name] for name in table["y_pred"]]],
        "probabilities": _to_float(probabilities) if probabilities.size else None,
        "labels": labels,
        "fold": table["fold"].to_numpy(dtype=int),
        "epoch": np.array(record["epoch"], dtype=int),
        "folds": _restore_folds(record["folds"]),
        **{name: record[name] for name in TEXTS},
        **{name: tuple(record[name]) for name in TUPLES},
        **{name: np.array(record[name], dtype=float) for name in NULLS},
    }


def _to_float(table):
    """Turn text into exactly the numbers it came from, as pandas may not."""
    return np.array(table.to_numpy(dtype=object), dtype=str).astype(float)


def _restore_folds(columns):
    """Turn columns into a table, where null is a number that is missing."""
    return pd.DataFrame(
        {
            name: pd.Series(
                values, dtype=float if None in values or not values else None
            )
            for name, values in columns.items()
        }
    )

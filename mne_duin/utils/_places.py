"""Where results may be written: never among the recordings they were made from."""

import json
import os
from pathlib import Path


def check_place(out, root):
    """Check that a folder for results is not among raw recordings.

    Parameters
    ----------
    out : path-like
        The folder; it need not exist.
    root : path-like | None
        The BIDS folder that is read.

    Returns
    -------
    out : Path
        The folder.

    Raises
    ------
    ValueError
        If it is a raw BIDS dataset, or lies in one, outside ``derivatives/``.
    """
    out = Path(out)
    place = out.resolve()
    root = None if root is None else Path(root).resolve()
    for folder in (place, *place.parents):
        inside = place.relative_to(folder).parts
        is_raw = folder == root or _is_raw_dataset(folder)
        if is_raw and inside[:1] != ("derivatives",):
            raise ValueError(
                f"{str(out)!r} lies in the dataset {str(folder)!r}, among its "
                "recordings. Write to its folder 'derivatives', or anywhere outside."
            )
    return out


def _is_raw_dataset(folder):
    """Return whether a folder holds a BIDS dataset that is no derivative."""
    path = folder / "dataset_description.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        # A file that is there, but cannot be read, is not taken for a free place.
        return os.path.isfile(path)
    except (ValueError, RecursionError):
        return True
    if not isinstance(description, dict):
        return True
    if "BIDSVersion" not in description:
        return False
    return description.get("DatasetType") != "derivative"

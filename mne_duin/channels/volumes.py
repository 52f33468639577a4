"""Label volumes from files, told apart from damaged ones."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np


def read_volume(path):
    """Read a label volume.

    Parameters
    ----------
    path : path-like
        A file of any format that nibabel reads.

    Returns
    -------
    labels : ndarray of int, shape (n_x, n_y, n_z)
        The labels.
    affine : ndarray, shape (4, 4)
        From voxels to millimetres.

    Raises
    ------
    ValueError
        If the file is damaged or no volume.
    """
    try:
        _check_gzip(path)
        image = nib.load(path)
        return np.asanyarray(image.dataobj).astype(np.int32), image.affine
    except Exception as error:
        # A damaged file can make the reader stumble in any way.
        reason = f"{type(error).__name__}: {error!s:.100}"
        raise ValueError(f"{path} is damaged or no label volume ({reason}).") from error


def _check_gzip(path):
    """Read a compressed file to its end; nibabel fills up one that was cut."""
    with Path(path).open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
    with gzip.open(path) as file:
        while file.read(1 << 22):
            pass

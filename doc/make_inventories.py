"""Write the small intersphinx inventories in ``_inv``: only what our pages cite.

``python doc/make_inventories.py``, after adding a line below. The pages then build with
no network, and their links still lead to the real sites.
"""

import zlib
from pathlib import Path

FOLDER = Path(__file__).parent / "_inv"
API = "generated/$.html#$"

# name, role and place of every object; "$" in a place stands for the name.
OBJECTS = {
    "python": [
        ("pathlib.Path", "py:class", "library/pathlib.html#$"),
        ("path-like object", "std:term", "glossary.html#term-path-like-object"),
        ("iterable", "std:term", "glossary.html#term-iterable"),
        ("sequence", "std:term", "glossary.html#term-sequence"),
        ("generator", "std:term", "glossary.html#term-generator"),
        ("bltin-boolean-values", "std:label", "library/stdtypes.html#$"),
        ("None", "py:data", "library/constants.html#$"),
        ("True", "py:data", "library/constants.html#$"),
        ("False", "py:data", "library/constants.html#$"),
        ("callable", "py:function", "library/functions.html#$"),
        ("int", "py:class", "library/functions.html#$"),
        ("float", "py:class", "library/functions.html#$"),
        ("str", "py:class", "library/stdtypes.html#$"),
        ("list", "py:class", "library/stdtypes.html#$"),
        ("tuple", "py:class", "library/stdtypes.html#$"),
        ("dict", "py:class", "library/stdtypes.html#$"),
    ],
    "numpy": [
        ("array_like", "std:term", "glossary.html#term-array_like"),
        ("numpy.ndarray", "py:class", "reference/generated/$.html#$"),
        ("numpy.random.Generator", "py:class", "reference/random/generator.html#$"),
        ("numpy.random.RandomState", "py:class", "reference/random/legacy.html#$"),
    ],
    "pandas": [
        ("pandas.DataFrame", "py:class", "reference/api/$.html#$"),
        ("pandas.Series", "py:class", "reference/api/$.html#$"),
    ],
    "matplotlib": [
        ("matplotlib.figure.Figure", "py:class", "api/_as_gen/$.html#$"),
        ("matplotlib.axes.Axes", "py:class", "api/_as_gen/$.html#$"),
    ],
    "sklearn": [
        (
            "sklearn.calibration.CalibratedClassifierCV",
            "py:class",
            f"modules/{API}",
        ),
        ("sklearn.frozen.FrozenEstimator", "py:class", f"modules/{API}"),
        ("sklearn.pipeline.Pipeline", "py:class", f"modules/{API}"),
        ("sklearn.model_selection.check_cv", "py:function", f"modules/{API}"),
        (
            "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
            "py:class",
            f"modules/{API}",
        ),
    ],
    "mne": [
        ("mne.Epochs", "py:class", API),
        ("mne.BaseEpochs", "py:class", API),
        ("mne.EpochsArray", "py:class", API),
        ("mne.Info", "py:class", API),
        ("mne.Report", "py:class", API),
        ("mne.io.Raw", "py:class", API),
        ("mne.io.BaseRaw", "py:class", API),
        ("mne.io.RawArray", "py:class", API),
    ],
    "mne_bids": [("mne_bids.BIDSPath", "py:class", API)],
    "torch": [
        ("torch.Tensor", "py:class", "tensors.html#$"),
        ("torch.nn.Module", "py:class", API),
        ("torch.device", "py:class", "tensor_attributes.html#$"),
        ("torch.dtype", "py:class", "tensor_attributes.html#$"),
        ("torch.Generator", "py:class", API),
    ],
}


def write_inventory(name, objects):
    """Write one inventory.

    Parameters
    ----------
    name : str
        Name of the project.
    objects : list of tuple of str
        Name, role and place of every object.
    """
    head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = [
        f"{key} {role} 1 {place.replace('$', key)} -\n"
        for key, role, place in sorted(objects)
    ]
    body = zlib.compress("".join(lines).encode(), 9)
    (FOLDER / f"{name}.inv").write_bytes(head.encode() + body)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for project, content in OBJECTS.items():
        write_inventory(project, content)

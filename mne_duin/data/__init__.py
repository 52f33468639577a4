"""Bundled data: atlas volumes with their tables, and the preset regions.

Each atlas is a 2 mm label volume in MNI152 space (``<name>.nii.gz``) and a table
(``<name>.tsv``) of its labels. ``README.md`` says where they come from, and
``LICENSE-FreeSurfer`` under which terms they are passed on. ``regions.json`` holds the
preset regions as rules over label names.
"""

from importlib.resources import files

ATLAS_NAMES = ("desikan-killiany", "destrieux")


def data_path(name):
    """Return the path of a bundled file.

    Parameters
    ----------
    name : str
        The file name, for example ``"destrieux.nii.gz"``.

    Returns
    -------
    path : pathlib.Path
        Where the file lies.
    """
    return files(__name__).joinpath(name)


__all__ = ["ATLAS_NAMES", "data_path"]

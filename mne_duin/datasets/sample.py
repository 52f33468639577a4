"""Write the sample dataset of the repository, or show that its bytes are the same.

``python -m mne_duin.datasets.sample`` writes ``sample_data/``; with ``--check`` it is
written to a temporary folder and compared.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from mne_duin.datasets.simulation._bids import write_simulated_bids
from mne_duin.datasets.simulation._settings import SimulationSettings

# Of fifteen seeds, one with which a linear classifier decodes neither least nor most.
SEED = 2024
SUBJECTS = {
    "01": SimulationSettings(montage="left", trouble=True),
    "02": SimulationSettings(
        montage="right", n_runs=2, n_trials_per_word=4, snr=1.4, trouble=True
    ),
}


def write_sample_data(folder):
    """Write the sample dataset.

    Parameters
    ----------
    folder : path-like
        Where to; files of the same name are replaced.

    Returns
    -------
    root : Path
        The folder.
    """
    return write_simulated_bids(
        folder, subjects=SUBJECTS, random_state=SEED, overwrite=True
    )


def differing_files(one, other):
    """Compare two folders byte by byte.

    Parameters
    ----------
    one, other : path-like
        The folders.

    Returns
    -------
    names : list of str
        Files that differ or are in one folder only, relative to the folders.
    """
    one, other = _files(one), _files(other)
    return sorted(
        name
        for name in one.keys() | other.keys()
        if name not in one
        or name not in other
        or one[name].read_bytes() != other[name].read_bytes()
    )


def _files(folder):
    folder = Path(folder)
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str | None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        0 if all went well, 1 if the bytes differ.
    """
    parser = argparse.ArgumentParser(prog="python -m mne_duin.datasets.sample")
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the dataset")
    options = parser.parse_args(arguments)
    if not options.check:
        root = write_sample_data(options.folder)
        sys.stdout.write(f"Simulated subjects {', '.join(SUBJECTS)} are in {root}.\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        names = differing_files(write_sample_data(folder), options.folder)
    if names:
        sys.stdout.write("These files differ:\n" + "\n".join(names) + "\n")
        return 1
    sys.stdout.write(f"Written again, {options.folder} has the same bytes.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())


FOLDER = Path(__file__).resolve().parents[2] / "sample_data"


def sample_data_path():
    """Return the folder of the simulated sample dataset.

    It is part of the repository (two subjects, less than 30 MB), not of the installed
    package.

    Returns
    -------
    root : Path
        A BIDS folder.

    Raises
    ------
    FileNotFoundError
        If the package does not run from a checkout of the repository.
    """
    if not (FOLDER / "dataset_description.json").is_file():
        raise FileNotFoundError(
            f"There is no sample dataset in {FOLDER}. Write it there with: "
            "python -m mne_duin.datasets.sample"
        )
    return FOLDER

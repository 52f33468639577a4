"""Write the sample dataset of the repository, or show that its bytes are the same.

``python -m mne_duin.datasets.sample`` writes ``sample_data/`` and the checksums with
which an installed package downloads it; with ``--check`` it is written to a temporary
folder and compared.
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import mne

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


def _write_sample_data(folder):
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


def _differing_files(one, other):
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
        root = _write_sample_data(options.folder)
        if options.folder == FOLDER:
            _write_registry(root)
        sys.stdout.write(f"Simulated subjects {', '.join(SUBJECTS)} are in {root}.\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        names = _differing_files(_write_sample_data(folder), options.folder)
    if names:
        sys.stdout.write("These files differ:\n" + "\n".join(names) + "\n")
        return 1
    sys.stdout.write(f"Written again, {options.folder} has the same bytes.\n")
    return 0


FOLDER = Path(__file__).resolve().parents[2] / "sample_data"
REGISTRY = Path(__file__).with_name("sample_registry.txt")
URL = "https://raw.githubusercontent.com/mne-duin/mne-duin/main/sample_data/"
NAME = "MNE-duin-sample-data"


def _write_registry(folder, path=REGISTRY):
    """Write the checksums of all files of the sample dataset, as pooch reads them.

    Parameters
    ----------
    folder : path-like
        The dataset.
    path : path-like
        The list of names and SHA-256 checksums.
    """
    lines = [
        f"{name} sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"
        for name, file in sorted(_files(folder).items())
    ]
    Path(path).write_text("".join(lines), encoding="utf-8")


def sample_data_path():
    """Return the folder of the simulated sample dataset (two subjects, 27 MB).

    In a checkout of the repository it is the folder ``sample_data``. An installed
    package downloads it once to MNE's data folder (the setting ``MNE_DATA``, by default
    ``~/mne_data``); a file whose SHA-256 checksum differs is refused.

    Returns
    -------
    root : Path
        A BIDS folder.

    Raises
    ------
    FileNotFoundError
        If a checkout of the repository lacks the dataset.
    OSError
        If the dataset cannot be downloaded.
    ValueError
        If a downloaded file is not the one that belongs to this version.
    """
    if (FOLDER / "dataset_description.json").is_file():
        return FOLDER
    if (FOLDER.parent / "pyproject.toml").is_file():
        raise FileNotFoundError(
            f"There is no sample dataset in {FOLDER}. Write it there with: "
            "python -m mne_duin.datasets.sample"
        )
    return _download(Path(mne.get_config("MNE_DATA", Path.home() / "mne_data")) / NAME)


def _download(folder):
    """Download what is missing or has changed, and say so in one line."""
    import pooch

    fetcher = pooch.create(path=folder, base_url=URL)
    fetcher.load_registry(REGISTRY)
    names = [name for name in fetcher.registry if not (folder / name).is_file()]
    if names:
        mne.utils.logger.info(
            f"Downloading the sample dataset ({len(names)} files, 27 MB) to {folder}."
        )
    level = pooch.get_logger().level
    pooch.get_logger().setLevel("WARNING")
    try:
        for name in fetcher.registry:
            fetcher.fetch(name)
    finally:
        pooch.get_logger().setLevel(level)
    return folder


if __name__ == "__main__":
    sys.exit(main())

"""Where the sample dataset of the repository is."""

from pathlib import Path

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

"""Where things lie in the published release, and its channels and trials as Epochs."""

import re
from pathlib import Path

import mne
import numpy as np
from mne.utils import warn

from mne_duin.channels import name_table, reference_info
from mne_duin.datasets.released._pickle import read_pickle
from mne_duin.utils._checks import as_list

REPOSITORY = "liulab-repository/Du-IN"
DATASET = "seeg.he2023xuanwu"
TASK = "word-recitation"
EPOCHS = "dataset.bipolar.default.unaligned"
SEGMENTS = "pretrain/dataset.default.1000hz"
RUN = re.compile(r"run(\d+)")

# The ten channels of each subject that the published weights take, in their order
# (train/duin/run_vqvae.py of the published code).
CHOSEN = {
    "001": "SM8 SM9 SM7 SM11 P4 SM10 SM6 P3 SM5 CI9",
    "002": "TI'2 TI'3 TI'1 TI'6 TI'4 TI'7 ST'3 ST'2 ST'4 FP'4",
    "003": "ST3 ST1 ST2 ST9 TI'4 TI'3 ST4 TI'2 ST7 TI'8",
    "004": "D12 D13 C4 C3 D11 D14 D10 D9 D5 C15",
    "005": "E8 E9 E6 E7 E11 E12 E5 E10 C10 E4",
    "006": "D3 D1 D6 D2 D5 D4 D7 D8 G8 E13",
    "007": "H2 H4 H3 H1 H6 H5 E4 H7 C13 E5",
    "008": "TI3 TI4 TI2 TI5 B9 TI6 TI7 TI9 TI10 B5",
    "009": "K9 K8 K6 K7 K11 K10 K5 K4 K3 I9",
    "010": "PI5 PI6 PI7 PI8 PI1 PI9 PI2 SM2 SP3 PI4",
    "011": "T2 T3 C9 T4 T5 C7 C8 T1 s1 C4",
    "012": "TI'4 TI'2 TI'3 TI'5 TI'8 TI'6 TI'7 TO'9 P'5 TO'8",
}
OFFICIAL_CHANNELS = {subject: names.split() for subject, names in CHOSEN.items()}


def find_subject(folder, subject):
    """Find the folder of a subject.

    Parameters
    ----------
    folder : path-like
        The release, its ``data`` folder, or the folder of the subjects.
    subject : str | int
        The subject, for example ``"001"`` or 1.

    Returns
    -------
    path : Path
        The folder of the subject; its name is the subject's.

    Raises
    ------
    FileNotFoundError
        If there is none; the message lists the subjects that are there.
    """
    folder = Path(folder)
    names = (str(subject), str(subject).zfill(3))
    homes = [folder / "data" / DATASET, folder / DATASET, folder]
    for home in homes:
        for name in names:
            if (home / name).is_dir():
                return home / name
    found = [path.name for home in homes if home.is_dir() for path in home.iterdir()]
    found = sorted({name for name in found if name.isdigit()})
    raise FileNotFoundError(
        f"There is no subject {subject!r} in {str(folder)!r}, which should hold "
        f"data/{DATASET}/SUBJECT; subjects there: {', '.join(found) or 'none'}."
    )


def find_runs(path, run=None):
    """Find the runs of a subject.

    Parameters
    ----------
    path : Path
        The folder of the subject.
    run : list of str
        The numbers of the runs; empty takes all.

    Returns
    -------
    runs : dict of str to Path
        The folder of each run, in the order of their numbers.

    Raises
    ------
    FileNotFoundError
        If there is none, or a run that was asked for is missing.
    """
    task = path / TASK
    folders = list(task.iterdir()) if task.is_dir() else []
    matches = [(RUN.fullmatch(item.name), item) for item in folders if item.is_dir()]
    numbers = {match[1]: item for match, item in matches if match}
    runs = {number: numbers[number] for number in sorted(numbers, key=int)}
    missing = [number for number in run or () if number not in runs]
    if missing or not runs:
        raise FileNotFoundError(
            f"{str(task)!r} has no run {', '.join(missing) or 'at all'}; there are: "
            f"{', '.join(runs) or 'none'}."
        )
    return {number: runs[number] for number in runs if not run or number in run}


SFREQ = 1000.0


def read_channel_names(path):
    """Read the names of the channels.

    Parameters
    ----------
    path : Path
        A file ``info``.

    Returns
    -------
    names : list of str
        The names, in the order of the data.

    Raises
    ------
    ValueError
        If the file holds no such names.
    """
    content = read_pickle(path)
    names = content.get("ch_names") if isinstance(content, dict) else None
    if isinstance(names, np.ndarray):
        names = names.tolist()
    is_good = isinstance(names, list | tuple) and all(
        isinstance(name, str) for name in names
    )
    if not is_good or not names or len(set(names)) < len(names):
        raise ValueError(
            f"{path} must hold a dict with `ch_names`, a list of different names; got "
            f"{type(content).__name__} with {names!r:.60}."
        )
    return list(names)


def choose_channels(picks, subject, names):
    """Choose the channels to read.

    Parameters
    ----------
    picks : str | list of str | None
        See :func:`mne_duin.datasets.read_official_epochs`.
    subject : str
        The subject.
    names : dict of str to list of str
        The channels of each run.

    Returns
    -------
    chosen : list of str
        The channels, in order.

    Raises
    ------
    ValueError
        If a run lacks one of them.
    """
    first, *others = names.values()
    if picks is None:
        common = [name for name in first if all(name in other for other in others)]
        left = sorted({name for channels in names.values() for name in channels})
        left = [name for name in left if name not in common]
        if left:
            warn(f"Not every run has {', '.join(left)}; these channels are left out.")
        return common
    if isinstance(picks, str) and picks == "published":
        if subject not in OFFICIAL_CHANNELS:
            raise ValueError(
                f"`picks`: the published code chooses no channels for {subject!r}."
            )
        picks = OFFICIAL_CHANNELS[subject]
    picks = [str(name) for name in as_list(picks)]
    for number, channels in names.items():
        missing = [name for name in picks if name not in channels]
        if missing or not picks:
            raise ValueError(
                f"`picks`: run {number} has no channel "
                f"{', '.join(missing) or 'that was asked for'}; it has "
                f"{', '.join(channels)}."
            )
    if len(set(picks)) < len(picks):
        raise ValueError(f"`picks` names a channel twice: {', '.join(picks)}.")
    return picks


def as_epochs(data, names, metadata, *, tmin):
    """Wrap samples into Epochs, and names into a contacts table.

    Parameters
    ----------
    data : ndarray, shape (n_epochs, n_channels, n_times)
        The samples, as released.
    names : list of str
        The channels.
    metadata : DataFrame
        One row for each epoch, with ``trial_type``.
    tmin : float
        Time of the first sample in seconds.

    Returns
    -------
    epochs : mne.EpochsArray
        The epochs.
    contacts : pandas.DataFrame
        One row for each channel.
    """
    contacts = name_table(names)
    contacts[["x", "y", "z"]] = np.nan
    contacts["space"] = "n/a"
    info = mne.create_info(names, SFREQ, "seeg")
    with info._unlock():
        info["highpass"], info["lowpass"], info["line_freq"] = 0.5, 200.0, 50.0
    info = reference_info(info, contacts, "bipolar")
    words = sorted(set(metadata["trial_type"]))
    event_id = {word: code for code, word in enumerate(words, 1)}
    codes = metadata["trial_type"].map(event_id).to_numpy()
    # The release does not say when a trial was; they stand one behind the other.
    samples = np.arange(len(data)) * data.shape[2] - round(tmin * SFREQ)
    events = np.column_stack([samples, np.zeros_like(codes), codes])
    epochs = mne.EpochsArray(
        data,
        info,
        events=events,
        tmin=tmin,
        event_id=event_id,
        metadata=metadata,
        baseline=None,
        proj=False,
        verbose="error",
    )
    return epochs, contacts

"""A simulated dataset as a BIDS folder, the same bytes for the same seed."""

from pathlib import Path

import numpy as np
import pandas as pd
from mne_bids import BIDSPath

from mne_duin.datasets.simulation import _sidecars as sidecars
from mne_duin.datasets.simulation._brainvision import write_brainvision
from mne_duin.datasets.simulation._lexicon import vocabulary
from mne_duin.datasets.simulation._montages import LABEL_COLUMN
from mne_duin.datasets.simulation._settings import SimulationSettings
from mne_duin.datasets.simulation._words import simulate_recording
from mne_duin.utils._checks import check_type

EVENT_COLUMNS = [
    "onset",
    "duration",
    "trial_type",
    "value",
    "sample",
    "response_time",
    "word",
]


def write_simulated_bids(root, *, subjects=None, random_state=0, overwrite=False):
    """Write simulated word-reading subjects as a BIDS iEEG dataset.

    Parameters
    ----------
    root : path-like
        The folder; it is made if needed.
    subjects : dict of str to SimulationSettings | None
        Settings by subject label. None is one subject, ``"01"``, with the default
        settings and a contact each that is broken and that has no coordinates.
    random_state : int
        Seed. The same seed and settings give the same bytes.
    overwrite : bool
        Whether files of the same name may be replaced.

    Returns
    -------
    root : Path
        The folder, valid BIDS; the truth is in ``derivatives/simulation``.

    Raises
    ------
    FileExistsError
        If the folder is not empty and ``overwrite`` is False.
    TypeError, ValueError
        If the settings are not valid.

    Examples
    --------
    >>> import tempfile
    >>> settings = SimulationSettings(n_runs=1, n_trials_per_word=1)
    >>> root = write_simulated_bids(tempfile.mkdtemp(), subjects={"01": settings})
    >>> (root / "sub-01" / "ieeg").is_dir()
    True
    """
    check_type("subjects", subjects, dict, none=True)
    check_type("random_state", random_state, (int, np.integer))
    subjects = subjects or {"01": SimulationSettings(trouble=True)}
    for settings in subjects.values():
        check_type("subjects", settings, SimulationSettings)
        settings.check()
    root = Path(root)
    if root.is_dir() and any(root.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder {root} is not empty; give an empty one, or overwrite=True."
        )
    streams = np.random.default_rng(random_state).spawn(len(subjects))
    rows = []
    for (subject, settings), rng in zip(subjects.items(), streams, strict=True):
        recording = simulate_recording(settings, random_state=rng)
        _write_subject(root, subject, recording)
        side = recording.contacts["hemisphere"].dropna().iloc[0]
        rows.append({"participant_id": f"sub-{subject}", "implanted_hemisphere": side})
    _write_dataset(root, pd.DataFrame(rows))
    return root


def _write(path, content):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write_dataset(root, participants):
    """Write what belongs to no single subject."""
    _write(root / "README", sidecars.README.encode())
    _write(root / "dataset_description.json", sidecars.json_bytes(sidecars.DESCRIPTION))
    _write(root / "participants.tsv", sidecars.tsv_bytes(participants))
    _write(root / "participants.json", sidecars.json_bytes(sidecars.PARTICIPANTS))
    _write(
        root / "derivatives" / "simulation" / "dataset_description.json",
        sidecars.json_bytes(sidecars.DERIVATIVE_DESCRIPTION),
    )


def _write_subject(root, subject, recording):
    where = BIDSPath(subject=subject, datatype="ieeg", root=root)
    _write_anatomy(where.copy().update(space="fsaverage"), recording.contacts)
    words = vocabulary(recording.settings.n_words)
    runs = zip(recording.raws, recording.events, strict=True)
    for run, (raw, events) in enumerate(runs, start=1):
        path = where.copy().update(task=sidecars.TASK, run=run)
        _write_run(path, raw, events, recording, words)
    truth = root / "derivatives" / "simulation" / f"sub-{subject}_truth.tsv"
    table = recording.truth.round(4).reset_index()
    _write(truth, sidecars.tsv_bytes(table))
    gains = {
        name: {"Description": "Gain of one planted source."}
        for name in table.columns
        if name.startswith("gain_")
    }
    _write(truth.with_suffix(".json"), sidecars.json_bytes(sidecars.TRUTH | gains))


def _write_anatomy(where, contacts):
    """Write electrodes.tsv and coordsystem.json."""
    table = pd.DataFrame(
        {
            "name": contacts.index,
            "x": contacts["x"].to_numpy(),
            "y": contacts["y"].to_numpy(),
            "z": contacts["z"].to_numpy(),
            "size": 5,
            "group": contacts["shaft"].to_numpy(),
            "hemisphere": contacts["hemisphere"].to_numpy(),
            "type": "depth",
            LABEL_COLUMN: contacts["label"].to_numpy(),
        }
    )
    electrodes = where.copy().update(suffix="electrodes", extension=".tsv")
    _write(electrodes.fpath, sidecars.tsv_bytes(table))
    described = electrodes.update(extension=".json").fpath
    _write(described, sidecars.json_bytes(sidecars.ELECTRODES))
    coordsystem = where.copy().update(suffix="coordsystem", extension=".json")
    _write(coordsystem.fpath, sidecars.json_bytes(sidecars.COORDSYSTEM))


def _write_run(where, raw, events, recording, words):
    """Write one recording with its channels and events."""
    path = where.copy().update(suffix="ieeg", extension=".vhdr").fpath
    path.parent.mkdir(parents=True, exist_ok=True)
    write_brainvision(path, raw, events["sample"], events["value"])
    _write(path.with_suffix(".json"), sidecars.json_bytes(sidecars.ieeg_sidecar(raw)))
    channels = where.copy().update(suffix="channels", extension=".tsv")
    _write(channels.fpath, sidecars.tsv_bytes(_channels_table(raw, recording.contacts)))
    described = where.copy().update(suffix="events", extension=".tsv")
    _write(described.fpath, sidecars.tsv_bytes(events[EVENT_COLUMNS]))
    described = described.update(extension=".json").fpath
    _write(described, sidecars.json_bytes(sidecars.events_sidecar(words)))


def _channels_table(raw, contacts):
    bads = raw.info["bads"]
    kinds = [kind.upper() for kind in raw.get_channel_types()]
    shafts = [contacts["shaft"].get(name) for name in raw.ch_names]
    return pd.DataFrame(
        {
            "name": raw.ch_names,
            "type": kinds,
            "units": "µV",
            "low_cutoff": np.nan,
            "high_cutoff": np.nan,
            "group": shafts,
            "sampling_frequency": raw.info["sfreq"],
            "status": ["bad" if name in bads else "good" for name in raw.ch_names],
            "status_description": [
                "broken: drifts and jumps" if name in bads else None
                for name in raw.ch_names
            ],
        }
    )

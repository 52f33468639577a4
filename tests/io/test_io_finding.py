"""Finding recordings and sidecars, and reading contacts without a recording."""

import re

import bids_examples as examples
import mne
import pytest
from mne_bids import BIDSPath

from mne_duin.io import find_recordings, read_contacts, read_epochs, read_raw

FOLDERS = {
    "sub-01/ses-b/ieeg": ["task-read_run-2", "task-read_run-10", "task-rest"],
    "sub-01/ses-a/ieeg": ["task-read_run-1"],
    "sub-02/ieeg": ["task-read"],
}


@pytest.fixture(scope="module")
def names_only(tmp_path_factory):
    """A dataset of empty files, whose names are all that matters."""
    root = tmp_path_factory.mktemp("names")
    for folder, stems in FOLDERS.items():
        (root / folder).mkdir(parents=True)
        parts = folder.replace("/ieeg", "").replace("/", "_")
        for stem in stems:
            (root / folder / f"{parts}_{stem}_ieeg.vhdr").touch()
            (root / folder / f"{parts}_{stem}_ieeg.eeg").touch()
    (root / "sub-03").mkdir()
    return root


def test_recordings_are_sorted_as_numbers(names_only):
    found = [path.basename for path in find_recordings(names_only)]
    assert found == [
        "sub-01_ses-a_task-read_run-1_ieeg.vhdr",
        "sub-01_ses-b_task-read_run-2_ieeg.vhdr",
        "sub-01_ses-b_task-read_run-10_ieeg.vhdr",
        "sub-01_ses-b_task-rest_ieeg.vhdr",
        "sub-02_task-read_ieeg.vhdr",
    ]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"subject": "01"}, 4),
        ({"subject": "sub-01", "session": "ses-b"}, 3),
        ({"task": "rest"}, 1),
        ({"run": "2"}, 1),
        ({"run": 2}, 1),
        ({"run": ["1", "02"]}, 2),
        ({"subject": ["01", "02"], "task": "read"}, 4),
    ],
)
def test_choosing(names_only, wanted, count):
    found = find_recordings(names_only, **wanted)
    assert len(found) == count
    assert all(isinstance(path, BIDSPath) and path.fpath.exists() for path in found)


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        ({"subject": "09"}, "subject '09'. There are subjects: 01, 02"),
        ({"task": "sing"}, "task 'sing'.*tasks: read, rest"),
        ({"run": "3"}, "run '3'.*runs: 1, 2, 10"),
        ({"subject": "03"}, "subject '03'"),
    ],
)
def test_nothing_found_says_what_is_there(names_only, wanted, match):
    with pytest.raises(FileNotFoundError, match=match):
        find_recordings(names_only, **wanted)


def test_empty_and_missing_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        find_recordings(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no iEEG recording.*Subjects: none"):
        find_recordings(tmp_path)


def test_an_incomplete_path_must_mean_one_recording(base_dataset):
    path = BIDSPath(subject="01", root=base_dataset.root)
    with pytest.raises(ValueError, match="2 recordings match .*Name one of them"):
        read_raw(path)
    assert read_raw(path.copy().update(run="2")).n_times == 15360


def test_contacts_without_a_recording(dataset):
    for file in dataset.root.rglob("*_ieeg.*"):
        file.unlink()
    contacts = read_contacts(BIDSPath(subject="01", root=dataset.root))
    assert list(contacts.index) == list(examples.contact_positions())
    assert contacts.index.name == "name"
    assert list(contacts["status"]) == ["good"] * 8
    assert list(contacts.columns[:6]) == ["shaft", "number", "x", "y", "z", "space"]
    with pytest.raises(FileNotFoundError, match="no iEEG recording"):
        read_raw(dataset)


def test_contacts_without_channels_tsv(dataset):
    for file in dataset.root.rglob("*_channels.tsv"):
        file.unlink()
    contacts = read_contacts(dataset)
    assert list(contacts.index) == list(examples.contact_positions())
    assert "status" not in contacts


def test_n_a_coordinates_are_reported_but_no_warning(dataset):
    def blank(table):
        table.loc[0, ["x", "y", "z"]] = "n/a"

    examples.edit(dataset.root, "*_electrodes.tsv", blank)
    with mne.utils.catch_logging(verbose="info") as log:
        contacts = read_contacts(dataset)
    assert contacts["x"].isna().sum() == 1
    assert "1 contact(s) of" in log.getvalue()
    _, table = read_epochs(dataset, reference="none")
    assert table.loc["TI'1", "atlas"] == "electrodes.tsv:my_label"
    assert table.loc["TI'1", "region"] == "vSMC"


def two_sessions(root, *, same):
    """Turn the dataset into one with two sessions."""
    for session in ("a", "b"):
        folder = root / "sub-01" / f"ses-{session}" / "ieeg"
        folder.mkdir(parents=True)
        for file in (root / "sub-01" / "ieeg").iterdir():
            name = file.name.replace("sub-01_", f"sub-01_ses-{session}_")
            content = file.read_bytes()
            stem = file.name.split(".")[0].encode()
            new = stem.replace(b"sub-01_", f"sub-01_ses-{session}_".encode())
            (folder / name).write_bytes(content.replace(stem, new))
    for file in (root / "sub-01" / "ieeg").iterdir():
        file.unlink()
    if not same:
        examples.edit(
            root, "*ses-b_*electrodes.tsv", lambda t: t.assign(x=t["x"].str[::1] + "1")
        )


def test_sessions_with_the_same_contacts_are_joined(dataset):
    two_sessions(dataset.root, same=True)
    contacts = read_contacts(BIDSPath(subject="01", root=dataset.root))
    assert len(contacts) == 8
    runs = find_recordings(dataset.root, task="read", run="1")
    with pytest.warns(RuntimeWarning, match="ses-a.* and .*ses-b.* the same samples"):
        epochs, _ = read_epochs(runs, l_freq=None, h_freq=None, notch=None, sfreq=None)
    assert list(epochs.metadata["session"]) == ["a"] * 7 + ["b"] * 7


def test_sessions_with_other_contacts_must_be_named(dataset):
    two_sessions(dataset.root, same=False)
    path = BIDSPath(subject="01", root=dataset.root)
    with pytest.raises(ValueError, match="different .* in the sessions a, b"):
        read_contacts(path)
    first, second = (read_contacts(path.copy().update(session=s)) for s in "ab")
    assert not first["x"].equals(second["x"])


@pytest.mark.parametrize("part", ["root", "subject"])
def test_incomplete_bids_paths_are_named(base_dataset, part):
    path = BIDSPath(subject="01", root=base_dataset.root).update(**{part: None})
    with pytest.raises(ValueError, match=re.escape(f"`bids_path` has no {part}")):
        read_contacts(path)


def second_subject(root):
    """Copy subject 01 to subject 02."""
    folder = root / "sub-02" / "ieeg"
    folder.mkdir(parents=True)
    for file in (root / "sub-01" / "ieeg").iterdir():
        content = file.read_bytes()
        if file.suffix != ".eeg":
            content = content.replace(b"sub-01", b"sub-02")
        (folder / file.name.replace("sub-01", "sub-02")).write_bytes(content)


def test_two_subjects_are_refused(dataset):
    second_subject(dataset.root)
    runs = find_recordings(dataset.root)
    assert [path.subject for path in runs] == ["01", "01", "02", "02"]
    with pytest.raises(ValueError, match="2 subjects .*read each subject alone"):
        read_epochs(runs)
    epochs, _ = read_epochs(runs[2:])
    assert set(epochs.metadata["subject"]) == {"02"}


def test_a_run_may_lack_a_label(dataset):
    def without_ga(events):
        return events[events["trial_type"] != "ga"]

    examples.edit(dataset.root, "*run-1_events.tsv", without_ga)
    epochs, _ = read_epochs(find_recordings(dataset.root), "ga")
    assert set(epochs.metadata["run"]) == {"2"}

"""Broken and odd datasets: each loads with the right data, or says what to repair."""

import re
import warnings

import bids_examples as examples
import numpy as np
import pandas as pd
import pytest

from mne_duin.io import read_contacts, read_epochs

PLAIN = {"reference": "none", "l_freq": None, "h_freq": None, "sfreq": None}
PLAIN |= {"notch": None}
ELECTRODES, COORDSYSTEM = "*_electrodes.tsv", "*_coordsystem.json"
CHANNELS, EVENTS = "*run-1_channels.tsv", "*run-1_events.tsv"
SIDECAR = "*run-1_ieeg.json"


def one(root, pattern):
    """The one file that matches."""
    (path,) = root.rglob(pattern)
    return path


def drop(pattern):
    """Delete files."""
    return lambda root: [path.unlink() for path in root.rglob(pattern)]


def table(pattern, change):
    """Change a table."""
    return lambda root: examples.edit(root, pattern, change)


def cell(pattern, column, row, value):
    """Change one value of a table."""

    def change(content):
        content.loc[row, column] = value

    return table(pattern, change)


def column(pattern, name, change):
    """Change a column of a table."""
    return table(pattern, lambda t: t.assign(**{name: t[name].map(change)}))


def text(pattern, change):
    """Change the bytes of a file."""

    def apply(root):
        path = one(root, pattern)
        path.write_bytes(change(path.read_bytes()))

    return apply


def fields(pattern, **values):
    """Change fields of a JSON file."""
    return lambda root: examples.set_json(root, pattern, **values)


def without(pattern, *names):
    """Remove columns."""
    return table(pattern, lambda t: t.drop(columns=list(names)))


def scaled(factor):
    """Multiply all coordinates."""

    def change(content):
        for axis in "xyz":
            numbers = pd.to_numeric(content[axis], errors="coerce") * factor
            content[axis] = [f"{number:.8g}" for number in numbers]

    return table(ELECTRODES, change)


def signal(change):
    """Change the samples of run 1: 32-bit numbers, nine channels side by side."""

    def apply(root):
        path = one(root, "*run-1_ieeg.eeg")
        samples = np.fromfile(path, "<f4").reshape(-1, 9)
        change(samples)
        samples.tofile(path)

    return apply


def set_channel(value):
    """Set channel TI'2 to one value."""

    def change(samples):
        samples[:, 2] = value

    return signal(change)


def enlarge(samples):
    """Mistake volts for microvolts."""
    samples *= 1e6


def both(*changes):
    """Several changes."""
    return lambda root: [change(root) for change in changes]


def second_space(root):
    """Add native coordinates next to the template's."""
    for path in list(root.rglob("*_space-fsaverage_*")):
        copy = path.with_name(path.name.replace("fsaverage", "ACPC"))
        copy.write_bytes(path.read_bytes())
    examples.set_json(root, "*ACPC_coordsystem.json", iEEGCoordinateSystem="ACPC")


def rename_space(name):
    """Give the coordinates another space."""

    def apply(root):
        for path in list(root.rglob("*_space-fsaverage_*")):
            path.rename(path.with_name(path.name.replace("fsaverage", name)))
        examples.set_json(root, COORDSYSTEM, iEEGCoordinateSystem=name)

    return apply


def lift_sidecars(root):
    """Move the anatomy up to the subject's folder, as inheritance allows."""
    for path in list(root.rglob("*_space-*")):
        path.rename(path.parent.parent / path.name)


def second_format(root):
    """Leave an empty EDF file next to the recording."""
    one(root, "*run-1_ieeg.vhdr").with_suffix(".edf").touch()


def clutter(root):
    """Leave the files that desktops make."""
    for path in list(root.rglob("*.tsv")):
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16")
    (root / ".DS_Store").write_bytes(b"\x00")


def twice(row):
    """Repeat a row, with or without a change."""
    return lambda t: pd.concat([t, t.iloc[[row]]])


def conflict(t):
    """Repeat the first contact somewhere else."""
    return pd.concat([t, t.iloc[[0]].assign(x="-20")])


def same_onset(t):
    """Give an onset a second label."""
    return pd.concat([t, t.iloc[[0]].assign(trial_type="ga")])


def same_place(t):
    """Put the second contact where the first one is."""
    t.loc[1, ["x", "y", "z"]] = t.loc[0, ["x", "y", "z"]].to_numpy()


def more(t):
    """Add a contact that was not recorded."""
    return pd.concat([t, t.iloc[[0]].assign(name="Z1", x="-0.03")])


def unicode_name(root):
    """Call a contact by a letter that is not ASCII, in all files."""
    for pattern in (ELECTRODES, CHANNELS):
        column(pattern, "name", lambda v: "Ñ1" if v == "B1" else v)(root)
    text("*run-1_ieeg.vhdr", lambda b: b.replace(b"=B1,", "=Ñ1,".encode()))(root)


LOADS = {
    "names: not ASCII": unicode_name,
    "electrodes: all coordinates n/a": table(
        ELECTRODES, lambda t: t.assign(x="n/a", y="n/a", z="n/a")
    ),
    "electrodes: one contact n/a": both(
        *(cell(ELECTRODES, axis, 0, "n/a") for axis in "xyz")
    ),
    "electrodes: empty cells for n/a": both(
        *(cell(ELECTRODES, axis, 0, "") for axis in "xyz")
    ),
    "electrodes: contact not recorded": table(ELECTRODES, more),
    "electrodes: Windows line ends": text(
        ELECTRODES, lambda b: b.replace(b"\n", b"\r\n")
    ),
    "electrodes: old Mac line ends": text(
        ELECTRODES, lambda b: b.replace(b"\n", b"\r")
    ),
    "electrodes: byte order mark": text(ELECTRODES, lambda b: b"\xef\xbb\xbf" + b),
    "electrodes: blank lines": text(ELECTRODES, lambda b: b + b"\n\n"),
    "electrodes: spaces around names": column(ELECTRODES, "name", " {} ".format),
    "electrodes: rows in another order": table(ELECTRODES, lambda t: t[::-1]),
    "electrodes: unicode in a further column": column(
        ELECTRODES, "my_label", lambda v: f"gyrus α {v}"
    ),
    "electrodes: further columns": table(
        ELECTRODES, lambda t: t.assign(space="x", shaft="y", implant="2020")
    ),
    "anatomy: one level up": lift_sidecars,
    "anatomy: Talairach": rename_space("Talairach"),
    "anatomy: ACPC": rename_space("ACPC"),
    "anatomy: Pixels": both(
        rename_space("Pixels"), fields(COORDSYSTEM, iEEGCoordinateUnits="pixels")
    ),
    "channels: rows in another order": table(CHANNELS, lambda t: t[::-1]),
    "channels: unknown type of one": cell(CHANNELS, "type", 0, "FOO"),
    "channels: no status": without(CHANNELS, "status", "status_description"),
    "channels: Windows line ends": text(CHANNELS, lambda b: b.replace(b"\n", b"\r\n")),
    "events: rows in another order": table(EVENTS, lambda t: t[::-1]),
    "events: durations n/a": column(EVENTS, "duration", lambda v: "n/a"),
    "events: Windows line ends": text(EVENTS, lambda b: b.replace(b"\n", b"\r\n")),
    "events: unicode labels": column(EVENTS, "trial_type", lambda v: f"字{v}"),
    "events: no sample and value": without(EVENTS, "sample", "value"),
    "folder: desktop clutter": clutter,
    "folder: no participants.tsv": drop("participants.tsv"),
    "folder: no dataset description": drop("dataset_description.json"),
    "folder: no scans.tsv": drop("*_scans.tsv"),
}

WARNS = {
    "electrodes: none": (drop("*_space-*"), "no electrodes.tsv"),
    "electrodes: only names of columns": (
        table(ELECTRODES, lambda t: t.iloc[:0]),
        r"lacks 8 contact\(s\) of channels.tsv",
    ),
    "electrodes: contact missing": (
        table(ELECTRODES, lambda t: t.iloc[1:]),
        r"lacks 1 contact\(s\) of channels.tsv.*TI'1",
    ),
    "electrodes: row repeated": (
        table(ELECTRODES, twice(0)),
        "repeats the row of TI'1",
    ),
    "electrodes: zeros for an unknown position": (
        both(*(cell(ELECTRODES, axis, 0, "0.0") for axis in "xyz")),
        "position of TI'1 is 0, 0, 0 and not used",
    ),
    "electrodes: incomplete position": (
        cell(ELECTRODES, "y", 1, "n/a"),
        "position of TI'2 is incomplete and not used",
    ),
    "electrodes: names in lower case": (
        column(ELECTRODES, "name", str.lower),
        "spell 8 channel name.*TI'1 = ti'1",
    ),
    "electrodes: names with amplifier prefix": (
        column(ELECTRODES, "name", "POL {}-Ref".format),
        "spell 8 channel name",
    ),
    "electrodes: left and right swapped": (
        table(ELECTRODES, lambda t: t.assign(hemisphere="R")),
        "hemisphere of TI'1, .* contradicts the sign of x",
    ),
    "electrodes: curly primes": (
        column(ELECTRODES, "name", lambda v: v.replace("'", "’")),
        "spell 4 channel name",
    ),
    "electrodes: leading zeros": (
        column(ELECTRODES, "name", lambda v: f"{v[:-1]}0{v[-1]}"),
        "spell 8 channel name",
    ),
    "electrodes: Latin-1": (
        both(
            column(ELECTRODES, "my_label", lambda v: f"gyrus é {v}"),
            text(ELECTRODES, lambda b: b.decode().encode("latin-1")),
        ),
        "not UTF-8.*Latin-1",
    ),
    "electrodes: UTF-16": (
        text(ELECTRODES, lambda b: b.decode().encode("utf-16")),
        "UTF-16",
    ),
    "electrodes: two contacts at one place": (
        table(ELECTRODES, same_place),
        "share one position: TI'1, TI'2",
    ),
    "units: metres called mm": (
        fields(COORDSYSTEM, iEEGCoordinateUnits="mm"),
        "says 'mm', but the coordinates reach.*taken as m\\.",
    ),
    "units: mm called metres": (scaled(1000), "says 'm'.*taken as mm"),
    "units: cm called metres": (scaled(100), "says 'm'.*taken as cm"),
    "units: mm called cm": (
        both(scaled(1000), fields(COORDSYSTEM, iEEGCoordinateUnits="cm")),
        "says 'cm'.*taken as mm",
    ),
    "units: n/a": (fields(COORDSYSTEM, iEEGCoordinateUnits="n/a"), "taken as m"),
    "units: field missing": (
        text(COORDSYSTEM, lambda b: b.replace(b"iEEGCoordinateUnits", b"Unit")),
        "iEEGCoordinateUnits.*says None.*taken as m",
    ),
    "anatomy: no coordsystem.json": (drop(COORDSYSTEM), "no coordsystem.json"),
    "anatomy: system missing": (
        text(COORDSYSTEM, lambda b: b.replace(b'"iEEGCoordinateSystem"', b'"Sys"')),
        "lacks the field iEEGCoordinateSystem; taken as fsaverage",
    ),
    "channels: none": (drop(CHANNELS), "no channels.tsv"),
    "channels: types in lower case": (
        column(CHANNELS, "type", str.lower),
        "types in lower case",
    ),
    "channels: one missing": (
        table(CHANNELS, lambda t: t.iloc[:-1]),
        "has channels that channels.tsv lacks.*B4",
    ),
    "channels: one too many": (
        table(CHANNELS, lambda t: pd.concat([t, t.iloc[[-1]].assign(name="B9")])),
        "channels.tsv lists channels that .* lacks: B9",
    ),
    "channels: row repeated": (table(CHANNELS, twice(3)), "repeats the row of TI'3"),
    "channels: unknown status": (
        cell(CHANNELS, "status", 1, "soso"),
        "'soso' is neither good nor bad",
    ),
    "events: none": (drop(EVENTS), "events.tsv .* is missing; the 7 events"),
    "events: an onset n/a": (cell(EVENTS, "onset", 2, "n/a"), "1 of 7 events have no"),
    "events: no duration": (without(EVENTS, "duration"), "no column duration"),
    "events: row repeated": (table(EVENTS, twice(1)), r"repeats 1 row\(s\)"),
    "events: onset and sample differ": (
        column(EVENTS, "sample", lambda v: str(int(v) + 100)),
        "onset and sample differ by up to 0.195 s .*onset .in seconds. is used",
    ),
    "events: samples of another rate": (
        column(EVENTS, "sample", lambda v: str(int(v) * 4)),
        "column sample counts samples at 2048 Hz, and the recording has 512 Hz",
    ),
    "events: before the recording": (
        both(cell(EVENTS, "onset", 0, "-3"), without(EVENTS, "sample")),
        "1 of 7 trials reach beyond",
    ),
    "recording: truncated": (
        text("*run-1_ieeg.eeg", lambda b: b[: len(b) // 2 // 36 * 36]),
        "RecordingDuration of 15 s, but ieeg.json says 29.998.*",
    ),
    "recording: sampling rate contradicted": (
        fields(SIDECAR, SamplingFrequency=1000),
        "SamplingFrequency of 512 Hz, but ieeg.json says 1000",
    ),
    "recording: volts for microvolts": (signal(enlarge), "no intracranial voltage"),
    "recording: two formats": (second_format, "is there twice; .*vhdr is read"),
    "sidecar: none": (drop(SIDECAR), "does not say PowerLineFrequency"),
    "sidecar: line frequency n/a": (
        fields(SIDECAR, PowerLineFrequency="n/a"),
        "does not say PowerLineFrequency",
    ),
}

FAILS = {
    "electrodes: empty": (text(ELECTRODES, lambda b: b""), "electrodes.tsv is empty"),
    "electrodes: commas": (
        text(ELECTRODES, lambda b: b.replace(b"\t", b",")),
        "electrodes.tsv is not separated by tabs",
    ),
    "electrodes: no z": (without(ELECTRODES, "z"), r"lacks the column\(s\) z; it has"),
    "electrodes: text for a number": (
        cell(ELECTRODES, "x", 2, "left"),
        "line 4, column 'x': 'left' is not a number",
    ),
    "electrodes: decimal comma": (
        cell(ELECTRODES, "x", 2, "-57,0"),
        "not a number.*decimal point",
    ),
    "electrodes: one name twice": (
        table(ELECTRODES, conflict),
        "different rows with the same name",
    ),
    "electrodes: name missing": (
        cell(ELECTRODES, "name", 1, "n/a"),
        "line 3: the name is missing",
    ),
    "electrodes: ragged": (
        text(ELECTRODES, lambda b: b + b"Q1\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\n"),
        "cannot be read as a table",
    ),
    "electrodes: column twice": (
        text(ELECTRODES, lambda b: b.replace(b"my_label", b"x", 1)),
        "has the column 'x' twice",
    ),
    "units: far too large": (scaled(1e5), "fit into a head as no unit"),
    "units: ambiguous": (
        both(scaled(200), fields(COORDSYSTEM, iEEGCoordinateUnits="n/a")),
        "fit into a head as mm or cm",
    ),
    "anatomy: two spaces": (second_space, "several spaces.*ACPC, fsaverage.*space="),
    "anatomy: contradicted": (
        fields(COORDSYSTEM, iEEGCoordinateSystem="ACPC"),
        "named space-fsaverage, but .* says iEEGCoordinateSystem 'ACPC'",
    ),
    "anatomy: broken JSON": (
        text(COORDSYSTEM, lambda b: b[:20]),
        "coordsystem.json is not valid JSON",
    ),
    "anatomy: JSON list": (
        text(COORDSYSTEM, lambda b: b"[]"),
        "must hold a JSON object",
    ),
    "channels: empty": (text(CHANNELS, lambda b: b""), "channels.tsv is empty"),
    "channels: no type": (without(CHANNELS, "type"), r"lacks the column\(s\) type"),
    "channels: all EEG": (
        column(CHANNELS, "type", lambda v: "EEG"),
        "no intracranial channel",
    ),
    "channels: other names": (
        column(CHANNELS, "name", lambda v: f"chan{v[-1]}{v[0]}q"),
        "name different channels",
    ),
    "channels: all bad": (
        column(CHANNELS, "status", lambda v: "bad"),
        "All 8 contacts .* are marked bad",
    ),
    "channels: one name twice": (
        table(CHANNELS, lambda t: pd.concat([t, t.iloc[[3]].assign(type="ECG")])),
        "different rows with the same name",
    ),
    "events: empty": (text(EVENTS, lambda b: b""), "events.tsv is empty"),
    "events: no onset": (without(EVENTS, "onset"), r"lacks the column\(s\) onset"),
    "events: text onset": (cell(EVENTS, "onset", 1, "soon"), "line 3, column 'onset'"),
    "events: no label": (
        column(EVENTS, "trial_type", lambda v: "n/a"),
        "holds no label",
    ),
    "events: milliseconds": (
        both(
            column(EVENTS, "onset", lambda v: str(1000 * float(v))),
            without(EVENTS, "sample"),
        ),
        "check that onsets are in seconds",
    ),
    "events: onset and sample far apart": (
        column(EVENTS, "sample", lambda v: str(int(v) + 1000)),
        r"differ by up to 1.95312 s .*Pass onset='sample'",
    ),
    "events: two labels at one onset": (
        table(EVENTS, same_onset),
        r"2 trials that share an onset.*\(ba, ga\)",
    ),
    "recording: no header file": (drop("*.vhdr"), "There is no iEEG recording"),
    "recording: no samples file": (
        drop("*run-1_ieeg.eeg"),
        "names its samples DataFile=.*run-1_ieeg.eeg, which is not there",
    ),
    "recording: empty samples file": (
        text("*run-1_ieeg.eeg", lambda b: b""),
        "holds 0 samples; there is nothing to read",
    ),
    "recording: broken header file": (
        text("*run-1_ieeg.vhdr", lambda b: b"not a header"),
        "cannot be opened",
    ),
    "recording: flat contact": (set_channel(3.0), "TI'2 are flat"),
    "recording: NaN contact": (set_channel(np.nan), "TI'2 hold values that are not"),
    "recording: cut into epochs": (
        fields(SIDECAR, RecordingType="epoched"),
        "already cut into epochs",
    ),
    "sidecar: broken JSON": (text(SIDECAR, lambda b: b[:-5]), "is not valid JSON"),
}


@pytest.fixture(scope="module")
def truth(base_dataset):
    """The samples and places of the unbroken dataset."""
    epochs, contacts = read_epochs(base_dataset, **PLAIN)
    return epochs, contacts


def check_against(truth, epochs, contacts, spread=1.0):
    """Whatever was loaded is right: samples by onset and name, and places."""
    base, places = truth
    assert len(epochs)
    common = [name for name in epochs.ch_names if name in base.ch_names]
    assert len(common) >= 7
    onsets = list(base.metadata["onset"])
    for row, onset in enumerate(epochs.metadata["onset"]):
        wanted = base.get_data(common)[onsets.index(onset)]
        np.testing.assert_allclose(
            epochs.get_data(common)[row] / spread, wanted, atol=1e-12
        )
    xyz = contacts.loc[common, ["x", "y", "z"]].to_numpy(float)
    known = np.isfinite(xyz).all(axis=1)
    wanted = places.loc[common, ["x", "y", "z"]].to_numpy(float)
    np.testing.assert_allclose(xyz[known], wanted[known], atol=1e-3)


def test_the_corpus_is_large_enough():
    assert len(WARNS) + len(FAILS) >= 50


@pytest.mark.parametrize("case", LOADS)
def test_odd_but_valid(case, dataset, truth):
    LOADS[case](dataset.root)
    epochs, contacts = read_epochs(dataset, **PLAIN)
    if case == "anatomy: Pixels":
        contacts[["x", "y", "z"]] *= 1000
    check_against(truth, epochs, contacts)


@pytest.mark.parametrize("case", WARNS)
def test_loads_with_a_warning(case, dataset, truth):
    change, match = WARNS[case]
    change(dataset.root)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        notch = {"notch": "auto"} if case.startswith("sidecar") else {}
        epochs, contacts = read_epochs(dataset, **(PLAIN | notch))
    said = "\n".join(str(warning.message) for warning in caught)
    assert caught
    assert re.search(match, said), said
    if case == "electrodes: two contacts at one place":
        contacts.loc["TI'2", "x"] -= 3.5
    check_against(truth, epochs, contacts, 1e6 if "volts for" in case else 1.0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", FAILS)
def test_fails_with_a_sentence(case, dataset):
    change, match = FAILS[case]
    change(dataset.root)
    with pytest.raises((ValueError, FileNotFoundError), match=match) as error:
        read_epochs(dataset, **PLAIN)
    assert str(error.value).rstrip().endswith((".", ")"))


def test_two_spaces_are_chosen_by_name(dataset):
    second_space(dataset.root)
    assert set(read_contacts(dataset, space="ACPC")["space"]) == {"ACPC"}
    assert set(read_contacts(dataset, space="fsaverage")["space"]) == {"fsaverage"}
    with pytest.raises(ValueError, match="exists in: ACPC, fsaverage"):
        read_contacts(dataset, space="MNI152Lin")

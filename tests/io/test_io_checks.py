"""Kinds of wrong data that once were read without a word, one test for each."""

import re
import unicodedata
import warnings
from pathlib import Path

import bids_examples as examples
import file_writers
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath

from mne_duin.io import (
    check_recording,
    find_recordings,
    list_checks,
    read_epochs,
    read_raw,
    read_segments,
)
from mne_duin.io._checks import CHECKS

PLAIN = {"reference": "none", "l_freq": None, "h_freq": None, "notch": None}
PLAIN |= {"sfreq": None, "tmin": 0.0, "tmax": 1.0}
SFREQ = examples.SFREQ
EVENTS, CHANNELS = "*run-1_events.tsv", "*run-1_channels.tsv"


def header(path):
    """The header file of a run."""
    return path.copy().update(extension=".vhdr").fpath


def second(path):
    """The second run."""
    return path.copy().update(run="2")


def outcome(path, check):
    """Outcome and messages of a check."""
    table = check_recording(path).set_index("check").loc[[check]]
    return set(table["outcome"]), " ".join(table["message"])


def rename(root, old, new):
    """Rename files and what they say about each other; their content follows."""
    for file in sorted(root.rglob(f"*{old}*")):
        content = file.read_bytes()
        if file.suffix != ".eeg":
            content = content.replace(old.encode(), new.encode())
        file.unlink()
        file.with_name(file.name.replace(old, new)).write_bytes(content)


def samples_in(root, change):
    """Change the samples of run 1: nine channels side by side."""
    (file,) = root.rglob("*run-1_ieeg.eeg")
    samples = np.fromfile(file, "<f4").reshape(-1, 9)
    change(samples)
    samples.tofile(file)


# ---------------------------------------------------------------- the table


def test_a_good_recording_passes_every_check(base_dataset):
    table = check_recording(base_dataset)
    assert set(table["outcome"]) == {"ok"}
    listed = list_checks()
    assert set(table["check"]) <= set(listed.index)
    assert set(listed["severity"]) == {"note", "warning", "error"}
    assert all(check.about.endswith(".") for check in CHECKS.values())


def test_runs_are_held_against_each_other(base_dataset):
    runs = find_recordings(base_dataset.root)
    table = check_recording(runs).set_index(["recording", "check"])
    assert set(table["outcome"]) == {"ok"}
    assert table.loc[("2 recordings", "same_samples"), "outcome"] == "ok"


def test_what_cannot_be_opened_is_a_row(dataset):
    header(dataset).write_bytes(b"not a header")
    table = check_recording(dataset).set_index("check")
    opened = table.loc[["recording"]]
    assert "error" in set(opened["outcome"])
    assert opened["message"].str.contains("cannot be opened").any()
    assert table.loc["sampling_rate", "outcome"] == "skipped"
    assert table.loc["electrodes.tsv", "outcome"] == "ok"


def test_the_line_in_the_file_is_named(dataset):
    def shuffle(table):
        table = table.iloc[::-1].reset_index(drop=True)
        table.loc[4, "sample"] = "1"
        return table

    examples.edit(dataset.root, EVENTS, shuffle)
    table = check_recording(dataset, samples=False).set_index("check")
    assert table.loc["event_times", "row"] == 6
    assert table.loc["event_times", "file"].endswith("run-1_events.tsv")
    examples.edit(
        dataset.root, EVENTS, lambda t: t.assign(onset=[*t["onset"][:6], "?"])
    )
    table = check_recording(dataset, samples=False).set_index("check")
    assert table.loc["events.tsv", "row"] == 8


# ---------------------------------------------------------- which recording


@pytest.mark.parametrize(
    ("first", "other"),
    [("acq-clinical", "acq-research"), ("acq-raw", "acq-car")],
)
def test_acquisitions_of_one_run_are_not_pooled(dataset, first, other):
    rename(dataset.root, "task-read_run-1", f"task-read_{first}_run-1")
    rename(dataset.root, "task-read_run-2", f"task-read_{other}_run-1")
    runs = find_recordings(dataset.root)
    assert {path.acquisition for path in runs} == {first[4:], other[4:]}
    for read in (read_epochs, read_segments):
        with pytest.raises(ValueError, match=r"are one run.*acquisition='"):
            read(runs)
    (chosen,) = find_recordings(dataset.root, acquisition=first)
    epochs, _ = read_epochs(chosen, **PLAIN)
    assert set(epochs.metadata["acquisition"]) == {first[4:]}
    with pytest.raises(FileNotFoundError, match="acquisitions: "):
        find_recordings(dataset.root, acquisition="none")
    with pytest.raises(FileNotFoundError, match="acquisition 'none'"):
        read_raw(chosen.copy().update(acquisition="none"))


def test_a_run_whose_number_is_written_in_two_ways_is_one_run(dataset):
    rename(dataset.root, "task-read_run-2", "task-read_run-01")
    with pytest.raises(ValueError, match=r"are one run.*Leave all but one out"):
        read_epochs(find_recordings(dataset.root), **PLAIN)


def test_a_complete_name_means_its_file_where_a_longer_one_is_there_too(dataset):
    rename(dataset.root, "task-read_run-2", "task-read_acq-raw_run-1")
    runs = find_recordings(dataset.root)
    assert {path.acquisition for path in runs} == {None, "raw"}
    for path in runs:
        epochs, _ = read_epochs(path, **PLAIN)
        said = epochs.metadata.get("acquisition", pd.Series([None]))
        assert set(said) == {path.acquisition}
    with pytest.raises(ValueError, match="acquisition='raw'"):
        read_epochs(runs, **PLAIN)


@pytest.mark.parametrize("gain", [1.0, 3.0])
def test_the_same_samples_under_two_names_are_told(dataset, gain):
    (one,), (two,) = (dataset.root.rglob(f"*run-{run}_ieeg.eeg") for run in "12")
    (gain * np.fromfile(one, "<f4")).astype("<f4").tofile(two)
    with pytest.warns(RuntimeWarning, match="run-1.* and .*run-2.* the same samples"):
        read_epochs(find_recordings(dataset.root), **PLAIN)


def test_a_header_that_names_another_run(dataset):
    own, _ = read_epochs(second(dataset), **PLAIN)
    file = header(second(dataset))
    file.write_text(file.read_text().replace("run-2_ieeg.eeg", "run-1_ieeg.eeg"))
    with pytest.warns(RuntimeWarning, match="run-2.*names the samples of another file"):
        epochs, _ = read_epochs(second(dataset), **PLAIN)
    np.testing.assert_array_equal(epochs.get_data(), own.get_data())
    file.with_suffix(".eeg").unlink()
    with pytest.raises(ValueError, match=r"another recording, .*run-1_ieeg\.eeg"):
        read_epochs(second(dataset), **PLAIN)


def test_electrodes_that_moved_between_sessions(dataset):
    root = dataset.root
    for run, session in (("1", "a"), ("2", "b")):
        folder = root / "sub-01" / f"ses-{session}" / "ieeg"
        folder.mkdir(parents=True)
        for file in (root / "sub-01" / "ieeg").iterdir():
            if f"run-{run}" in file.name or "space-" in file.name:
                name = file.name.replace("sub-01_", f"sub-01_ses-{session}_")
                content = file.read_bytes()
                if file.suffix != ".eeg":
                    content = content.replace(
                        b"sub-01_", f"sub-01_ses-{session}_".encode()
                    )
                (folder / name).write_bytes(content)
    for file in (root / "sub-01" / "ieeg").iterdir():
        file.unlink()
    runs = find_recordings(root)
    together, _ = read_epochs(runs, **PLAIN)
    assert list(together.metadata["session"]) == ["a"] * 7 + ["b"] * 7
    examples.edit(
        root,
        "*ses-b*_electrodes.tsv",
        lambda t: t.assign(y=[f"{float(v) + 0.0035:g}" for v in t["y"]]),
    )
    with pytest.raises(ValueError, match="8 contact.*ses-a and ses-b.*3.5 mm apart"):
        read_epochs(runs, **PLAIN)
    table = check_recording(runs, samples=False).set_index("check")
    assert table.loc["moved_electrodes", "outcome"] == "error"


# --------------------------------------------------------------------- when


@pytest.fixture
def drifting(tmp_path):
    """Write 900 s at 2048 Hz that the header rounds to 488 µs; events have pulses."""

    def write(samples=True, **sidecar):
        root = tmp_path / f"bids{len(list(tmp_path.iterdir()))}"
        folder = root / "sub-01" / "ieeg"
        folder.mkdir(parents=True)
        onsets = np.arange(10.0, 880.0, 60.0)
        data = np.random.default_rng(0).standard_normal((2, 900 * 2048)) * 2e-6
        for onset in onsets:
            first = int(onset * 2048)
            data[:, first : first + 20] += 2e-4
        stem = folder / "sub-01_task-read"
        file_writers.write_brainvision(
            stem.with_name(f"{stem.name}_ieeg.vhdr"), data, ["A1", "A2"], interval=488
        )
        channels = pd.DataFrame({"name": ["A1", "A2"], "type": "SEEG", "units": "µV"})
        examples.write(stem.with_name(f"{stem.name}_channels.tsv"), channels)
        events = pd.DataFrame({"onset": onsets, "duration": 1, "trial_type": "a"})
        if samples:
            events["sample_start"] = (onsets * 2048).astype(int)
        examples.write(stem.with_name(f"{stem.name}_events.tsv"), events)
        content = "{" + ", ".join(f'"{k}": {v}' for k, v in sidecar.items()) + "}"
        stem.with_name(f"{stem.name}_ieeg.json").write_text(content)
        return BIDSPath(subject="01", task="read", root=root, datatype="ieeg")

    return write


def pulse_times(epochs):
    """When each trial is largest, in seconds."""
    return epochs.times[np.abs(epochs.get_data()[:, 0]).argmax(axis=1)]


@pytest.mark.filterwarnings("ignore:There is no electrodes.tsv:RuntimeWarning")
def test_a_rounded_header_is_found_by_the_drift_at_the_end(drifting):
    path = drifting(SamplingFrequency=2048, RecordingDuration=900)
    window = PLAIN | {"tmin": -1.0}
    with pytest.warns(RuntimeWarning, match="read with a sampling rate of 2048 Hz"):
        epochs, _ = read_epochs(path, **window)
    assert epochs.info["sfreq"] == 2048
    assert np.abs(pulse_times(epochs) - 0.005).max() < 0.01


@pytest.mark.filterwarnings("ignore:There is no electrodes.tsv:RuntimeWarning")
def test_a_rounded_sidecar_does_not_win(drifting):
    path = drifting(samples=False, SamplingFrequency=2049)
    with pytest.warns(RuntimeWarning, match="2049.18 Hz, but ieeg.json says 2049"):
        raw = read_raw(path)
    assert raw.info["sfreq"] == pytest.approx(1e6 / 488)


@pytest.mark.parametrize("column", ["sample", "event_sample", "sample_start"])
@pytest.mark.by_default("sample")
def test_onset_and_sample_apart_by_a_constant(dataset, column):
    def shift(table):
        table = table.rename(columns={"sample": column})
        table[column] = [str(int(v) + 1024) for v in table[column]]
        return table

    examples.edit(dataset.root, EVENTS, shift)
    with pytest.raises(ValueError, match=f"onset and {column} differ .*onset='sample'"):
        read_epochs(dataset, **PLAIN)
    later, _ = read_epochs(dataset, onset="sample", **PLAIN)
    assert list(later.metadata["onset"]) == [4, 8, 12, 16, 20, 24, 28]
    with pytest.warns(RuntimeWarning, match="onset .in seconds. is used"):
        given, _ = read_epochs(dataset, onset="onset", **PLAIN)
    assert list(given.metadata["onset"]) == [2, 6, 10, 14, 18, 22, 26]
    with pytest.warns(RuntimeWarning, match="differ by up to 2 s"):
        read_segments(dataset, 5.0, 0.0)


def put_edf(path, **options):
    """Write the contacts of the dataset as EDF, with a pulse on every event."""
    raw = examples.make_raw(0).pick("seeg")
    data = raw.get_data()
    for onset in raw.annotations.onset:
        data[:, int(onset * SFREQ)] = 9e-4
    signals = [(n, v, SFREQ) for n, v in zip(raw.ch_names, data, strict=True)]
    file = header(path)
    for ending in (".vhdr", ".vmrk", ".eeg"):
        file.with_suffix(ending).unlink()
    extra = options.pop("extra", [])
    file_writers.write_edf(file.with_suffix(".edf"), signals + extra, **options)
    names = [*raw.ch_names, *(name for name, _, _ in extra)]
    examples.edit(
        path.root,
        CHANNELS,
        lambda t: pd.DataFrame(
            {
                "name": names,
                "type": ["SEEG"] * 8 + ["AUDIO"] * len(extra),
                "units": "µV",
            }
        ),
    )
    return data


@pytest.mark.parametrize("rate", [128, 2048])
def test_edf_with_channels_of_another_rate(dataset, rate):
    sound = 1e-4 * np.random.default_rng(0).standard_normal(30 * rate)
    put_edf(dataset, extra=[("MIC", sound, rate)])
    epochs, _ = read_epochs(dataset, **PLAIN | {"tmin": -1.0})
    assert epochs.info["sfreq"] == SFREQ
    np.testing.assert_allclose(pulse_times(epochs), 0.0, atol=1e-9)
    outcomes, said = outcome(dataset, "other_rates")
    assert outcomes == {"note"}
    assert "MIC" in said


def test_edf_with_gaps_keeps_its_clock(dataset):
    """Ten seconds are missing: what follows lies where it was recorded."""
    begins = [*range(11), *range(21, 40)]
    data = put_edf(dataset, kind="EDF+D", begins=begins)

    def later(table):
        onsets = table["onset"].astype(float)
        table["onset"] = [f"{t + 10 if t >= 11 else t:g}" for t in onsets]
        return table.drop(columns="sample")

    examples.edit(dataset.root, EVENTS, later)
    examples.set_json(dataset.root, "*run-1_ieeg.json", RecordingDuration=40)
    with pytest.warns(RuntimeWarning, match="1 of 7 trials"):
        epochs, _ = read_epochs(dataset, **PLAIN | {"tmin": -1.0, "tmax": 2.0})
    assert list(epochs.metadata["onset"]) == [2, 6, 24, 28, 32, 36]
    np.testing.assert_allclose(pulse_times(epochs), 0.0, atol=1e-9)
    raw = read_raw(dataset)
    assert raw.n_times == 40 * SFREQ
    np.testing.assert_allclose(raw.get_data(stop=5632), data[:, :5632], atol=2e-8)
    assert not raw.get_data(start=5632, stop=10752).any()
    segments, _ = read_segments(dataset, 5.0, 0.0)
    start = segments.metadata["onset"].to_numpy()
    assert not ((start < 21) & (start + 5 > 11)).any()
    assert outcome(dataset, "gaps")[0] == {"note"}


def test_edf_annotations_in_another_encoding(dataset):
    notes = [(2.0, "été".encode("latin-1")), (6.0, "字".encode("gbk"))]
    put_edf(dataset, notes=notes)
    assert len(read_epochs(dataset, **PLAIN)[0]) == 7
    (file,) = dataset.root.rglob(EVENTS)
    file.unlink()
    with pytest.warns(RuntimeWarning, match="not UTF-8 and are read as Latin-1"):
        words = read_raw(dataset).annotations.description
    assert "été" in words


@pytest.mark.parametrize("moved", [False, True])
def test_brainvision_texts_in_another_encoding(dataset, moved):
    before = read_epochs(dataset, **PLAIN)[0].get_data()
    (marks,) = dataset.root.rglob("*run-1_ieeg.vmrk")
    with marks.open("ab") as file:
        file.write("Mk9=Comment,début,100,1,0\n".encode("latin-1"))
    if moved:
        file = Path(header(dataset))
        text = file.read_text(encoding="utf-8").replace("Codepage=UTF-8", "")
        text = text.replace("run-1_ieeg.eeg", "run-9_ieeg.eeg")
        file.write_bytes(text.encode("latin-1"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*names the samples of another file")
        np.testing.assert_array_equal(read_epochs(dataset, **PLAIN)[0], before)
    (events,) = dataset.root.rglob(EVENTS)
    events.unlink()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        words = read_raw(dataset).annotations.description
    assert "Comment/début" in words


def test_edf_in_another_unit_than_channels_tsv(dataset):
    put_edf(dataset, unit="mV")
    with pytest.warns(RuntimeWarning) as caught:
        read_epochs(dataset, **PLAIN)
    said = " ".join(str(warning.message) for warning in caught)
    assert re.search("values are mV, channels.tsv says µV", said)
    assert "no intracranial voltage" in said


def test_pauses_of_brainvision(dataset):
    """Filters stop at a New Segment: what follows does not reach across."""
    samples_in(dataset.root, lambda s: s[7500:].__iadd__(3e3))
    file = header(dataset).with_suffix(".vmrk")
    text = file.read_text(encoding="utf-8").rstrip()
    file.write_text(f"{text}\nMk99=New Segment,,7501,1,0\n", encoding="utf-8")
    filters = {"l_freq": 1.0, "h_freq": 100.0, "tmin": -0.5, "tmax": 1.0}
    with pytest.warns(RuntimeWarning, match="1 of 7 trials reach across a gap"):
        epochs, _ = read_epochs(dataset, **PLAIN | filters)
    assert list(epochs.metadata["onset"]) == [2, 6, 10, 18, 22, 26]
    assert np.abs(epochs.get_data()).max() < 3e-4
    assert epochs.drop_log[3] == ("BAD_GAP",)
    begin = read_segments(dataset, 4.0, 0.0, sfreq=None)[0].metadata["onset"]
    assert not ((begin < 7500 / SFREQ) & (begin + 4 > 7500 / SFREQ)).any()


def test_trials_that_were_concatenated(dataset):
    examples.set_json(
        dataset.root,
        "*run-1_ieeg.json",
        RecordingType="epoched",
        EpochLength=4.0,
        RecordingDuration=4.0,
    )
    with pytest.warns(RuntimeWarning, match="7 of 7 trials reach across"):
        with pytest.raises(ValueError, match="None of the 7 windows"):
            read_epochs(dataset, **PLAIN | {"tmax": 2.5})
    epochs, _ = read_epochs(dataset, **PLAIN)
    assert len(epochs) == 7
    segments, _ = read_segments(dataset, 4.0, 0.0, **FILTERED)
    assert list(segments.metadata["onset"]) == [0, 4, 8, 12, 16, 20, 24]
    raw = read_raw(dataset).pick("seeg")
    alone = raw.copy().crop(8, 12, include_tmax=False).load_data()
    alone.filter(2.0, 100.0, verbose=False)
    np.testing.assert_allclose(segments.get_data()[2], alone.get_data(), atol=1e-12)


FILTERED = {"reference": "none", "l_freq": 2.0, "h_freq": 100.0, "notch": None}
FILTERED |= {"sfreq": None}


def test_gaps_that_are_said_but_not_marked(dataset):
    examples.set_json(dataset.root, "*run-1_ieeg.json", RecordingType="discontinuous")
    with pytest.warns(RuntimeWarning, match="discontinuous .* does not mark where"):
        read_epochs(dataset, **PLAIN)


# --------------------------------------------------------------------- what


def relabel(dataset, words):
    """Give the trials of both runs other labels."""
    for run in "12":
        examples.edit(
            dataset.root,
            f"*run-{run}_events.tsv",
            lambda t: t.assign(trial_type=[words[i % len(words)] for i in range(7)]),
        )


def test_words_that_look_like_missing_values(dataset):
    words = ["ba", "na", "nan", "NA", "None", "null", "n/a"]
    relabel(dataset, words)
    with pytest.warns(RuntimeWarning) as caught:
        epochs, _ = read_epochs(dataset, **PLAIN)
    assert set(epochs.event_id) == set(words) - {"n/a"}
    said = " ".join(str(warning.message) for warning in caught)
    assert "'NA' (1), 'nan' (1), 'None' (1), 'null' (1)" in said
    assert "'NA' = 'na'" in said
    asked, _ = read_epochs(dataset, ["nan", "ba"], **PLAIN)
    assert len(asked) == 2


def test_words_that_look_like_marks(dataset):
    relabel(dataset, ["badge", "edge", "bad luck", "Baden", "edges", "dog", "BADGE"])
    with pytest.warns(RuntimeWarning, match="'BADGE' = 'badge'"):
        epochs, _ = read_epochs(dataset, **PLAIN | {"tmin": -1.0, "tmax": 3.0})
    assert len(epochs) == len(epochs.event_id) == 7


@pytest.mark.parametrize("mark", ["BAD_x", "bad_x", "BAD", "BAD boundary"])
@pytest.mark.by_default("BAD_x", "BAD boundary")
def test_marks_are_marks_unless_they_are_asked_for(dataset, mark):
    relabel(dataset, [mark, "ba", "ba", "ba", "ba", "ba", "ba"])
    epochs, _ = read_epochs(dataset, **PLAIN)
    assert epochs.event_id == {"ba": 1}
    if mark == "BAD boundary":
        return
    asked, _ = read_epochs(dataset, [mark, "ba"], **PLAIN)
    assert len(asked) == 7


def test_bad_among_words_in_capitals_is_told(dataset):
    relabel(dataset, ["BAD", "DOG", "CAT"])
    with pytest.warns(RuntimeWarning, match="'BAD' .3 events.*If it is a word"):
        epochs, _ = read_epochs(dataset, **PLAIN)
    assert set(epochs.event_id) == {"DOG", "CAT"}
    epochs, _ = read_epochs(dataset, ["BAD", "DOG"], **PLAIN)
    assert set(epochs.event_id) == {"BAD", "DOG"}


def test_composed_and_decomposed_words_and_names_are_one(dataset):
    words = ["mā", "été", "dog"]
    for run, form in (("1", "NFC"), ("2", "NFD")):
        here = [unicodedata.normalize(form, word) for word in words]
        examples.edit(
            dataset.root,
            f"*run-{run}_events.tsv",
            lambda t, here=here: t.assign(trial_type=[here[i % 3] for i in range(7)]),
        )
    name = unicodedata.normalize("NFD", "É1").encode()
    file = header(dataset)
    file.write_bytes(file.read_bytes().replace(b"=B1,", b"=" + name + b","))
    for pattern in ("*_channels.tsv", "*_electrodes.tsv"):
        examples.edit(
            dataset.root,
            pattern,
            lambda t: t.assign(name=t["name"].replace("B1", "É1")),
        )
    file = header(second(dataset))
    file.write_bytes(file.read_bytes().replace(b"=B1,", "=É1,".encode()))
    runs = find_recordings(dataset.root)
    epochs, contacts = read_epochs(runs, **PLAIN)
    assert set(epochs.event_id) == set(words)
    assert "É1" in contacts.index
    decomposed = unicodedata.normalize("NFD", "été")
    asked, _ = read_epochs(runs, ["mā", decomposed], **PLAIN)
    assert len(asked) == 10


def test_one_trial_far_from_the_rest_is_dropped_and_named(dataset):
    samples_in(dataset.root, lambda s: s[5120:5632].__imul__(300))
    with pytest.warns(RuntimeWarning, match=r"1 of 7 trials \(onsets 10 s\)"):
        epochs, _ = read_epochs(dataset, **PLAIN)
    assert list(epochs.metadata["onset"]) == [2, 6, 14, 18, 22, 26]
    assert set(epochs.drop_log[2]) == set(epochs.ch_names)
    assert list(epochs.selection) == [0, 1, 3, 4, 5, 6]
    assert len(read_epochs(dataset, reject=None, **PLAIN)[0]) == 7
    peaks = np.ptp(read_epochs(dataset, reject=None, **PLAIN)[0].get_data(), axis=2)
    limit = np.sort(peaks.max(axis=1))[3]
    with pytest.warns(RuntimeWarning, match="more than `reject` allows"):
        few, _ = read_epochs(dataset, reject={"seeg": limit}, **PLAIN)
    assert len(few) == 4
    with pytest.raises(ValueError, match="channel type.* 'eeg'.*there is seeg"):
        read_epochs(dataset, reject={"eeg": 1e-3}, **PLAIN)
    with pytest.raises(ValueError, match="`reject` must be 'auto', None or"):
        read_epochs(dataset, reject=1e-3, **PLAIN)


@pytest.mark.parametrize("reference", ["none", "bipolar"])
@pytest.mark.by_default("bipolar")
def test_trials_without_a_signal_are_dropped_and_named(dataset, reference):
    samples_in(dataset.root, lambda s: s[5000:5800].__imul__(0))
    options = PLAIN | {"reference": reference, "l_freq": 1.0}
    with pytest.warns(RuntimeWarning) as caught:
        epochs, _ = read_epochs(dataset, **options)
    said = " ".join(str(warning.message) for warning in caught)
    assert re.search(r"1 of 7 trials \(onsets 10 s\) are dropped, because most", said)
    assert epochs.drop_log[2] == ("NO SIGNAL",)
    assert list(epochs.metadata["onset"]) == [2, 6, 14, 18, 22, 26]
    with pytest.warns(RuntimeWarning, match="hold one value"):
        assert len(read_epochs(dataset, reject=None, **options)[0]) == 7


def test_stretches_without_a_signal_are_named(dataset):
    def change(samples):
        samples[2000:4000, 2] = 0
        wave = 40 * np.sin(2 * np.pi * 7.1 * np.arange(len(samples)) / SFREQ)
        samples[:, 5] = np.clip(wave, -30, 30)

    samples_in(dataset.root, change)
    with pytest.warns(RuntimeWarning) as caught:
        read_epochs(dataset, **PLAIN)
    said = " ".join(str(warning.message) for warning in caught)
    assert re.search("TI'2.* hold one value .*3.91 s from 3.906 s on", said)
    assert re.search("B1.* stay at their largest .* saturated", said)


def test_runs_of_unlike_amplitude_are_told(dataset):
    samples_in(dataset.root, lambda s: s.__imul__(10))
    with pytest.warns(
        RuntimeWarning, match="runs differ by a factor of 1.* run-1|header of"
    ):
        read_epochs(find_recordings(dataset.root), reject=None, **PLAIN)


@pytest.mark.parametrize(
    "content",
    [
        b"/annex/objects/SHA256E-s72--00.eeg\n",
        b"version https://git-lfs.github.com/1\n",
    ],
)
def test_samples_that_were_not_fetched(dataset, content):
    file = header(dataset).with_suffix(".eeg")
    file.write_bytes(content)
    with pytest.raises(FileNotFoundError, match="was not fetched.*datalad get"):
        read_epochs(dataset, **PLAIN)
    file.unlink()
    file.symlink_to("../../.git/annex/objects/aa/bb.eeg")
    with pytest.raises(FileNotFoundError, match="was not fetched.*git annex get"):
        read_epochs(dataset, **PLAIN)
    assert outcome(dataset, "recording")[0] == {"error"}


# --------------------------------------------------- words where labs keep them


def test_a_condition_beside_the_label(base_dataset):
    all_of_them, _ = read_epochs(base_dataset, **PLAIN)
    chosen, _ = read_epochs(
        base_dataset, label_column="talker", where={"trial_type": ["ba", "da"]}, **PLAIN
    )
    kept = all_of_them.metadata["trial_type"].isin(["ba", "da"])
    assert list(chosen.metadata["onset"]) == list(all_of_them.metadata["onset"][kept])
    early, _ = read_epochs(base_dataset, where="response_time < 0.43", **PLAIN)
    assert list(early.metadata["onset"]) == [2, 6, 10]
    with pytest.raises(ValueError, match="`where`: 'nothing' is not a column"):
        read_epochs(base_dataset, where={"nothing": 1}, **PLAIN)
    with pytest.raises(ValueError, match="has no 'zz'; there are ba, da, ga"):
        read_epochs(base_dataset, where={"trial_type": "zz"}, **PLAIN)
    with pytest.raises(ValueError, match="cannot be evaluated"):
        read_epochs(base_dataset, where="response_time <", **PLAIN)


def test_labels_in_another_column_are_named(dataset):
    examples.edit(dataset.root, EVENTS, lambda t: t.assign(trial_type="n/a"))
    with pytest.raises(
        ValueError, match=r"could hold labels: .*value .1, 2, 3.*talker"
    ):
        read_epochs(dataset, **PLAIN)


def test_one_label_twice_at_an_onset_is_one_trial(dataset):
    def again(table):
        return pd.concat([table, table.iloc[[2]].assign(talker="t9")])

    examples.edit(dataset.root, EVENTS, again)
    with pytest.warns(RuntimeWarning, match="1 events repeat the label"):
        assert len(read_epochs(dataset, **PLAIN)[0]) == 7


def test_two_trials_on_one_sample_are_named(dataset):
    def almost(table):
        return pd.concat([table, table.iloc[[1]].assign(onset="6.0004")])

    examples.edit(dataset.root, EVENTS, almost)
    with pytest.raises(ValueError, match=r"onsets 6 s, 6.0004 s fall on one sample"):
        read_epochs(dataset, **PLAIN)

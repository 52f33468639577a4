"""Round trips: what each format writes comes back with samples, places and events."""

import datetime
import sys

import bids_examples as examples
import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.io import find_recordings, read_contacts, read_epochs, read_raw
from mne_duin.io._nwb import read_raw_nwb

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def check_dataset(path, tolerance):
    """Compare a dataset with the recording that it was made of."""
    source = examples.make_raw(0)
    raw = read_raw(path)
    names = list(examples.contact_positions())
    assert [n for n in raw.ch_names if n != "EKG"] == names
    assert raw.info["sfreq"] == source.info["sfreq"]
    stop = source.n_times
    np.testing.assert_allclose(
        raw.get_data(names, stop=stop), source.get_data(names), atol=tolerance
    )
    contacts = read_contacts(path)
    places = np.array([examples.contact_positions()[n] for n in contacts.index])
    np.testing.assert_allclose(contacts[["x", "y", "z"]], places, atol=1e-4)
    assert set(contacts["space"]) == {"fsaverage"}
    kept = [d in examples.WORDS for d in raw.annotations.description]
    np.testing.assert_allclose(
        raw.annotations.onset[kept], source.annotations.onset, atol=2e-3
    )
    assert list(raw.annotations.description[kept]) == list(
        source.annotations.description
    )
    assert raw.info["line_freq"] == 50
    epochs, table = read_epochs(path)
    assert len(epochs) == len(source.annotations)
    assert list(table.index) == epochs.ch_names


@pytest.mark.parametrize(
    ("form", "ending", "tolerance"),
    [
        ("BrainVision", ".vhdr", 1e-9),
        ("EDF", ".edf", 3e-9),
        ("EEGLAB", ".set", 1e-10),
    ],
)
def test_what_mne_bids_writes(tmp_path, form, ending, tolerance):
    path = examples.write_dataset(tmp_path / "bids", format=form)
    assert find_recordings(path.root)[0].extension == ending
    check_dataset(path, tolerance)


def swap_file(path, ending):
    """Take the BrainVision files away and return where another format goes."""
    stem = path.copy().update(extension=".vhdr").fpath
    for old in (".vhdr", ".vmrk", ".eeg"):
        stem.with_suffix(old).unlink()
    return stem.with_suffix(ending)


def write_nwb(file, *, electrodes=True, rate=examples.SFREQ, unit="volts", words=False):
    """Write an NWB file: an electrical series, or the Dutch set's plain one."""
    pynwb = pytest.importorskip("pynwb")
    raw = examples.make_raw(0)
    content = new_nwb(pynwb)
    data = raw.get_data().T
    if electrodes:
        region = add_electrodes(content, raw.ch_names)
        microvolts = (data * 1e6).astype(np.float64)
        series = pynwb.ecephys.ElectricalSeries(
            name="iEEG",
            data=microvolts,
            electrodes=region,
            rate=rate,
            conversion=1e-6,
        )
    else:
        series = pynwb.TimeSeries(name="iEEG", data=data * 1e6, unit=unit, rate=rate)
    content.add_acquisition(series)
    if words:
        spoken = np.full(raw.n_times, "", dtype=object)
        for onset, word in zip(
            raw.annotations.onset, raw.annotations.description, strict=True
        ):
            first = int(round(onset * rate))
            spoken[first : first + int(rate)] = word
        content.add_acquisition(
            pynwb.TimeSeries(
                name="Stimulus", data=spoken.astype("U"), unit="-", rate=rate
            )
        )
        sound = np.zeros(1000, dtype=np.int16)
        content.add_acquisition(
            pynwb.TimeSeries(name="Audio", data=sound, unit="-", rate=48000.0)
        )
    with pynwb.NWBHDF5IO(file, "w") as out:
        out.write(content)


def new_nwb(pynwb):
    """Make an empty NWB file."""
    return pynwb.NWBFile(
        session_description="words", identifier="one", session_start_time=START
    )


def add_electrodes(content, names):
    """Fill the table of electrodes."""
    device = content.create_device(name="amplifier")
    group = content.create_electrode_group(
        name="all", description="-", location="-", device=device
    )
    content.add_electrode_column(name="channel_name", description="name")
    for name in names:
        content.add_electrode(group=group, location="-", channel_name=name)
    return content.create_electrode_table_region(
        region=list(range(len(names))), description="all"
    )


@pytest.fixture
def nwb_dataset(tmp_path):
    """A dataset whose recording is to be written as NWB."""
    path = examples.write_dataset(tmp_path / "bids")
    return path, swap_file(path, ".nwb")


def test_nwb_with_electrodes(nwb_dataset):
    path, file = nwb_dataset
    write_nwb(file)
    check_dataset(path, 1e-12)


def test_nwb_in_the_layout_of_the_dutch_words(nwb_dataset):
    path, file = nwb_dataset
    write_nwb(file, electrodes=False, unit="uV", words=True)
    path.copy().update(suffix="events", extension=".tsv").fpath.unlink()
    with pytest.warns(RuntimeWarning, match="events.tsv .* is missing; the 7 events"):
        epochs, _ = read_epochs(path)
    assert epochs.event_id == {"ba": 1, "da": 2, "ga": 3}
    source = examples.make_raw(0).annotations
    assert list(epochs.metadata["onset"]) == pytest.approx(list(source.onset))
    assert list(epochs.metadata["trial_type"]) == list(source.description)
    assert epochs.metadata["duration"].iloc[0] == pytest.approx(1.0)


def test_nwb_words_stand_in_for_a_label_column(nwb_dataset):
    path, file = nwb_dataset
    write_nwb(file, words=True)
    examples.edit(path.root, "*_events.tsv", lambda t: t.drop(columns="trial_type"))
    with pytest.warns(RuntimeWarning, match="without a column 'trial_type'"):
        epochs, _ = read_epochs(path)
    assert len(epochs) == 7


def test_nwb_reads_only_what_is_asked_for(nwb_dataset):
    _, file = nwb_dataset
    write_nwb(file)
    raw = read_raw_nwb(file)
    whole = examples.make_raw(0)
    one = raw.copy().pick(["B1"]).load_data()
    part = raw.get_data(["B2", "TI'1"], start=100, stop=200)
    np.testing.assert_allclose(
        part, whole.get_data(["B2", "TI'1"], 100, 200), atol=1e-12
    )
    assert not raw.preload
    np.testing.assert_allclose(one.get_data(), whole.get_data(["B1"]), atol=1e-12)


def test_nwb_without_names_or_with_strange_units(nwb_dataset):
    path, file = nwb_dataset
    write_nwb(file, electrodes=False, unit="furlong")
    with (
        pytest.warns(RuntimeWarning, match="unit 'furlong' .* taken as volts"),
        pytest.raises(ValueError, match="9 channels and no names"),
    ):
        read_raw_nwb(file)
    with pytest.warns(RuntimeWarning, match="taken as µV"):
        raw = read_raw(path)
    np.testing.assert_allclose(raw.get_data(), examples.make_raw(0).get_data())
    examples.edit(path.root, "*_channels.tsv", lambda t: t.iloc[:-1])
    with (
        pytest.warns(RuntimeWarning, match="'furlong' .* taken as µV"),
        pytest.raises(ValueError, match="9 channels and 8 names"),
    ):
        read_raw(path)


def write_series(file, data, times, *, offset=0.0, stimulus=None):
    """Write a plain NWB series in µV, whose times are a rate and a start, or stamps."""
    pynwb = pytest.importorskip("pynwb")
    content = new_nwb(pynwb)
    series = pynwb.TimeSeries(
        name="iEEG", data=data.T * 1e6 - offset, unit="uV", offset=offset, **times
    )
    content.add_acquisition(series)
    if stimulus is not None:
        content.add_acquisition(pynwb.TimeSeries(**stimulus))
    with pynwb.NWBHDF5IO(file, "w") as out:
        out.write(content)


@pytest.mark.parametrize("stamps", [False, True])
@pytest.mark.by_default("True")
def test_nwb_series_that_start_at_different_times(nwb_dataset, stamps):
    """The recording starts at 12 s of the session, the words at 10 s."""
    path, file = nwb_dataset
    raw = examples.make_raw(0)
    rate, words = 100.0, np.full(3400, "", dtype=object)
    onsets = raw.annotations.onset
    for onset, word in zip(onsets, raw.annotations.description, strict=True):
        first = int(round((onset + 2) * rate))
        words[first : first + 50] = word
    clock = {"rate": rate, "starting_time": 10.0}
    if stamps:
        clock = {"timestamps": 10.0 + np.arange(3400) / rate}
    stimulus = {"name": "Stimulus", "data": words.astype("U"), "unit": "-"} | clock
    times = {"rate": raw.info["sfreq"], "starting_time": 12.0}
    if stamps:
        times = {"timestamps": 12.0 + np.arange(raw.n_times) / raw.info["sfreq"]}
    write_series(file, raw.get_data(), times, offset=300.0, stimulus=stimulus)
    for sidecar in path.root.rglob("*_events.tsv"):
        sidecar.unlink()
    with pytest.warns(RuntimeWarning, match="the 7 events"):
        epochs, _ = read_epochs(path, sfreq=None)
    np.testing.assert_allclose(epochs.metadata["onset"], onsets, atol=1e-6)
    np.testing.assert_allclose(
        read_raw(path).get_data(), raw.get_data(), rtol=1e-9, atol=1e-12
    )


def test_nwb_time_stamps_with_a_gap(nwb_dataset):
    path, file = nwb_dataset
    raw = examples.make_raw(0)
    stamps = 5.0 + np.arange(raw.n_times) / raw.info["sfreq"]
    stamps[7680:] += 10.0
    write_series(file, raw.get_data(), {"timestamps": stamps})
    found = read_raw_nwb(file, raw.ch_names)
    assert found.n_times == raw.n_times + 5120
    data = found.get_data()
    np.testing.assert_allclose(data[:, :7680], raw.get_data(stop=7680), atol=1e-12)
    np.testing.assert_allclose(data[:, 12800:], raw.get_data(start=7680), atol=1e-12)
    assert not data[:, 7680:12800].any()
    assert list(found.annotations.description) == ["BAD_ACQ_SKIP"]
    assert found.copy().pick(["B2"]).get_data(start=12800) == pytest.approx(
        raw.get_data(["B2"], start=7680)
    )
    stamps[100] += 0.02
    write_series(file, raw.get_data(), {"timestamps": stamps})
    with pytest.raises(ValueError, match="time stamps"):
        read_raw_nwb(file, raw.ch_names)


def test_nwb_that_is_none_or_has_no_series(nwb_dataset):
    pynwb = pytest.importorskip("pynwb")
    path, file = nwb_dataset
    with pynwb.NWBHDF5IO(file, "w") as out:
        out.write(new_nwb(pynwb))
    with pytest.raises(ValueError, match="no electrical series"):
        read_raw(path)
    file.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be opened"):
        read_raw(path)


@pytest.mark.parametrize(
    ("module", "extra", "ending"), [("pynwb", "nwb", ".nwb"), ("pymef", "mef", ".mefd")]
)
def test_missing_extras_are_one_sentence(tmp_path, monkeypatch, module, extra, ending):
    path = examples.write_dataset(tmp_path / "bids")
    file = swap_file(path, ending)
    file.mkdir() if ending == ".mefd" else file.touch()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'pip install "mne-duin\[{extra}\]"'):
        read_raw(path)


def test_mef3(tmp_path):
    mef_session = pytest.importorskip("pymef.mef_session")
    path = examples.write_dataset(tmp_path / "bids")
    folder = swap_file(path, ".mefd")
    raw = examples.make_raw(0)
    session = mef_session.MefSession(str(folder), None, False, True)
    start = 1_600_000_000_000_000
    for name, samples in zip(raw.ch_names, raw.get_data(), strict=True):
        length = int(raw.n_times / raw.info["sfreq"] * 1e6)
        about = {
            "sampling_frequency": raw.info["sfreq"],
            "units_conversion_factor": 0.001,
            "units_description": "uV",
            "start_sample": 0,
            "recording_duration": length,
        }
        session.write_mef_ts_segment_metadata(
            name,
            0,
            None,
            None,
            start,
            start + length,
            about,
            {"recording_time_offset": start},
        )
        counts = np.round(samples * 1e9).astype(np.int32)
        session.write_mef_ts_segment_data(name, 0, None, None, 512, counts)
    session.close()
    check_dataset(path, 1e-9)


def test_missing_positions_do_not_stop_a_format(tmp_path):
    path = examples.write_dataset(tmp_path / "bids")
    for file in path.root.rglob("*_space-*"):
        file.unlink()
    with pytest.warns(RuntimeWarning, match="no electrodes.tsv"):
        contacts = read_contacts(path)
    assert contacts["x"].isna().all()
    assert list(contacts["shaft"].unique()) == ["TI'", "B"]


def test_picks(tmp_path):
    path = examples.write_dataset(tmp_path / "bids")
    assert read_raw(path, picks=["B1"]).ch_names == ["B1"]
    assert read_raw(path, picks="ecg").ch_names == ["EKG"]
    assert isinstance(read_raw(path), mne.io.BaseRaw)
    assert isinstance(read_contacts(path), pd.DataFrame)


def test_eeglab_boundaries_and_trials(tmp_path):
    """A boundary is a place, however much was cut out there."""
    path = examples.write_dataset(tmp_path / "bids")
    file = swap_file(path, ".set")
    raw = examples.make_raw(0).pick("seeg")
    examples.edit(path.root, "*_channels.tsv", lambda t: t[t["type"] == "SEEG"])
    cut = mne.Annotations([14.7], [4.0], ["boundary"])
    marked = raw.copy().set_annotations(raw.annotations + cut)
    mne.export.export_raw(file, marked, verbose="error")
    plain = {"reference": "none", "l_freq": None, "h_freq": None, "notch": None}
    plain |= {"sfreq": None, "tmin": 0.0, "tmax": 1.0}
    with pytest.warns(RuntimeWarning, match="1 of 7 trials reach across a gap"):
        epochs, _ = read_epochs(path, **plain)
    assert list(epochs.metadata["onset"]) == [2, 6, 10, 18, 22, 26]
    trials = mne.make_fixed_length_epochs(raw, 3.0, preload=True, verbose="error")
    mne.export.export_epochs(file, trials, overwrite=True, verbose="error")
    found = read_raw(path)
    np.testing.assert_allclose(found.get_data(), raw.get_data(), atol=1e-10)
    edges = found.annotations.description == "BAD boundary"
    np.testing.assert_allclose(found.annotations.onset[edges], np.arange(3, 30, 3))
    with pytest.warns(RuntimeWarning, match="7 of 7 trials reach"):
        with pytest.raises(ValueError, match="None of the 7 windows"):
            read_epochs(path, **plain | {"tmin": -1.5, "tmax": 1.5})

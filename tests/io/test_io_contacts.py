"""Contacts from sidecars alone: the kinds of tables that public datasets hold."""

import json

import mne
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath

from mne_duin.channels import bipolar_pairs, label_contacts
from mne_duin.cli.main import main
from mne_duin.data import data_path
from mne_duin.io import read_contacts, read_epochs
from tests.io.bids_examples import edit, set_json, write_dataset

POINTS = {f"A{i}": (-40 - 3.5 * i, -10, 5) for i in range(1, 5)}


def write_tsv(path, rows):
    """Write rows (dicts) as a sidecar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False, na_rep="n/a")


def electrodes(points=POINTS, **columns):
    """Rows of electrodes.tsv; columns have one value for all, or one for each."""
    rows = []
    for i, (name, xyz) in enumerate(points.items()):
        more = {k: v if isinstance(v, str) else v[i] for k, v in columns.items()}
        rows.append({"name": name, **dict(zip("xyz", xyz, strict=True)), **more})
    return rows


def channels(names, kind="SEEG", **columns):
    """Rows of channels.tsv."""
    rows = []
    for i, name in enumerate(names):
        more = {k: v if isinstance(v, str) else v[i] for k, v in columns.items()}
        rows.append({"name": name, "type": kind, "units": "uV", **more})
    return rows


def subject(root, stem="", *, electrode_rows=None, channel_rows=None, system=None):
    """Write the sidecars of subject 01; return its path."""
    folder = root / "sub-01" / "ieeg"
    stem = f"sub-01{stem}"
    if electrode_rows is not None:
        write_tsv(folder / f"{stem}_electrodes.tsv", electrode_rows)
    if channel_rows is not None:
        write_tsv(folder / f"{stem}_task-x_channels.tsv", channel_rows)
    if system is not None:
        fields = {"iEEGCoordinateSystem": system, "iEEGCoordinateUnits": "mm"}
        (folder / f"{stem}_coordsystem.json").write_text(json.dumps(fields))
    return BIDSPath(subject="01", root=root, datatype="ieeg", check=False)


def test_electrodes_alone_at_the_command_line(tmp_path, capsys):
    subject(tmp_path, electrode_rows=electrodes(), system="MNI152Lin")
    assert main(["contacts", str(tmp_path), "--subject", "01", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "4 contacts: 4 with a position (MNI152Lin (4)), 4 with a label" in text
    assert "Regions: " in text


def test_the_command_counts_the_reasons(tmp_path, capsys):
    rows = electrodes({**POINTS, "A5": (np.nan,) * 3, "A6": (-140, 0, 0)})
    subject(tmp_path, electrode_rows=rows, system="MNI152Lin")
    table = tmp_path / "contacts.tsv"
    command = ["contacts", str(tmp_path), "--subject", "01", "--quiet"]
    assert main([*command, "--out", str(table)]) == 0
    text = capsys.readouterr().out
    assert "Without a label: no position (1), outside the brain (1)" in text
    written = pd.read_csv(table, sep="\t", index_col="name")
    assert {"label_reason", "label_candidates", "region_probability"} <= set(written)


@pytest.mark.parametrize("entity", ["acq", "ses"])
def test_no_implantation_is_chosen_silently(tmp_path, capsys, entity):
    for value, shift in (("one", 0), ("two", 40)):
        points = {n: (x, y + shift, z) for n, (x, y, z) in POINTS.items()}
        path = subject(
            tmp_path, f"_{entity}-{value}", electrode_rows=electrodes(points)
        )
    name = {"acq": "acquisition", "ses": "session"}[entity]
    with pytest.raises(ValueError, match=f"{name}s one, two; choose one with {name}="):
        read_contacts(path)
    assert main(["contacts", str(tmp_path), "--subject", "01"]) == 2
    assert f"--{name}" in capsys.readouterr().err
    if entity == "acq":
        path = path.copy().update(acquisition="two")
        with pytest.warns(RuntimeWarning, match="no coordsystem.json"):
            with pytest.warns(RuntimeWarning, match="taken as mm"):
                assert read_contacts(path)["y"].iloc[0] == 30


def test_montages_with_other_channels_must_be_named(tmp_path):
    folder = tmp_path / "sub-01" / "ieeg"
    for acq, names in (("bipolar", ["A1-A2"]), ("monopolar", ["A1", "A2"])):
        file = folder / f"sub-01_task-x_acq-{acq}_channels.tsv"
        write_tsv(file, channels(names))
    path = BIDSPath(subject="01", root=tmp_path, datatype="ieeg", check=False)
    with pytest.raises(ValueError, match="acquisition .bipolar, monopolar."):
        read_contacts(path)


@pytest.mark.filterwarnings("ignore:There is no:RuntimeWarning")
def test_channels_that_are_no_contacts_are_named_and_left_out(tmp_path):
    names = ["LA1", "LA2", "EKG1", "C3", "PZ", "DC01", "N/A", "B1-AV"]
    path = subject(tmp_path, channel_rows=channels(names))
    with pytest.warns(RuntimeWarning, match="2 .*scalp channels.*: PZ, C3"):
        with pytest.warns(
            RuntimeWarning, match="auxiliary channels.*: EKG1, DC01, N/A"
        ):
            contacts = read_contacts(path)
    assert list(contacts.index) == ["LA1", "LA2", "B1-AV"]


def test_unnumbered_and_unplaced_contacts_do_not_crash(tmp_path):
    names = [*POINTS, "X", "A9"]
    path = subject(
        tmp_path,
        electrode_rows=electrodes(),
        channel_rows=channels(names),
        system="MNI152Lin",
    )
    with pytest.warns(RuntimeWarning, match="lacks 2 contact.*: X, A9"):
        contacts = read_contacts(path)
    assert list(contacts.index) == names
    assert pd.isna(contacts.loc["X", "shaft"])
    assert contacts.loc["A9", "number"] == 9
    assert contacts.loc["A9", ["x", "y", "z"]].isna().all()


def test_plain_numbers_with_a_group_of_channels_tsv(tmp_path):
    points = {str(i): (-40, 5 * (i % 4), 20 + 10 * (i // 4)) for i in range(8)}
    path = subject(
        tmp_path,
        electrode_rows=electrodes(points),
        channel_rows=channels(points, "ECOG", group=list("11112222")),
        system="MNI305",
    )
    pairs = bipolar_pairs(read_contacts(path))
    assert pairs == [(str(i), str(i + 1)) for i in (0, 1, 2, 4, 5, 6)]


def test_positions_and_the_label_of_other_columns(tmp_path):
    mni = {f"mni.{a}": [str(x) for x in (51, -10, -1)][k] for k, a in enumerate("xyz")}
    rows = electrodes({"RT1": (50, -10, 0)}, region1="Superior Temporal Gyrus", **mni)
    path = subject(tmp_path, electrode_rows=rows, system="Talairach")
    with mne.utils.catch_logging(verbose="info") as log:
        contacts = read_contacts(path)
    assert "positions are taken from the columns mni.x, mni.y, mni.z" in log.getvalue()
    assert list(contacts.loc["RT1", ["x", "y", "z", "space"]]) == [
        51,
        -10,
        -1,
        "MNI152",
    ]
    own = read_contacts(path, space="Talairach")
    assert list(own.loc["RT1", ["x", "space"]]) == [50, "Talairach"]
    assert label_contacts(own)["label"].notna().all()


def test_a_file_without_x_y_z_but_with_other_columns(tmp_path):
    rows = [{"name": "A1", "MNI_x": -50, "MNI_y": -10, "MNI_z": 5}]
    path = subject(tmp_path, electrode_rows=rows, system="ACPC")
    contacts = read_contacts(path)
    assert list(contacts.loc["A1", ["x", "y", "z", "space"]]) == [-50, -10, 5, "MNI152"]


def test_labels_of_channels_tsv(tmp_path):
    rows = channels(["A1-AV", "A2-AV"], label=["precentral", "n/a"], side="R")
    path = subject(tmp_path, channel_rows=rows)
    with pytest.warns(RuntimeWarning, match="no electrodes.tsv"):
        contacts = label_contacts(read_contacts(path))
    assert list(contacts["atlas"]) == ["channels.tsv:label", None]
    assert list(contacts["hemisphere"]) == ["R", "R"]
    assert (
        contacts["label_reason"].iloc[1] == "no position; channels.tsv:label says n/a"
    )


def test_space_states_what_the_coordinates_are(tmp_path):
    path = subject(tmp_path, electrode_rows=electrodes(), system="Other")
    with pytest.warns(RuntimeWarning, match="taken as ScanRAS, as asked.*'Other'"):
        assert set(read_contacts(path, space="ScanRAS")["space"]) == {"ScanRAS"}
    with pytest.raises(ValueError, match="exists in: Other.*ACPC, ScanRAS, MNI152"):
        read_contacts(path, space="Mars")


def test_several_spaces_are_named_by_their_systems(tmp_path):
    subject(tmp_path, electrode_rows=electrodes(), system="Other")
    path = subject(tmp_path, "_space-ACPC", electrode_rows=electrodes(), system="ACPC")
    with pytest.raises(ValueError, match=r"several spaces \(ACPC, Other\)"):
        read_contacts(path)
    assert set(read_contacts(path, space="Other")["space"]) == {"Other"}
    assert set(read_contacts(path, space="ACPC")["space"]) == {"ACPC"}
    with pytest.raises(ValueError, match="`space` 'MNI152' is not there.*ACPC, Other"):
        read_contacts(path, space="MNI152")


def test_electrodes_json_says_mni_where_there_is_no_coordsystem(tmp_path):
    path = subject(tmp_path, electrode_rows=electrodes())
    words = {a: {"Description": f"the MNI coordinate on the {a}-axis"} for a in "xyz"}
    file = tmp_path / "sub-01" / "ieeg" / "sub-01_electrodes.json"
    file.write_text(json.dumps(words))
    with pytest.warns(RuntimeWarning, match="describes its coordinates as MNI"):
        with pytest.warns(RuntimeWarning, match="taken as mm"):
            assert set(read_contacts(path)["space"]) == {"MNI152"}


def test_unknown_positions_of_minus_999(tmp_path):
    rows = electrodes({**POINTS, "A5": (-999, -999, -999)})
    path = subject(tmp_path, electrode_rows=rows, system="MNI305")
    with pytest.warns(RuntimeWarning, match="A5 is -999, -999, -999 and not used"):
        assert read_contacts(path).loc["A5", ["x", "y", "z"]].isna().all()


def test_recorded_pairs_have_midpoints_and_both_labels(tmp_path):
    names = ["A1-A2", "A2-A3", "A10-A3"]
    path = subject(
        tmp_path,
        electrode_rows=electrodes(),
        channel_rows=channels(names),
        system="MNI152Lin",
    )
    contacts = label_contacts(read_contacts(path))
    assert list(contacts.index[:3]) == names
    first = contacts.loc["A1-A2"]
    assert list(first[["anode", "cathode"]]) == ["A1", "A2"]
    assert first["x"] == (POINTS["A1"][0] + POINTS["A2"][0]) / 2
    assert list(first[["anode_label", "cathode_label"]]) == list(
        contacts.loc[["A1", "A2"], "label"]
    )
    assert first["channel_type"] == "seeg"
    assert pd.isna(contacts.loc["A10-A3", "x"])
    assert bipolar_pairs(contacts) == []


PLAIN = {"tmin": 0, "tmax": 1, "l_freq": None, "h_freq": None, "notch": None}


@pytest.fixture
def dataset(tmp_path):
    """A valid dataset with one run."""
    return write_dataset(tmp_path / "bids")


def test_a_recording_said_to_be_bipolar_is_kept_as_it_is(dataset):
    set_json(dataset.root, "*_ieeg.json", iEEGReference="bipolar")
    match = "names do not tell the second contact"
    with pytest.warns(RuntimeWarning, match=match):
        single, _ = read_epochs(dataset, reference="none", sfreq=None, **PLAIN)
    with pytest.warns(RuntimeWarning, match=match):
        epochs, contacts = read_epochs(dataset, sfreq=None, **PLAIN)
    assert epochs.ch_names == single.ch_names
    np.testing.assert_array_equal(epochs.get_data(), single.get_data())
    assert set(contacts["cathode"]) == {"unknown"}


def test_max_distance_reaches_read_epochs(dataset):
    def stretch(table):
        table.loc[table["name"] == "B4", "x"] = "0.066"

    edit(dataset.root, "*_electrodes.tsv", stretch)
    near = read_epochs(dataset, sfreq=None, **PLAIN)[0].ch_names
    far = read_epochs(dataset, sfreq=None, max_distance=None, **PLAIN)[0].ch_names
    assert set(far) - set(near) == {"B3-B4"}
    with pytest.raises(ValueError, match="`max_distance` must be"):
        read_epochs(dataset, max_distance=-1, **PLAIN)


@pytest.mark.parametrize("reference", ["average", "white-matter"])
def test_references_of_many_contacts(dataset, reference):
    def say(table):
        table["WM"] = ["yes" if n in ("B1", "B2") else "no" for n in table["name"]]

    edit(dataset.root, "*_electrodes.tsv", say)
    single, _ = read_epochs(dataset, reference="none", sfreq=None, **PLAIN)
    epochs, contacts = read_epochs(dataset, reference=reference, sfreq=None, **PLAIN)
    names = single.ch_names if reference == "average" else ["B1", "B2"]
    mean = single.get_data(names).mean(axis=1, keepdims=True)
    kept = single.get_data(epochs.ch_names)
    np.testing.assert_allclose(epochs.get_data(), kept - mean, atol=1e-12)
    assert list(contacts.index) == epochs.ch_names


@pytest.mark.parametrize(("unit", "per_mm"), [("mm", 1.0), ("cm", 0.1), ("m", 0.001)])
@pytest.mark.parametrize("space", ["MNI152NLin2009cAsym", "fsaverage"])
def test_positions_units_and_labels_by_pandas_and_nibabel(
    tmp_path, unit, per_mm, space
):
    rng = np.random.default_rng(3)
    points = {f"A{i}": rng.uniform([-65, -80, -30], [65, 60, 70]) for i in range(1, 60)}
    scaled = {name: xyz * per_mm for name, xyz in points.items()}
    path = subject(tmp_path, electrode_rows=electrodes(scaled), system=space)
    set_json(tmp_path, "*_coordsystem.json", iEEGCoordinateUnits=unit)
    contacts = label_contacts(read_contacts(path), "atlas")

    file = next(tmp_path.rglob("*_electrodes.tsv"))
    plain = pd.read_csv(file, sep="\t", index_col="name")[["x", "y", "z"]] / per_mm
    np.testing.assert_allclose(contacts[["x", "y", "z"]], plain, rtol=1e-12)
    # FreeSurfer's affine from MNI305 to MNI152 (CoregistrationTransforms, 8b).
    affine = np.array(
        [
            [0.9975, -0.0073, 0.0176, -0.0429],
            [0.0146, 1.0009, -0.0024, 1.5496],
            [-0.0130, -0.0093, 0.9971, 1.1840],
        ]
    )
    xyz = plain.to_numpy()
    mni = xyz if space != "fsaverage" else xyz @ affine[:, :3].T + affine[:, 3]
    image = nib.load(data_path("desikan-killiany.nii.gz"))
    names = pd.read_csv(data_path("desikan-killiany.tsv"), sep="\t", index_col="index")
    voxels = np.round(nib.affines.apply_affine(np.linalg.inv(image.affine), mni))
    volume, checked = np.asanyarray(image.dataobj), 0
    for (_, contact), voxel, x in zip(
        contacts.iterrows(), voxels.astype(int), mni[:, 0], strict=True
    ):
        inside = (voxel >= 0).all() and (voxel < volume.shape).all()
        found = names.loc[volume[tuple(voxel)]] if inside else None
        if found is not None and found["tissue"] == "grey" and abs(x) > 2:
            assert contact["label"] == found["name"]
            assert contact["label_distance"] == 0
            checked += 1
        elif found is None:
            assert contact["label_distance"] != 0
    assert checked > 10


def test_a_pair_that_is_called_after_its_anode_lies_between_its_contacts(dataset):
    (file,) = dataset.root.rglob("*_channels.tsv")
    table = pd.read_csv(file, sep="\t", keep_default_na=False)
    first, second = table.loc[table["type"] == "SEEG", "name"].iloc[:2]
    table["reference"] = np.where(table["name"] == first, second, "n/a")
    places = read_contacts(dataset)
    table.to_csv(file, sep="\t", index=False)
    epochs, contacts = read_epochs(dataset, sfreq=None, **PLAIN)
    assert first in epochs.ch_names
    expected = places.loc[[first, second], ["x", "y", "z"]].mean()
    found = contacts.loc[first, ["x", "y", "z"]].astype(float)
    np.testing.assert_allclose(found, expected)
    assert list(contacts.loc[first, ["anode", "cathode"]]) == [
        f"{first} (contact)",
        second,
    ]
    assert pd.notna(contacts.loc[first, "cathode_label"])
    own = read_contacts(dataset).loc[f"{first} (contact)", ["x", "y", "z"]]
    np.testing.assert_allclose(
        own.astype(float), places.loc[first, ["x", "y", "z"]].astype(float)
    )

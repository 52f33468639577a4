"""Labels: parity with an independent lookup, spaces, and the ways to have no atlas."""

import mne
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import assign_labels, label_contacts, load_atlas, to_mni152
from mne_duin.channels._label_columns import find_label_column
from mne_duin.channels._spaces import to_mni305
from mne_duin.data import ATLAS_NAMES, data_path

SPACE = "MNI152NLin2009bAsym"


def table(xyz, space=SPACE, **columns):
    """A contacts table of points."""
    names = [f"A{i}" for i in range(1, len(xyz) + 1)]
    contacts = pd.DataFrame(np.asarray(xyz, float), names, ["x", "y", "z"])
    contacts.index.name = "name"
    return contacts.assign(space=space, **columns)


def brute_force(atlas, xyz, max_distance):
    """Distances to every grey voxel, without trees or rounding tricks."""
    image = nib.load(data_path(f"{atlas}.nii.gz"))
    labels = pd.read_csv(data_path(f"{atlas}.tsv"), sep="\t")
    grey = dict(labels[labels["tissue"] == "grey"][["index", "name"]].to_numpy())
    volume = np.asanyarray(image.dataobj)
    voxels = np.argwhere(np.isin(volume, list(grey)))
    centres = voxels @ image.affine[:3, :3].T + image.affine[:3, 3]
    inside, nearest, distance = [], [], []
    for point in xyz:
        offsets = np.abs(centres - point)
        holds = np.flatnonzero((offsets < 1.0).all(axis=1))
        inside.append(grey[volume[tuple(voxels[holds[0]])]] if len(holds) else None)
        reach = np.sqrt((offsets**2).sum(axis=1))
        best = np.flatnonzero(reach <= reach.min() + 1e-9)
        nearest.append({grey[volume[tuple(voxels[i])]] for i in best})
        distance.append(reach.min() if reach.min() <= max_distance else np.nan)
    return inside, nearest, np.array(distance)


@pytest.mark.parametrize("atlas", ATLAS_NAMES)
@pytest.mark.by_default("desikan-killiany")
def test_labels_agree_with_brute_force(atlas):
    rng = np.random.default_rng(3)
    xyz = rng.uniform([-70, -90, -40], [70, 65, 75], (60, 3))
    labels = assign_labels(table(xyz), atlas)
    inside, nearest, distance = brute_force(atlas, xyz, 5.0)
    assert sum(name is not None for name in inside) > 10
    for row, (_, contact) in enumerate(labels.iterrows()):
        if inside[row] is not None:
            assert contact["label"] == inside[row]
            assert contact["label_distance"] == 0
        elif np.isnan(distance[row]):
            assert pd.isna(contact["label"])
            assert pd.isna(contact["label_distance"])
        else:
            assert contact["label"] in nearest[row]
            assert contact["label_distance"] == pytest.approx(distance[row])


@pytest.fixture(scope="module")
def own_atlas(tmp_path_factory):
    """Two slabs of grey matter and one of white matter, 2 mm voxels."""
    volume = np.zeros((20, 4, 4), dtype=np.int16)
    volume[0:4], volume[4:8], volume[12:16] = 7, 9, 11
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    path = tmp_path_factory.mktemp("atlas") / "slabs.nii.gz"
    nib.save(nib.Nifti1Image(volume, affine), path)
    rows = {"index": [7, 9, 11], "name": ["left one", "White-Matter", "right one"]}
    pd.DataFrame(rows).to_csv(path.with_name("slabs.tsv"), sep="\t", index=False)
    return path


def test_an_atlas_of_ones_own_and_the_policies(own_atlas):
    points = table([[2, 2, 2], [10, 2, 2], [20.5, 2, 2], [70, 2, 2]])
    near = assign_labels(points, own_atlas)
    assert list(near["label"]) == ["left one", "left one", "right one", None]
    np.testing.assert_allclose(near["label_distance"], [0, 4, 3.5, np.nan])
    assert set(near["atlas"].dropna()) == {"slabs"}
    kept = assign_labels(points, own_atlas, white_matter="keep", unknown="outside")
    assert list(kept["label"])[1] == "White-Matter"
    assert list(kept["label"])[3] == "outside"
    far = assign_labels(points, own_atlas, max_distance=0)
    assert list(far["label"]) == ["left one", None, None, None]
    paths = (own_atlas, own_atlas.with_name("slabs.tsv"))
    assert list(assign_labels(points, paths)["label"]) == list(near["label"])
    native = assign_labels(points.assign(space="ACPC"), own_atlas, atlas_space="ACPC")
    assert list(native["label"]) == list(near["label"])


@pytest.mark.parametrize("space", ["MNI305", "fsaverage"])
def test_mni305_is_converted(space):
    xyz = np.random.default_rng(0).uniform(-60, 60, (50, 3))
    there = to_mni152(table(xyz, space))
    assert 0.5 < np.linalg.norm(there - xyz, axis=1).mean() < 4
    back = to_mni305(table(there, "MNI152Lin"))
    np.testing.assert_allclose(back, xyz, atol=1e-9)
    direct = assign_labels(table(there))["label"]
    pd.testing.assert_series_equal(assign_labels(table(xyz, space))["label"], direct)


@pytest.mark.parametrize(
    ("space", "match"),
    [
        ("ACPC", "native space 'ACPC'.*subjects_dir"),
        ("ScanRAS", "native space"),
        ("MNIColin27", "no known map from the space 'MNIColin27'"),
        ("Other", "no known map.*state what they are"),
        ("Pixels", "no known map"),
        ("n/a", "no known map"),
    ],
)
def test_other_spaces_are_refused_with_a_reason(space, match):
    with pytest.raises(ValueError, match=match):
        assign_labels(table([[-50, -10, 20]], space))


def test_unknown_coordinates_get_no_label_and_are_reported():
    with mne.utils.catch_logging(verbose="info") as log:
        out = assign_labels(table([[-50, -10, 20], [np.nan] * 3]))
    assert pd.isna(out["label"].iloc[1])
    assert "1 contact(s) have no coordinates and get no label: A2" in log.getvalue()


def test_a_table_without_coordinates_is_refused():
    with pytest.raises(ValueError, match="lacks the column.*space"):
        assign_labels(table([[0, 0, 0]]).drop(columns="space"))


@pytest.fixture(scope="module")
def subjects_dir(tmp_path_factory):
    """A FreeSurfer folder whose parcellation is the bundled atlas, shifted by 7 mm."""
    folder = tmp_path_factory.mktemp("subjects")
    (folder / "sub1" / "mri").mkdir(parents=True)
    image = nib.load(data_path("desikan-killiany.nii.gz"))
    labels = pd.read_csv(data_path("desikan-killiany.tsv"), sep="\t")
    numbers = labels["freesurfer_index"].to_numpy()
    shift = np.eye(4)
    shift[:3, 3] = 7
    volume = numbers[np.asanyarray(image.dataobj)].astype(np.int32)
    path = folder / "sub1" / "mri" / "aparc+aseg.mgz"
    nib.save(nib.MGHImage(volume, shift @ image.affine), path)
    return folder


def test_native_contacts_use_the_subjects_own_parcellation(subjects_dir):
    xyz = np.random.default_rng(1).uniform([-60, -80, -30], [60, 60, 60], (40, 3))
    own = {"fs_subject": "sub1", "subjects_dir": subjects_dir}
    native = assign_labels(table(xyz + 7, "ACPC"), **own)
    template = assign_labels(table(xyz))
    assert template["label"].notna().sum() > 20
    assert (native["label"].fillna("") == template["label"].fillna("")).all()
    assert set(native["atlas"].dropna()) == {"desikan-killiany (sub1)"}
    with pytest.raises(ValueError, match="not in the native space"):
        assign_labels(table(xyz), **own)
    with pytest.raises(FileNotFoundError, match="aparc.a2009s"):
        assign_labels(table(xyz, "ACPC"), "destrieux", **own)


def test_the_source_of_a_label_is_chosen_per_contact():
    contacts = table([[-50, -10, 20], [np.nan] * 3], area=["from file", "insula"])
    out = label_contacts(contacts)
    assert list(out["atlas"]) == ["desikan-killiany", "electrodes.tsv:area"]
    assert out["label"].iloc[1] == "insula"
    taken = label_contacts(contacts, "area")
    assert list(taken["label"]) == ["from file", "insula"]
    with pytest.raises(ValueError, match="no column 'nothing'"):
        label_contacts(contacts, "nothing")
    with pytest.raises(ValueError, match="native"):
        label_contacts(contacts.assign(space="ACPC"), "atlas")


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("desikan_label", ["ctx-lh-insula"], True),
        ("anatomical label", ["insula"], True),
        ("location", ["insula"], True),
        ("Brain_Area", ["insula"], True),
        ("anat", ["n/a"], False),
        ("roi", ["12"], False),
        ("impedance", ["low"], False),
        ("locomotion", ["yes"], False),
    ],
)
def test_label_columns_are_recognised(column, values, found):
    contacts = table([[1, 2, 3]]).assign(**{column: values})
    assert find_label_column(contacts) == (column if found else None)


def test_without_any_source_labels_are_missing():
    out = label_contacts(table([[5, 5, 5]], "ACPC"))
    assert out["label"].isna().all()
    assert out["label_distance"].isna().all()


def test_missing_or_incomplete_atlas_files_are_named(own_atlas, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.nii.gz does not exist"):
        load_atlas(tmp_path / "nowhere.nii.gz")
    with pytest.raises(ValueError, match="`atlas` must be one of"):
        load_atlas("desikan")
    lone = tmp_path / "lone.nii.gz"
    lone.write_bytes(own_atlas.read_bytes())
    with pytest.raises(FileNotFoundError, match="lone.tsv does not exist"):
        load_atlas(lone)
    (tmp_path / "lone.tsv").write_text("code\tname\n7\tx\n")
    with pytest.raises(ValueError, match=r"lacks the column\(s\) index"):
        load_atlas(lone)

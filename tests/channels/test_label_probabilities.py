"""Probabilities of labels and regions, hemispheres, and why a label is missing."""

import mne
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import assign_labels, assign_regions, label_contacts
from mne_duin.channels._label_columns import find_label_column
from mne_duin.channels._spaces import hemispheres, to_mni152
from mne_duin.data import data_path


def table(xyz, space="MNI152Lin", **columns):
    """A contacts table of points."""
    names = pd.Index([f"A{i}" for i in range(1, len(xyz) + 1)], name="name")
    contacts = pd.DataFrame(np.asarray(xyz, float), names, ["x", "y", "z"])
    return contacts.assign(space=space, **columns)


def candidates(text):
    """Labels and probabilities of one contact."""
    parts = [part.rsplit(" ", 1) for part in text.split("; ")]
    return {name: float(chance) for name, chance in parts}


@pytest.fixture(scope="module")
def grey():
    """Centers and names of the grey voxels of the bundled atlas, by nibabel alone."""
    image = nib.load(data_path("desikan-killiany.nii.gz"))
    labels = pd.read_csv(data_path("desikan-killiany.tsv"), sep="\t")
    names = labels.set_index("index")["name"][labels["tissue"].to_numpy() == "grey"]
    volume = np.asanyarray(image.dataobj)
    voxels = np.argwhere(np.isin(volume, names.index))
    centers = voxels @ image.affine[:3, :3].T + image.affine[:3, 3]
    return centers, names.loc[volume[tuple(voxels.T)]].to_numpy()


@pytest.mark.parametrize("error", [2.0, 4.0])
def test_probabilities_agree_with_a_sum_over_the_voxels(grey, error):
    centers, names = grey
    points = np.array([[-55, -10, 8], [-45, 10, 20], [40, -70, 30], [60, -30, 5.0]])
    out = assign_labels(table(points), error=error)
    for point, (_, row) in zip(points, out.iterrows(), strict=True):
        own_side = ~pd.Series(names).str.contains("rh-" if point[0] < 0 else "lh-")
        own_side &= ~pd.Series(names).str.startswith(
            "Right" if point[0] < 0 else "Left"
        )
        distances = ((centers - point) ** 2).sum(axis=1)
        near = (distances <= max(3 * error, 5) ** 2) & own_side.to_numpy()
        weights = np.exp(-distances[near] / (2 * error**2))
        truth = pd.Series(weights).groupby(names[near]).sum() / weights.sum()
        assert row["label_probability"] == pytest.approx(truth[row["label"]], abs=1e-6)
        for name, chance in candidates(row["label_candidates"]).items():
            assert chance == pytest.approx(truth[name], abs=0.006)


def test_a_smaller_error_is_surer_and_the_default_depends_on_the_space():
    points = [[-55, -10, 8], [-45, 10, 20]]
    sure = assign_labels(table(points), error=0.0)
    assert (sure["label_probability"] > 0.99).all()
    default = assign_labels(table(points))
    stated = assign_labels(table(points), error=5.5)
    pd.testing.assert_frame_equal(default, stated)
    with pytest.raises(ValueError, match="`error` must be"):
        assign_labels(table(points), error=-1.0)


@pytest.mark.parametrize("x", [-0.3, -1.0, -2.5, 0.3, 1.0, 2.5])
def test_no_label_crosses_the_midline(x):
    rng = np.random.default_rng(0)
    points = np.column_stack(
        [np.full(60, x), rng.uniform([-80, -10], [60, 60], (60, 2))]
    )
    out = assign_labels(table(points))
    other = "ctx-rh|Right" if x < 0 else "ctx-lh|Left"
    assert out["label"].notna().sum() > 20
    assert not out["label"].astype("string").str.contains(other).fillna(False).any()
    text = out["label_candidates"].astype("string")
    assert not text.str.contains(other).fillna(False).any()


def test_the_probability_of_a_region_is_that_of_its_labels():
    out = assign_labels(table([[-55, -10, 8], [-60, -30, 5], [-50, -10, 40.0]]))
    for regions, pattern in (("STG", "superiortemporal|transverse"),):
        found = assign_regions(out, regions)
        for _, row in found.iterrows():
            chances = pd.Series(candidates(row["label_candidates"]))
            inside = chances.index.str.contains(pattern)
            expected = chances[inside].sum() > chances[~inside].max()
            assert pd.notna(row["region"]) == expected
            if expected:
                total = chances[inside].sum()
                assert row["region_probability"] == pytest.approx(total)


def test_min_probability_leaves_unsure_contacts_out():
    out = assign_labels(table(np.random.default_rng(0).uniform(-60, 60, (200, 3))))
    every = assign_regions(out)
    sure = assign_regions(out, min_probability=0.7)
    assert (sure["region_probability"].dropna() >= 0.7).all()
    kept = sure["region"].notna()
    assert kept.sum() < every["region"].notna().sum()
    assert (sure["region"][kept] == every["region"][kept]).all()
    lab = pd.DataFrame({"label": ["insula"]}, ["A1"])
    assert list(assign_regions(lab, min_probability=0.9)["region"]) == ["insula"]
    with pytest.raises(ValueError, match="`min_probability` must be"):
        assign_regions(out, min_probability=2)


def test_a_label_changed_by_hand_gives_its_own_region():
    out = assign_labels(table([[-55, -10, 8]]))
    out["label"] = "ctx-lh-insula"
    assert list(assign_regions(out)["region"]) == ["insula"]


def test_every_contact_without_a_label_has_a_reason():
    points = [[-55, -10, 8], [np.nan] * 3, [-150, 0, 0], [-26, -20, 34]]
    with mne.utils.catch_logging(verbose="info") as log:
        out = assign_labels(table(points), max_distance=3.0)
    assert list(out["label_reason"].fillna("")) == [
        "",
        "no position",
        "outside the brain",
        "no gray matter within 3 mm",
    ]
    assert "1 contact(s) lie more than 10 mm outside the brain" in log.getvalue()
    mixed = table(points[:3], region1=["insula", "n/a", "no_label_found"])
    mixed["space"] = ["Other", "ACPC", "Pixels"]
    out = label_contacts(mixed)
    assert (out["label"].notna() | out["label_reason"].notna()).all()
    assert "no position; electrodes.tsv:region1 says n/a" in set(out["label_reason"])
    assert out["label_reason"].str.contains("no way from the space Pixels").any()


@pytest.mark.parametrize(
    ("column", "values", "label", "region"),
    [
        ("Destrieux_label_text", ["G&S_subcentral"], "G&S_subcentral", "vSMC"),
        ("ind.region", ["superiortemporal"], "superiortemporal", "STG"),
        ("region1", ["Insula"], "Insula", "insula"),
        ("notes", ["Right Superior Temporal Gyrus"], None, "STG"),
        ("AnatomicalLocation", ["STG, Left Superior Temporal Gyrus A22r"], None, "STG"),
        ("AnatomicalLocation", ["INS, Right Insular Gyrus vId/vIg"], None, "insula"),
        ("x1", ["SMG; IPL"], None, "SMG"),
        ("y1", ["Precentral Gyrus / Middle Frontal Gyrus"], None, "vSMC"),
    ],
)
def test_labels_come_from_any_column_and_match_regions(column, values, label, region):
    contacts = table([[np.nan] * 3]).assign(**{column: values})
    contacts["manufacturer"], contacts["lobe"] = "AdTech", "Temporal Lobe"
    out = assign_regions(label_contacts(contacts))
    assert out["label"].iloc[0] == (label or values[0])
    assert out["atlas"].iloc[0] == f"electrodes.tsv:{column}"
    assert out["region"].iloc[0] == region


def test_the_column_with_the_most_known_labels_is_taken():
    contacts = table([[np.nan] * 3] * 3).assign(
        lobe=["Temporal Lobe"] * 3,
        Wang_label_text=["n/a", "n/a", "V1"],
        Destrieux_label_text=["G_precentral", "n/a", "S_central"],
        hemisphere="L",
        channel_type="ecog",
    )
    assert find_label_column(contacts) == "Destrieux_label_text"


def test_a_label_of_the_lab_is_kept_beside_that_of_the_atlas():
    out = label_contacts(table([[-50, -10, 20]], label=["their name"]))
    assert out["label_electrodes"].iloc[0] == "their name"
    assert out["atlas"].iloc[0] == "desikan-killiany"


@pytest.mark.parametrize(
    ("space", "side"),
    [
        ("MNI152Lin", "L"),
        ("IXI549Space", "L"),
        ("Talairach", "L"),
        ("MNIColin27", "L"),
        ("ACPC", "L"),
        ("fsaverage", "L"),
        ("ScanRAS", None),
        ("Other", None),
        ("Pixels", None),
    ],
)
def test_x_means_the_hemisphere_where_the_origin_is_in_the_midline(space, side):
    found = hemispheres(table([[-5, 0, 0]], space))
    assert found.iloc[0] == side if side else pd.isna(found.iloc[0])
    stated = hemispheres(table([[-5, 0, 0]], space, side=["Right"]))
    assert stated.iloc[0] == "R"


# Lancaster et al. 2007, inverse of icbm2tal (pooled), computed by hand for one point.
def test_talairach_and_ixi549_are_read_with_the_published_transforms():
    matrix = np.array(
        [
            [0.9357, 0.0029, -0.0072, -1.0423],
            [-0.0065, 0.9396, -0.0726, -1.3940],
            [0.0103, 0.0752, 0.8967, 3.6475],
            [0, 0, 0, 1],
        ]
    )
    mni = np.random.default_rng(0).uniform(-60, 60, (20, 3))
    talairach = mni @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(to_mni152(table(talairach, "Talairach")), mni, atol=1e-9)
    np.testing.assert_array_equal(to_mni152(table(mni, "IXI549Space")), mni)


@pytest.fixture(scope="module")
def own_brain(tmp_path_factory):
    """A FreeSurfer volume whose scanner origin is 40 mm from the center of the cube."""
    folder = tmp_path_factory.mktemp("fs")
    (folder / "s1" / "mri").mkdir(parents=True)
    volume = np.zeros((128, 128, 128), np.int32)
    volume[40:60, 40:60, 40:60] = 1024
    affine = np.array([[-1, 0, 0, 64], [0, 0, 1, -104], [0, -1, 0, 64], [0, 0, 0, 1.0]])
    path = folder / "s1" / "mri" / "aparc+aseg.mgz"
    nib.save(nib.MGHImage(volume, affine), path)
    center = affine @ [50, 50, 50, 1]
    surface = nib.load(path).header.get_vox2ras_tkr() @ [50, 50, 50, 1]
    return {"fs_subject": "s1", "subjects_dir": folder}, center[:3], surface[:3]


def test_other_is_the_frame_in_which_the_contacts_lie_in_the_brain(own_brain):
    own, scanner, surface = own_brain
    for point, frame in ((scanner, "scanner"), (surface, "surface")):
        with pytest.warns(RuntimeWarning, match=f"taken as the {frame} coordinates"):
            out = assign_labels(table([point], "Other"), **own)
        assert list(out["label"]) == ["ctx-lh-precentral"]
    with pytest.raises(ValueError, match=r"fit alone.*space='ScanRAS'"):
        assign_labels(table([[900, 0, 0]], "Other"), **own)
    with pytest.warns(
        RuntimeWarning, match="Only 0 % of the contacts lie in the brain"
    ):
        assign_labels(table([surface + 500], "ScanRAS"), **own)

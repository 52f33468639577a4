"""Regions: the presets as data, their spellings, heights and hemispheres."""

import inspect

import mne
import numpy as np
import pandas as pd
import pytest

import mne_duin
from mne_duin.channels import REGIONS, assign_labels, assign_regions, load_atlas
from mne_duin.channels._label_words import plain
from mne_duin.channels._regions import expand
from mne_duin.datasets import SimulationSettings
from mne_duin.workflows._reading import channel_keywords


def labelled(labels, z=10.0, x=-50.0):
    """A contacts table with labels."""
    names = pd.Index([f"A{i}" for i in range(len(labels))], name="name")
    return pd.DataFrame(
        {"label": labels, "x": x, "y": 0.0, "z": z, "space": "MNI152Lin"}, names
    )


def region(label, **place):
    """The region of one label."""
    return assign_regions(labelled([label], **place))["region"].iloc[0]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("ctx-lh-precentral", "vSMC"),
        ("Left precentral gyrus", "vSMC"),
        ("postcentral_R", "vSMC"),
        ("ctx_lh_G_and_S_subcentral", "vSMC"),
        ("ctx-rh-superiortemporal", "STG"),
        ("Superior Temporal Gyrus", "STG"),
        ("ctx_rh_G_temp_sup-G_T_transv", "STG"),
        ("lh.bankssts", "STS"),
        ("S_temporal_sup", "STS"),
        ("ctx-lh-parsopercularis", "IFG"),
        ("ctx-lh-insula", "insula"),
        ("ctx-lh-supramarginal", "SMG"),
        ("ctx-lh-middletemporal", "MTG"),
        ("ctx-lh-paracentral", "dSMC"),
        ("Left-Hippocampus", None),
        (None, None),
    ],
)
def test_spellings(label, expected):
    found = region(label)
    assert (found == expected) if expected else pd.isna(found)


PAPER = {
    "Cerebral White Matter": 20,
    "Postcentral Gyrus": 15,
    "Heschl's Gyrus (includes H1 and H2)": 14,
    "Planum Temporale": 14,
    "Insular Cortex": 14,
    "Central Opercular Cortex": 13,
    "Precentral Gyrus": 11,
    "Superior Temporal Gyrus, posterior division": 8,
    "Middle Temporal Gyrus, temporooccipital part": 3,
    "Angular Gyrus": 3,
    "Supramarginal Gyrus, anterior division": 2,
    "Parietal Operculum Cortex": 1,
    "Temporal Fusiform Cortex, posterior division": 1,
    "Precuneous Cortex": 1,
}


@pytest.mark.parametrize(
    ("regions", "count"),
    [
        ({"narrow": ["precentral", "postcentral", "superiortemporal"]}, 34),
        (["vSMC", "STG"], 75),
        (["vSMC", "STG", "insula"], 89),
        ("perisylvian", 92),
        (["vSMC", "STG", "MTG"], 78),
    ],
)
def test_presets_cover_what_the_paper_chose(regions, count):
    contacts = labelled(list(PAPER)).assign(z=np.nan)
    inside = assign_regions(contacts, regions)["region"].notna().to_numpy()
    assert sum(PAPER.values()) == 120
    assert np.array(list(PAPER.values()))[inside].sum() == count


def test_height_separates_ventral_from_dorsal():
    assert region("ctx-lh-precentral", z=39.9) == "vSMC"
    assert region("ctx-lh-precentral", z=40.1) == "dSMC"
    assert region("ctx_lh_G_and_S_subcentral", z=41.0) == "vSMC"


def test_labels_alone_are_enough_and_that_is_said():
    contacts = pd.DataFrame({"label": ["precentral"]}, pd.Index(["A1"], name="name"))
    with mne.utils.catch_logging(verbose="info") as log:
        assert assign_regions(contacts)["region"].iloc[0] == "vSMC"
    assert "1 contact(s) without a height in MNI152 count as vSMC" in log.getvalue()


def test_one_hemisphere():
    contacts = labelled(["ctx-lh-insula", "ctx-rh-insula", "insula"], x=20.0)
    right = assign_regions(contacts, "insula-rh")["region"]
    assert list(right.notna()) == [False, True, True]


def test_every_preset_has_both_sides_and_a_description():
    names = {name for name in REGIONS if not name.endswith(("-lh", "-rh"))}
    assert {"vSMC", "STG", "perisylvian"} <= names
    for name in names:
        assert {f"{name}-lh", f"{name}-rh"} <= set(REGIONS)
        assert REGIONS[name]["description"]


@pytest.mark.parametrize("atlas", ["desikan-killiany", "destrieux"])
@pytest.mark.parametrize("name", ["vSMC", "STG", "IFG", "insula", "SMG", "MTG", "STS"])
def test_presets_use_names_that_the_atlases_have(atlas, name):
    there = {plain(label) for label in load_atlas(atlas).names.values()}
    wanted = {
        plain(label)
        for rule in expand(REGIONS[name]["rules"])
        for label in rule["labels"]
    }
    assert wanted & there


def test_perisylvian_contains_the_narrow_presets():
    labels = list(load_atlas("desikan-killiany").names.values())
    contacts = labelled(labels)
    narrow = assign_regions(contacts, ["vSMC", "STG", "STS", "insula", "SMG"])[
        "region"
    ].notna()
    wide = assign_regions(contacts, "perisylvian")["region"].notna()
    assert (wide | ~narrow).all()
    assert wide.sum() > narrow.sum()


def test_own_regions_are_a_dict():
    contacts = labelled(["ctx-lh-insula", "Left-Amygdala", "x"], z=5.0)
    own = {
        "deep": ["Amygdala", "Hippocampus"],
        "high": {"labels": ["insula"], "min_z": 50},
        "low": {"rules": [{"labels": ["insula"], "max_z": 50}]},
    }
    assert list(assign_regions(contacts, own)["region"].fillna("")) == [
        "low",
        "deep",
        "",
    ]


def test_unknown_regions_and_missing_labels_are_refused():
    with pytest.raises(ValueError, match="no preset 'Broca'; there are vSMC"):
        assign_regions(labelled(["x"]), "Broca")
    with pytest.raises(ValueError, match="no column 'label'"):
        assign_regions(labelled(["x"]).drop(columns="label"))
    with pytest.raises(TypeError, match="regions"):
        assign_regions(labelled(["x"]), {"mine": 3})


def test_real_points_of_the_sensorimotor_strip():
    xyz = np.array([[-60.0, -2, 20], [-40, -20, 60], [-62, -20, 6]])
    contacts = pd.DataFrame(xyz, ["A1", "A2", "A3"], ["x", "y", "z"])
    contacts = assign_labels(contacts.assign(space="MNI152NLin6Sym"))
    assert list(assign_regions(contacts)["region"]) == ["vSMC", "dSMC", "STG"]


TAKE_REGIONS = {
    "RegionSelector", "ablate_words", "assign_regions", "compare_words",
    "decode_group", "decode_words", "prepare_epochs", "pretrain", "read_epochs",
    "read_segments",
}  # fmt: skip


def test_the_functions_that_take_regions_are_known():
    public = {name: getattr(mne_duin, name) for name in mne_duin.__all__}
    found = {
        name
        for name, thing in public.items()
        if callable(thing) and "regions" in inspect.signature(thing).parameters
    }
    assert found == TAKE_REGIONS


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    settings = SimulationSettings(n_words=2, n_trials_per_word=3, n_runs=1)
    root = tmp_path_factory.mktemp("regions") / "bids"
    mne_duin.write_simulated_bids(root, subjects={"01": settings})
    (path,) = mne_duin.find_recordings(root)
    return path


@pytest.mark.parametrize("name", ["read_epochs", "read_segments", "prepare_epochs"])
def test_no_regions_leave_nothing_out_of_what_is_read(recording, name):
    contacts = mne_duin.read_contacts(recording)
    first, given = recording, {"reference": None, "sfreq": None}
    if name == "prepare_epochs":
        first = mne_duin.read_raw(recording)
        events = pd.DataFrame({"onset": [2.0, 6.0], "trial_type": ["ba", "ga"]})
        given |= {"events": events, "contacts": contacts}
    epochs, table = getattr(mne_duin, name)(first, regions=None, **given)
    assert list(table.index) == epochs.ch_names
    assert set(contacts.index) - set(table.index) <= set(epochs.info["bads"])
    assert table["region"].isna().any()


@pytest.mark.parametrize("regions", [None, [], ()])
def test_no_regions_are_handed_to_reading_by_every_workflow(regions):
    assert channel_keywords({"regions": regions})["regions"] is None


def test_no_regions_leave_nothing_out_of_tables_and_arrays():
    contacts = labelled(["ctx-lh-precentral", "Unknown", None])
    assert len(assign_regions(contacts, None)) == 3
    X = np.zeros((2, 3, 10))
    assert mne_duin.RegionSelector(contacts, None).fit(X).transform(X).shape == X.shape


@pytest.mark.parametrize(
    ("atlas", "other"),
    [("desikan-killiany", "destrieux"), ("destrieux", "desikan-killiany")],
)
@pytest.mark.by_default("desikan-killiany-destrieux")
def test_a_label_lies_in_its_region_in_the_other_atlas_as_well(atlas, other):
    first, second = load_atlas(atlas), load_atlas(other)
    voxels = np.argwhere(np.isin(first.volume, first.wanted("nearest")))
    xyz = first.affine[:3, :3] @ voxels.T + first.affine[:3, 3:]
    codes = first.volume[tuple(voxels.T)]
    names = [first.names[code] for code in codes.tolist()]
    there, _ = second.lookup(xyz.T, 4.0)
    regions = {}
    for labels in (names, there):
        once = pd.Series(labels).dropna().unique()
        # Heights divide a label; the largest part is that of the whole label.
        found = assign_regions(labelled(list(once), z=np.nan))["region"]
        found = found.fillna("elsewhere")
        regions |= dict(zip(once, found, strict=True))
    table = pd.DataFrame({"label": names, "there": there}).dropna()
    table = pd.DataFrame({name: table[name].map(regions) for name in table}).assign(
        name=table["label"].map(plain)
    )
    inside = table[table["label"].isin(["vSMC", "STG", "STS"])]
    # The sulcus reaches into what Desikan-Killiany calls inferior parietal.
    inside = inside[inside["name"] != "stemporalsup"]
    most = inside.groupby("name").agg(lambda column: column.mode()[0])
    assert len(most) >= 5
    assert (most["label"] == most["there"]).all(), most[most.label != most.there]

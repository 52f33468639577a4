"""The bundled atlases: small, complete, licensed, and equal to their source."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import load_atlas
from mne_duin.data import ATLAS_NAMES, data_path


@pytest.mark.parametrize("atlas", ATLAS_NAMES)
def test_volume_and_table_belong_together(atlas):
    image = nib.load(data_path(f"{atlas}.nii.gz"))
    volume = np.asanyarray(image.dataobj)
    table = pd.read_csv(data_path(f"{atlas}.tsv"), sep="\t")
    assert volume.dtype == np.uint8
    assert set(np.unique(volume)) == set(table["index"])
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    np.testing.assert_allclose(image.header.get_zooms(), 2.0)
    assert set(table["tissue"]) == {"grey", "white", "other"}
    assert table["name"].is_unique


@pytest.mark.parametrize("atlas", ATLAS_NAMES)
def test_left_is_left(atlas):
    loaded = load_atlas(atlas)
    image = nib.load(data_path(f"{atlas}.nii.gz"))
    for code, name in loaded.names.items():
        voxels = np.argwhere(loaded.volume == code)
        x = nib.affines.apply_affine(image.affine, voxels)[:, 0].mean()
        if name.startswith(("ctx-lh", "ctx_lh", "Left-")):
            assert x < 0, name
        if name.startswith(("ctx-rh", "ctx_rh", "Right-")):
            assert x > 0, name


def test_both_atlases_agree_where_they_name_the_same():
    first, second = (load_atlas(name) for name in ATLAS_NAMES)
    xyz = np.random.default_rng(0).uniform([-60, -80, -40], [60, 60, 60], (4000, 3))
    one, two = (dict(enumerate(a.lookup(xyz, 0.0)[0])) for a in (first, second))
    shared = [i for i in one if one[i] and two[i] and not one[i].startswith("ctx")]
    assert len(shared) > 100
    same = np.mean([one[i] == two[i] for i in shared])
    assert same > 0.95


def test_they_are_small_and_carry_their_licence():
    sizes = [data_path(f"{name}.nii.gz").stat().st_size for name in ATLAS_NAMES]
    assert sum(sizes) < 125_000
    terms = data_path("LICENSE-FreeSurfer").read_text(encoding="utf-8")
    assert "obtained under license from The General Hospital Corporation" in " ".join(
        terms.split()
    )
    assert "PART B. DOWNLOADING AGREEMENT" in terms
    assert "Modified: reoriented, resampled" in terms
    for number in range(1, 9):
        assert f"\n{number}. " in terms

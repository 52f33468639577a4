"""The view behind the extra ``3d``; the drawing itself needs pyvista."""

import sys

import nibabel as nib
import numpy as np
import pytest

from mne_duin.utils._spaces import to_space
from mne_duin.viz import view_brain
from mne_duin.viz.brain._surface import load_hemisphere


def test_the_missing_package_is_named(contacts, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(ImportError, match=r'pip install "mne-duin\[3d\]"'):
        view_brain(contacts, show=False)


@pytest.fixture
def freesurfer(tmp_path):
    """A subject whose scanner frame is shifted from its surface frame."""
    folder = tmp_path / "sub"
    (folder / "surf").mkdir(parents=True)
    (folder / "mri").mkdir()
    affine = np.array(
        [[-1, 0, 0, 133.0], [0, 0, 1, -120], [0, -1, 0, 140], [0, 0, 0, 1]]
    )
    image = nib.MGHImage(np.zeros((256, 256, 256), np.uint8), affine)
    image.to_filename(folder / "mri" / "orig.mgz")
    for side in "lr":
        pial, _, faces, _ = load_hemisphere(side)
        nib.freesurfer.write_geometry(folder / "surf" / f"{side}h.pial", pial, faces)
    return tmp_path


def test_contacts_are_spheres_in_mni305(contacts):
    pytest.importorskip("pyvista", reason="the extra 3d is not installed")
    plotter = view_brain(contacts, off_screen=True, show=False, radius=1.0)
    points = list(plotter.meshes)[-1].points
    expected = to_space(contacts[["x", "y", "z"]], "MNI152", "MNI305")
    np.testing.assert_allclose(points.min(axis=0), expected.min(axis=0) - 1, atol=0.1)
    np.testing.assert_allclose(points.max(axis=0), expected.max(axis=0) + 1, atol=0.1)
    image = plotter.screenshot(return_img=True)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100
    plotter.close()
    with pytest.raises(ValueError, match="no contact with coordinates in a template"):
        view_brain(contacts.assign(space="ACPC"), off_screen=True, show=False)


def test_a_native_cortex_moves_to_the_scanner_frame(contacts, freesurfer):
    pytest.importorskip("pyvista", reason="the extra 3d is not installed")
    native = contacts.assign(space="ACPC")
    plotter = view_brain(
        native, fs_subject="sub", subjects_dir=freesurfer, off_screen=True, show=False
    )
    cortex = list(plotter.meshes)[0].points
    shift = cortex - load_hemisphere("l")[0]
    np.testing.assert_allclose(
        shift, np.tile([5.0, 8.0, 12.0], (len(shift), 1)), atol=1e-3
    )
    plotter.close()
    with pytest.raises(ValueError, match="the subject's own space"):
        view_brain(contacts, fs_subject="sub", subjects_dir=freesurfer, show=False)
    with pytest.raises(ValueError, match="`subjects_dir` must be given"):
        view_brain(native, fs_subject="sub", show=False)

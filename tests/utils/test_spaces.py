import numpy as np
import pandas as pd
import pytest

from mne_duin.utils._spaces import contact_positions, template_frame, to_space

RNG = np.random.default_rng(0)


# The worked example of FreeSurfer's page on coregistration transforms. It was
# computed from unrounded coefficients; four decimals leave (10 + 20 + 35) * 5e-5 mm.
EXAMPLE, EXAMPLE_MNI152 = [10.0, -20.0, 35.0], [10.695, -18.409, 36.137]
ROUNDING = 4e-3


def test_the_affine_is_freesurfers():
    moved = to_space(EXAMPLE, "MNI305", "MNI152")
    np.testing.assert_allclose(moved[0], EXAMPLE_MNI152, atol=ROUNDING)


@pytest.mark.parametrize("there", ["MNI152", "MNI152NLin2009bAsym"])
@pytest.mark.parametrize("here", ["MNI305", "fsaverage", "mni_tal"])
def test_there_and_back(here, there):
    xyz = RNG.uniform(-70, 70, (20, 3))
    back = to_space(to_space(xyz, here, there), there, here)
    np.testing.assert_allclose(back, xyz, atol=1e-9)


def test_same_frame_is_a_copy():
    xyz = RNG.uniform(-70, 70, (3, 3))
    same = to_space(xyz, "fsaverage", "MNI305")
    np.testing.assert_array_equal(same, xyz)
    assert not np.shares_memory(same, xyz)


def test_native_space_is_refused():
    assert template_frame("ACPC") is None
    assert template_frame(np.nan) is None
    with pytest.raises(ValueError, match="`from_space` must be one of .*'ACPC'"):
        to_space([[0, 0, 0]], "ACPC", "MNI152")


def test_rows_in_different_spaces():
    contacts = pd.DataFrame(
        {
            "x": [10.0, 10.0, 10.0, np.nan],
            "y": [-20.0] * 4,
            "z": [35.0] * 4,
            "space": ["fsaverage", "MNI152NLin6ASym", "ACPC", "fsaverage"],
        }
    )
    xyz = contact_positions(contacts, "MNI152")
    np.testing.assert_allclose(xyz[0], EXAMPLE_MNI152, atol=ROUNDING)
    np.testing.assert_array_equal(xyz[1], [10, -20, 35])
    assert np.isnan(xyz[2]).all()
    assert np.isnan(xyz[3]).any()


def test_no_coordinates_at_all():
    assert np.isnan(contact_positions(pd.DataFrame(index=["a"]), "MNI152")).all()

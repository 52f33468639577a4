"""Names that moved still are where they were, with a warning."""

import pytest

from mne_duin import baselines, estimators, weights

MOVED = {
    estimators: set(weights.__all__) - {"read_baseline", "read_model"},
    baselines: {"read_baseline"},
}


@pytest.mark.parametrize(
    ("folder", "name"),
    [(folder, name) for folder, names in MOVED.items() for name in sorted(names)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_moved_name_warns(folder, name):
    with pytest.warns(DeprecationWarning, match=f"is now mne_duin.weights.{name}"):
        assert getattr(folder, name) is getattr(weights, name)


@pytest.mark.parametrize("folder", MOVED)
@pytest.mark.parametrize("name", ["read_model", "read_anything"])
def test_no_other_name_is_there(folder, name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(folder, name)

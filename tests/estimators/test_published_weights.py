"""Our networks as published files: what was read is written again, value for value."""

import numpy as np
import pytest
import torch
from golden_weights import published

from mne_duin import DuINClassifier, DuINMAE, DuINVQVAE, read_official, to_published

# What the published code neither loads nor needs: its tables of positions, and the
# branches that its classifier never uses.
LEFT = ("time_encodings", "contra_block.")
SMALL = {"n_layers": 1, "bands": "raw", "max_iter": 1, "verbose": False}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param("one_subject", marks=pytest.mark.slow),
        pytest.param("three_subjects", marks=pytest.mark.slow),
        "poms_two_subjects",
    ],
)
@pytest.mark.parametrize("stage", ["vqvae", "mae", "cls"])
def test_a_published_file_is_written_again(case, stage):
    state = published(case, stage)[1]
    if state is None:
        pytest.skip("there is no such file of this case")
    again = to_published(read_official(state, stage=stage))
    left = (*LEFT, "vq_block.") if stage == "cls" else LEFT
    wanted = {n: v for n, v in state.items() if not any(part in n for part in left)}
    assert again.keys() == wanted.keys()
    assert all(torch.equal(again[name], wanted[name]) for name in wanted)
    assert all(again[name].is_contiguous() for name in wanted)


def test_what_was_trained_here_comes_back(tmp_path):
    random = np.random.default_rng(0)
    X, y = random.standard_normal((12, 4, 300)), np.arange(12) % 3
    vqvae = DuINVQVAE(n_decoder_layers=1, n_codes=4, **SMALL).fit(X, sfreq=1000)
    mae = DuINMAE(vqvae, max_iter=1, verbose=False).fit(X, sfreq=1000)
    clf = DuINClassifier(mae, skip=False, max_iter=1, max_shift=0.0, verbose=False)
    clf.fit(X, y, sfreq=1000)
    stages = {"vqvae": vqvae, "mae": mae, "cls": clf}
    for stage, estimator in stages.items():
        torch.save(to_published(estimator), tmp_path / f"{stage}.pth")
        again = read_official(tmp_path / f"{stage}.pth", stage=stage)
        ours, theirs = estimator.module_.state_dict(), again.module_.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_names_that_several_devices_and_compiling_leave():
    state = published("one_subject", "mae")[1]
    expected = read_official(state, stage="mae").module_.state_dict()
    for before in ("module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."):
        wrapped = {before + name: value for name, value in state.items()}
        found = read_official(wrapped, stage="mae").module_.state_dict()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_the_published_network_has_not():
    random = np.random.default_rng(0)
    X, y = random.standard_normal((12, 4, 300)), np.arange(12) % 3
    options = {"max_shift": 0.0, "max_iter": 1, "verbose": False, "n_layers": 1}
    gamma = DuINClassifier(bands=["high-gamma"], **options).fit(X, y, sfreq=1000)
    with pytest.raises(
        ValueError,
        match="an input of band power .* which the published network has not",
    ):
        to_published(gamma)
    with pytest.raises(ValueError, match="`estimator` is not fitted"):
        to_published(DuINClassifier())

"""Two processes train one network: the same in both, and the same as one alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import two_processes

HERE = Path(__file__).parent
STAGES = ("unquantized", "first-batch", "mae", "classifier")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes and one alone have learned."""
    out = tmp_path_factory.mktemp("processes")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(HERE / "two_processes.py"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    alone = out / "alone"
    alone.mkdir()
    two_processes.fit_all(alone, quiet=True)
    return out


def load(path):
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize("mode", ["quiet", "usual"])
@pytest.mark.parametrize("stage", STAGES)
def test_all_processes_hold_the_same_after_each_pass(folder, stage, mode):
    first, second = (load(folder / f"{stage} {mode} {i}.npz") for i in range(2))
    assert first.keys() == second.keys()
    assert {name.split()[0] for name in first} == set("0123") | {"end", "history"}
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_equal_one(folder, stage):
    """Batch normalisation in evaluation mode, no dropout, the same whole batches."""
    two = load(folder / f"{stage} quiet 0.npz")
    one = load(folder / "alone" / f"{stage} quiet 0.npz")
    assert one.keys() == two.keys()
    for name in one:
        # The bias of the keys moves all scores of a query alike, and the softmax does
        # not see it: its gradient is rounding, of which AdamW makes whole steps.
        if not name.endswith("norm_k.bias"):
            np.testing.assert_allclose(one[name], two[name], atol=1e-5, err_msg=name)
    weight = "encoder.transformer.blocks.0.expand.weight"
    moved = np.abs(one[f"3 {weight}"] - one[f"0 {weight}"])
    assert moved.max() > 1e-4

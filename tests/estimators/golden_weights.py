"""Weights in the published layout, and what the published code computes with them."""

import importlib.util
from pathlib import Path

import torch

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SPEC = importlib.util.spec_from_file_location("fill", GOLDEN / "fill.py")
fill = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fill)


def published(case, stage):
    """Return the arrays of a case and a stage's state dict, None if there is none."""
    arrays, layout = fill.load_case(case, GOLDEN)
    if stage not in layout:
        return arrays, None
    weights = fill.fill_state_dict(layout[stage])
    return arrays, {name: torch.as_tensor(value) for name, value in weights.items()}

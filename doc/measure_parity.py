"""Measure how far our networks are from the published ones, for the fidelity page.

The arrays in ``tests/data/golden`` were computed with the published implementation.
"""

import csv
import importlib.util
from pathlib import Path

import torch

from mne_duin import read_official

GOLDEN = Path(__file__).parents[1] / "tests" / "data" / "golden"
CASES = {
    "one_subject": "one subject",
    "three_subjects": "three subjects",
    "poms_two_subjects": 'two subjects, "poms"',
}
HEADER = ("Case", "Stage", "What is compared", "Values", "Largest difference")


def write_parity(path):
    """Write the table of differences.

    Parameters
    ----------
    path : path-like
        The CSV file.
    """
    spec = importlib.util.spec_from_file_location("fill", GOLDEN / "fill.py")
    fill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fill)
    rows = []
    for case, title in CASES.items():
        arrays, layout = fill.load_case(case, GOLDEN)
        tensors = {
            key: torch.as_tensor(value)
            for key, value in arrays.items()
            if value.dtype.kind != "U"
        }
        for stage in ("vqvae", "mae", "cls"):
            weights = fill.fill_state_dict(layout[stage])
            weights = {key: torch.as_tensor(value) for key, value in weights.items()}
            module = read_official(weights, stage=stage).module_
            for name, ours, theirs in _outputs(stage, module, tensors):
                difference = _difference(ours, theirs)
                rows.append((title, stage, name, theirs.numel(), difference))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows((HEADER, *rows))


@torch.no_grad()
def _outputs(stage, module, arrays):
    """Return name, our array and the published one."""
    x, subject = arrays["X"].transpose(1, 2), arrays["subject"]
    if stage == "mae":
        logits = module(x, arrays["mask"], subject)
        return [
            (
                "logits of the first 8 codes",
                logits[..., :8],
                arrays["mae_logits_first8"],
            ),
            ("predicted codes", logits.argmax(-1), arrays["mae_argmax"]),
        ]
    if stage == "cls":
        return [("scores of the words", module(x, subject), arrays["cls_scores"])]
    encoding = module.encoder(x, subject)
    output = module.quantizer(encoding)
    rebuilt = module.decode(output.quantized, subject).transpose(1, 2)
    rows = [
        ("encoder output", encoding, arrays["encoding"]),
        ("codes", output.codes, arrays["codes"]),
        ("quantized tokens", output.quantized, arrays["quantized"]),
        ("reconstruction", rebuilt, arrays["reconstruction"]),
    ]
    # The reference arrays of "poms" hold no tokens.
    if "tokens" in arrays:
        tokens = module.encoder.tokenize(x, subject)
        rows.insert(0, ("tokens", tokens, arrays["tokens"]))
    return rows


def _difference(ours, theirs):
    if not theirs.is_floating_point():
        return f"{int((ours != theirs).sum())} differ"
    return f"{float((ours - theirs).abs().max()):.1e}"

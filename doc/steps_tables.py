"""Tables of the benchmarks page that ``benchmarks/steps.json`` has in another form."""

import csv
import json
from pathlib import Path

STAGES = {"vqvae": "codex", "mae": "masked model", "cls": "classifier"}
HEADER = (
    "Stage",
    "Peak memory (GB)",
    "Published (GB)",
    "Pass over its steps",
)


def write_memory(source, path):
    """Write peak memory, and the time of a whole pass over that of its steps.

    Parameters
    ----------
    source : path-like
        ``steps.json`` of ``tests/benchmarks/test_steps.py``.
    path : path-like
        The CSV file.
    """
    measured = json.loads(Path(source).read_text(encoding="utf-8"))
    memory, passes = measured["memory"], measured["pass over its steps"]
    rows = [
        (
            label,
            f"{memory[f'{stage} our_step'] / 1e9:.2f}",
            f"{memory[f'{stage} published_step'] / 1e9:.2f}",
            f"{passes[stage]:.2f}",
        )
        for stage, label in STAGES.items()
    ]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows((HEADER, *rows))

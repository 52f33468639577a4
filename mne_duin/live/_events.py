"""Decisions as events in BIDS, written row by row."""

import json
from pathlib import Path

COLUMNS = {
    "onset": "Time zero of the window, in seconds from the first sample received.",
    "duration": "Always 0: a decision is a point in time.",
    "trial_type": "decoded (window of a cue), event (continuous decoding), undecided.",
    "label": "The most probable label.",
    "probability": "Its probability.",
    "cue": "The marker that opened the window.",
    "decided": "End of the window, in seconds from the first sample received.",
    "reason": "Why nothing was decided.",
}


class EventsFile:
    """An events.tsv that grows by a row with every decision on a cue and every event.

    Parameters
    ----------
    path : path-like
        The file, which ends with ``_events.tsv``; it must not exist.
    """

    def __init__(self, path):
        path = Path(path)
        if not path.name.endswith("events.tsv"):
            raise ValueError(
                "`events` must be a file whose name ends with _events.tsv; got "
                f"{path.name!r}."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        sidecar = path.with_suffix(".json")
        # Mode x never writes over a file that is there.
        with open(sidecar, "x", encoding="utf-8") as file:
            described = {name: {"Description": text} for name, text in COLUMNS.items()}
            json.dump(described, file, indent=2)
        self._file = open(path, "x", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._file.write("\t".join(COLUMNS) + "\n")

    def write(self, decision, shift=0.0):
        """Append a decision; ``shift`` leads from its stream to the first one, in s."""
        if decision.kind not in ("trial", "event"):
            return
        kind = "event" if decision.kind == "event" else "decoded"
        label = decision.label
        if decision.sequence is not None:
            label = " ".join(map(str, decision.sequence)) or None
        probability = decision.probability
        row = [
            f"{decision.onset + shift:.6f}",
            "0",
            kind if decision.decided else "undecided",
            label,
            None if probability is None else f"{probability:.6f}",
            decision.cue,
            f"{decision.end + shift:.6f}",
            decision.reason,
        ]
        self._file.write(
            "\t".join("n/a" if v is None else _plain(v) for v in row) + "\n"
        )

    def close(self):
        """Close the file."""
        self._file.close()


def _plain(value):
    """Return a value as text without tabs and line ends."""
    return " ".join(str(value).split())

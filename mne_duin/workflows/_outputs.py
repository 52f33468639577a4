"""From the parameters of a workflow to the place where its results go."""

from contextlib import nullcontext
from pathlib import Path

from mne_duin.weights import read_estimator
from mne_duin.workflows._analysis import name_analysis
from mne_duin.workflows._derivative import plain_settings
from mne_duin.workflows._writing import AnalysisWriter, clear_leftovers

# What decides where and how fast something is computed, but not what.
NOT_SAVED = (
    "out", "overwrite", "verbose", "n_jobs", "checkpoint_dir", "checkpoint_every",
    "memory", "models",
)  # fmt: skip


def open_writer(command, given, paths, *, name=None, repeat=False):
    """Return the context in which an analysis is made; it yields None without `out`."""
    if given["out"] is None:
        return nullcontext()
    analysis = name_analysis(
        given["out"], paths, name or command, given["regions"], given["desc"]
    )
    settings = settings_of(command, given) | {"desc": analysis.desc}
    return AnalysisWriter(
        analysis, given["root"], settings, overwrite=given["overwrite"], repeat=repeat
    )


def settings_of(command, given):
    """Return the parameters of a workflow as ``--config`` takes them."""
    saved = {name: value for name, value in given.items() if name not in NOT_SAVED}
    saved["subject"] = str(given["subject"]).removeprefix("sub-")
    return {"command": command, **plain_settings(saved)}


def find_file(path, ending):
    """Return one file of an analysis, given it, its folder or another file of it."""
    path = Path(path)
    for folder in (path, *list(path.absolute().parents)[:5]):
        # What a killed process left is completed before anything is read.
        clear_leftovers(folder)
    if path.is_dir():
        found = sorted(path.rglob(f"*_{ending}"))
        if len(found) == 1:
            return found[0]
        names = ", ".join(each.name for each in found[:10]) or "none"
        raise ValueError(
            f"{str(path)!r} holds {len(found)} files named …_{ending} ({names}); name "
            "the one you mean."
        )
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if path.name.endswith(ending):
        return path
    begin = path.name.rsplit("_", 1)[0].split("_model-")[0]
    wanted = path.with_name(f"{begin}_{ending}")
    if not wanted.exists():
        raise FileNotFoundError(
            f"There is no {wanted.name} next to {str(path)!r}; was it written without "
            "models?"
        )
    return wanted


def read_stage(path, stage):
    """Read a fitted stage of an analysis."""
    return read_estimator(find_file(path, f"{stage}.safetensors"))

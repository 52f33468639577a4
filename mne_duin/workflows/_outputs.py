"""From the parameters of a workflow to the place where its results go."""

from contextlib import nullcontext
from pathlib import Path

from mne_duin.estimators import DuINClassifier
from mne_duin.utils._checks import as_list, check_option
from mne_duin.utils._places import check_place
from mne_duin.weights import read_estimator, read_model
from mne_duin.workflows._analysis import name_analysis
from mne_duin.workflows._derivative import plain_settings
from mne_duin.workflows._writing import (
    AnalysisWriter,
    clear_leftovers,
    read_json,
)

# What decides where and how fast something is computed, but not what.
NOT_SAVED = (
    "out", "overwrite", "verbose", "n_jobs", "checkpoint_dir", "checkpoint_every",
    "memory", "models", "on_disk",
)  # fmt: skip
# The decoders of a decoding, and how the names of their files end.
DECODERS = {
    "network": "classifier.safetensors",
    "lda": "model-shrinkagelda_classifier.skops",
}
LISTS = ("session", "task", "run", "acquisition", "regions", "event_id")


def open_writer(command, given, paths, *, name=None, repeat=False):
    """Return the context in which an analysis is made; it yields None without `out`."""
    for folder in ("memory", "checkpoint_dir", "on_disk"):
        if given.get(folder) is not None:
            check_place(given[folder], given["root"])
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
    saved["root"] = str(Path(given["root"]).absolute())
    for name in LISTS:
        # One label and a list of it are the same setting.
        if saved.get(name) is not None and not isinstance(saved[name], dict):
            saved[name] = as_list(saved[name])
    return {"command": command, **plain_settings(saved)}


def find_file(path, ending, *, command=None, subject=None):
    """Return one file of an analysis, given it, its folder or another file of it.

    Where a folder holds several, the command and the subject decide.
    """
    path = Path(path)
    for folder in (path, *list(path.absolute().parents)[:5]):
        # What a killed process left is completed before anything is read.
        clear_leftovers(folder)
    if path.is_dir():
        return _find_in_folder(path, ending, command, subject)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if path.name.endswith(ending):
        return path
    wanted = path.with_name(f"{_begin(path)}_{ending}")
    if not wanted.exists():
        raise FileNotFoundError(
            f"There is no {wanted.name} next to {str(path)!r}; was it written without "
            "models?"
        )
    return wanted


def _begin(path):
    """Return what the names of all files of an analysis begin with."""
    return path.name.rsplit("_", 1)[0].split("_model-")[0]


def _find_in_folder(folder, ending, command, subject):
    """Return the one file of that ending, of that command and subject."""
    found = sorted(folder.rglob(f"*_{ending}"))
    if len(found) > 1 and subject is not None:
        name = str(subject).removeprefix("sub-")
        found = [each for each in found if each.name.startswith(f"sub-{name}_")]
    if len(found) > 1 and command is not None:
        found = [each for each in found if _command_of(each) == command]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in found[:10]) or "none"
    more = f" … and {len(found) - 10} more" if len(found) > 10 else ""
    raise ValueError(
        f"{str(folder)!r} holds {len(found)} files named …_{ending} ({names}{more}); "
        "give the path of the one you mean."
    )


def _command_of(path):
    """Return the command that wrote a file."""
    manifest = read_json(path.with_name(f"{_begin(path)}_manifest.json"))
    return manifest.get("Settings", {}).get("command")


def find_decoder(path, decoder=None, subject=None):
    """Return the file of a decoder of a decoding, the network if none is named."""
    if decoder is None:
        decoder = "lda" if str(path).endswith(DECODERS["lda"]) else "network"
    check_option("decoder", decoder, DECODERS)
    return find_file(path, DECODERS[decoder], command="decode", subject=subject)


def read_decoder(path, device):
    """Read the network or the LDA of a decoding from its file."""
    found = read_model(path)
    if not path.name.endswith(DECODERS["lda"]):
        if not isinstance(found, DuINClassifier):
            raise ValueError(
                f"{str(path)!r} holds a {type(found).__name__}, which predicts no "
                "labels; pass the folder that `mne-duin decode` wrote."
            )
        found.set_params(device=device)
    return found


def read_stage(path, stage, **which):
    """Read a fitted stage of an analysis."""
    return read_estimator(find_file(path, f"{stage}.safetensors", **which))

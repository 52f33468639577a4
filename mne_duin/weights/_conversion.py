"""Turn weights of one kind of file into another."""

import io
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from mne_duin.checkpoints import FORMAT, read_state_dict, unwrap_names
from mne_duin.utils._atomic import write_file
from mne_duin.utils._checks import check_option
from mne_duin.weights._braindecode import from_braindecode, to_braindecode
from mne_duin.weights._published import read_official, to_published
from mne_duin.weights._reading import read_estimator

KINDS = ("mne_duin", "published", "braindecode")
STAGES = {
    "mask_emb": "mae",
    "cls_block.cls_head.2.0.weight": "cls",
    "vq_block.codex.embeddings": "vqvae",
}
ENDINGS = {"published": (".pth",), "braindecode": (".safetensors", ".pth")}


def convert_weights(
    source: Path | str,
    target: Path | str,
    *,
    to: str = "mne_duin",
    subject: str | None = None,
    ch_names: list[str] | None = None,
    classes: list[str] | None = None,
):
    """Turn a file of weights into one of another kind.

    What the source is, is found out: a file that ``save`` wrote, weights in the
    published layout (of any stage), or weights of braindecode's ``DuIN``. Nothing in it
    is run.

    Parameters
    ----------
    source : path-like
        The file to read.
    target : path-like
        The file to write; an existing one is replaced as a whole or not at all.
    to : str
        ``"mne_duin"`` (what :func:`read_estimator` reads), ``"published"`` (a ``.pth``
        file, see :func:`to_published`) or ``"braindecode"`` (a ``.safetensors`` or
        ``.pth`` file, see :func:`to_braindecode`).
    subject : str | None
        Whose spatial map braindecode's network gets, where there are several.
    ch_names : list of str | None
        Names of the channels, where the source has none.
    classes : list of str | None
        Labels in the order of the scores, where the source has none.

    Returns
    -------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        What was read.

    Raises
    ------
    FileNotFoundError
        If there is no such source.
    ValueError
        If the source is none of the three or damaged, or cannot be turned into what is
        wanted; the message says why.

    Examples
    --------
    >>> convert_weights("checkpoint-399.pth", "mae.safetensors")  # doctest: +SKIP
    """
    check_option("to", to, KINDS)
    source, target = Path(source), Path(target)
    if target.suffix not in ENDINGS.get(to, (target.suffix,)):
        raise ValueError(
            f"A file for {to!r} must end in {' or '.join(ENDINGS[to])}; got "
            f"{target.name!r}."
        )
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"Source and target are the same file, {str(source)!r}.")
    estimator = _read(source, ch_names, classes)
    if to == "mne_duin":
        estimator.save(target)
    elif to == "published":
        _write_tensors(to_published(estimator), target)
    else:
        known = {str(name): name for name in estimator.subjects_.tolist()}
        own = subject if subject is None else known.get(subject, subject)
        state = to_braindecode(estimator, subject=own)
        _write_tensors(state, target)
    return estimator


def _read(path, ch_names, classes):
    """Read any of the three kinds."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    names = {"ch_names": ch_names, "classes": classes}
    if _is_ours(path):
        given = [name for name, value in names.items() if value is not None]
        if given:
            raise ValueError(f"{path.name} has names of its own; leave out {given}.")
        return read_estimator(path)
    state = unwrap_names(read_state_dict(path))
    if "spatial_projection.weight" in state:
        return from_braindecode(state, **names)
    for name, stage in STAGES.items():
        if name in state:
            return read_official(state, stage=stage, **names)
    raise ValueError(
        f"{path.name} holds {len(state)} tensors of neither layout, the first are "
        f"{sorted(state)[:3]}."
    )


def _is_ours(path):
    """Whether a file is one of ours, or nothing that the other readers could read."""
    with path.open("rb") as file:
        start = file.read(9)
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return False
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return FORMAT in (file.metadata() or {})
    except safetensors.SafetensorError:
        return True


def _write_tensors(state, path):
    """Write tensors by name, by the ending of the path."""
    if path.suffix == ".safetensors":
        # What the Hugging Face loaders want to see.
        content = safetensors.torch.save(state, metadata={"format": "pt"})
    else:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
    write_file(path, content)

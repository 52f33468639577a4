"""Read state dicts of others without running anything in them."""

import zipfile
from pathlib import Path

import safetensors.torch
import torch

# Put before every name by training on several devices and by compiling.
WRAPPERS = ("module.", "_orig_mod.")


def read_state_dict(path: Path | str) -> dict[str, torch.Tensor]:
    """Read tensors by name, without running anything that the file may contain.

    Parameters
    ----------
    path : path-like
        A file written by ``torch.save``, as published, or by safetensors where its
        name ends in ``.safetensors``.

    Returns
    -------
    state_dict : dict of str to Tensor
        The tensors by name, on the CPU. ``module.`` and ``_orig_mod.`` in front of
        every name, as training on several devices puts them, are taken away.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or holds anything but tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    try:
        if path.suffix == ".safetensors":
            content = safetensors.torch.load_file(path)
        else:
            _check_archive(path)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # A file of unknown origin can make the reader stumble in any way.
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path.name} is damaged or holds more than tensors; nothing in it was run "
            f"({reason:.120})."
        ) from error
    named = isinstance(content, dict) and all(isinstance(key, str) for key in content)
    if not named or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise ValueError(f"{path.name} must hold a dict of names to tensors.")
    return unwrap_names(content)


def _check_archive(path):
    """Compare the content with its checksums, which torch does not."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} does not match its checksum")


def unwrap_names(state_dict: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take away what training on several devices and compiling put before every name.

    Parameters
    ----------
    state_dict : dict of str to Tensor
        The tensors by name.

    Returns
    -------
    state_dict : dict of str to Tensor
        The same tensors, without ``module.`` and ``_orig_mod.``.
    """
    for wrapper in WRAPPERS * 2:
        if state_dict and all(str(name).startswith(wrapper) for name in state_dict):
            state_dict = {k.removeprefix(wrapper): v for k, v in state_dict.items()}
    return state_dict

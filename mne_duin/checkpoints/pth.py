"""Read the published files without running anything in them."""

from pathlib import Path

import torch


def read_state_dict(path):
    """Read a ``.pth`` file as published, without running anything it may contain.

    Parameters
    ----------
    path : path-like
        A file written by ``torch.save``.

    Returns
    -------
    state_dict : dict of str to Tensor
        The tensors by name, on the CPU.

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
    return content

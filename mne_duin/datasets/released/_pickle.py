"""Read the pickles of the published release without running anything in them.

A pickle is a program: it names functions and calls them. Of the names that a file may
hold, the few below are answered, each by a class of this module that only takes notes;
numpy's own reconstruction is not called either. All other names are refused.
"""

import pickle
import re
from pathlib import Path

import numpy as np

CODE = re.compile(r"b1|[iu][1248]|f[248]|[SU][1-9]\d{0,4}")


class _Note:
    """What a file says about an object; plain values are made of it at the end."""

    def __setstate__(self, state):
        raise pickle.UnpicklingError("an object has a state that it cannot have")


class _Type(_Note):
    """A numpy dtype: numbers, truth values and text, nothing that holds objects."""

    def __init__(self, code, align=False, copy=True):
        if not (isinstance(code, str) and CODE.fullmatch(code)):
            raise pickle.UnpicklingError(
                f"arrays of type {code!r:.20} are not admitted"
            )
        self.dtype = np.dtype(code)

    def __setstate__(self, state):
        if state[1] not in tuple("<>|=") or any(
            part is not None for part in state[2:5]
        ):
            raise pickle.UnpicklingError("an array has a type that it cannot have")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array(_Note):
    """A numpy array; its content comes as its state."""

    def __setstate__(self, state):
        _, shape, kind, is_fortran, content = state
        order = "F" if is_fortran else "C"
        self.value = np.frombuffer(content, kind.dtype).reshape(shape, order=order)


class _NewArray(_Note):
    """``numpy._core.multiarray._reconstruct``: an array before its content."""

    def __new__(cls, kind, shape, code):
        """Return an array whose content is to come."""
        if kind is not _Array:
            raise pickle.UnpicklingError("only plain arrays are admitted")
        return _Array()


class _Scalar(_Note):
    """``numpy._core.multiarray.scalar``: one number."""

    def __init__(self, kind, content):
        self.value = np.frombuffer(content, kind.dtype).reshape(())[()]


class _BufferArray(_Note):
    """``numpy._core.numeric._frombuffer``: an array with its content."""

    def __init__(self, content, kind, shape, order):
        self.value = np.frombuffer(content, kind.dtype).reshape(shape, order=order)


class _Bytes(_Note):
    """``_codecs.encode``: how the second version of the format writes bytes."""

    def __new__(cls, text, encoding):
        """Return the bytes."""
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"bytes in {encoding!r:.20} are not admitted")
        return text.encode("latin1")


ADMITTED = {
    # The dict with attributes of the published code.
    ("utils.DotDict", "DotDict"): dict,
    ("utils", "DotDict"): dict,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _Bytes,
    # numpy renamed its inner modules in version 2.
    ("numpy.core.multiarray", "_reconstruct"): _NewArray,
    ("numpy._core.multiarray", "_reconstruct"): _NewArray,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy._core.multiarray", "scalar"): _Scalar,
    ("numpy.core.numeric", "_frombuffer"): _BufferArray,
    ("numpy._core.numeric", "_frombuffer"): _BufferArray,
}


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows the admitted names only."""

    def find_class(self, module, name):
        """Return what stands for a name."""
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted")
        return ADMITTED[module, name]


def read_pickle(path):
    """Read a pickle of plain values, numpy arrays and the release's dict.

    Parameters
    ----------
    path : path-like
        A file of the published release.

    Returns
    -------
    content : object
        Dicts, lists, tuples, texts, numbers and read-only arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or names anything else; nothing in it was run.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    with path.open("rb") as file:
        try:
            return _plain(_Unpickler(file).load())
        except Exception as error:
            # A file of unknown origin can make the reader stumble in any way.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{path} is damaged or no file of the release; nothing in it was run "
                f"({reason:.120})."
            ) from error


def _plain(value):
    """Return a value with arrays and numbers in place of the notes about them."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, _Array | _Scalar | _BufferArray):
        return value.value
    if isinstance(value, _Note | type):
        raise pickle.UnpicklingError("the file holds something unfinished")
    return value

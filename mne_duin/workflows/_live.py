"""A saved decoding as a live decoder."""

from mne_duin.io._preparation import Preparation
from mne_duin.live import LiveDecoder
from mne_duin.utils._docs import fill_doc
from mne_duin.workflows._outputs import find_decoder, find_file, read_decoder
from mne_duin.workflows._writing import read_json


@fill_doc
def read_live_decoder(
    model, *, subject=None, decoder=None, device="auto", **options
) -> LiveDecoder:
    """Make a live decoder of what ``mne-duin decode --causal`` wrote.

    Parameters
    ----------
    model : path-like
        The folder of the decoding, or any of its files.
    subject : str | None
        Whose decoder, where the folder holds those of several.
    decoder : "network" | "lda" | None
        Which decoder of the decoding; None takes the network, unless ``model`` is the
        file of the LDA.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    **options : dict
        Keywords of :class:`LiveDecoder`.

    Returns
    -------
    live : LiveDecoder
        The decoder.

    Raises
    ------
    FileNotFoundError
        If a file of the decoding is missing.
    ValueError
        If the decoder was fitted on zero-phase filtered trials.
    """
    path = find_decoder(model, decoder, subject)
    sidecar = read_json(find_file(path, "contacts.json"))
    text = sidecar.get("Processing", {}).get("preparation")
    done = None if text is None else Preparation.from_text(text)
    return LiveDecoder(read_decoder(path, device), done, **options)

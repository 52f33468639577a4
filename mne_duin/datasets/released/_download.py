"""Download parts of the published release."""

from pathlib import Path

from mne_duin.datasets.released._layout import (
    DATASET,
    OFFICIAL_CHANNELS,
    REPOSITORY,
    TASK,
    find_runs,
    find_subject,
)
from mne_duin.utils._checks import check_option, import_optional

# The state of the repository of April 2025; what it holds cannot change any more.
REVISION = "2c85b670230dced33f2f1cbd0903648680ecc7d0"
WEIGHTS = "pretrains/duin/{subject}/{stage}/model/checkpoint-399.pth"


def fetch_official(folder, subject, *, what="epochs", endpoint=None):
    """Download the published trials or weights of one subject.

    They come from the authors' repository on the Hugging Face Hub (CC BY 4.0), which
    needs the extra ``hub``. Files that are there already are not downloaded again.

    Parameters
    ----------
    folder : path-like
        Where to put the release; its layout is kept.
    subject : str
        The subject, ``"001"`` to ``"012"``.
    what : str
        ``"epochs"`` (about 8 GB), or the weights of a stage, ``"vqvae"`` or ``"mae"``.
    endpoint : str | None
        Address of a mirror; None is the Hub itself.

    Returns
    -------
    path : Path
        ``folder`` for :func:`read_official_epochs`, or the ``.pth`` file for
        :func:`read_official`.

    Raises
    ------
    ImportError
        If the package huggingface_hub is missing.
    FileNotFoundError
        If the repository does not have the files.
    ValueError
        If there is no such subject.

    Examples
    --------
    >>> folder = fetch_official("Du-IN", "001")  # doctest: +SKIP
    """
    check_option("what", what, ("epochs", "vqvae", "mae"))
    check_option("subject", subject, OFFICIAL_CHANNELS)
    pattern = f"data/{DATASET}/{subject}/{TASK}/*"
    if what != "epochs":
        pattern = WEIGHTS.format(subject=subject, stage=what)
    hub = import_optional("huggingface_hub", extra="hub", purpose="download files")
    hub.snapshot_download(
        REPOSITORY,
        repo_type="dataset",
        revision=REVISION,
        allow_patterns=[pattern],
        local_dir=folder,
        endpoint=endpoint,
    )
    if what == "epochs":
        find_runs(find_subject(folder, subject))
        return Path(folder)
    path = Path(folder) / pattern
    if not path.is_file():
        raise FileNotFoundError(f"The repository {REPOSITORY} has no file {pattern}.")
    return path

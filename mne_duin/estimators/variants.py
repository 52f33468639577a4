"""The published variants of Du-IN by name, each as one classifier."""

from mne_duin.estimators.classifier import DuINClassifier
from mne_duin.estimators.mae import DuINMAE
from mne_duin.estimators.staged import DuINDecoder
from mne_duin.estimators.vqvae import DuINVQVAE
from mne_duin.utils.checks import check_option
from mne_duin.utils.docs import fill_doc

VARIANTS = ("scratch", "vqvae", "vqvae+vq", "mae")


@fill_doc
def make_duin(
    variant="mae",
    *,
    preset="quick",
    architecture=None,
    vqvae=None,
    mae=None,
    classifier=None,
    task_data=True,
    memory=None,
    device="auto",
    precision="auto",
    random_state=None,
    verbose=None,
):
    """Make one of the published variants of Du-IN as one classifier.

    Parameters
    ----------
    variant : "scratch" | "vqvae" | "vqvae+vq" | "mae"
        No pre-training; the encoder of the first stage; that encoder with the codex
        between it and the head; the encoder of the second stage.
    preset : "quick" | "paper"
        The training recipe.
    architecture : dict | None
        Parameters of the encoder, such as ``n_layers``, and ``sfreq``; for all stages.
    vqvae, mae, classifier : dict | None
        Further parameters of a stage.
    task_data : bool
        Whether training trials join the ``unlabelled`` segments, see
        :class:`DuINDecoder`.
    %(memory)s
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    precision : str
        ``"32"``, ``"bf16"`` or ``"auto"``.
    random_state : None | int
        Seed of all stages.
    verbose : bool | None
        Whether to show progress bars.

    Returns
    -------
    estimator : DuINClassifier | DuINDecoder
        Unfitted: a classifier for ``"scratch"``, else all stages in one.

    Raises
    ------
    ValueError
        If there is no such variant.

    References
    ----------
    Zheng et al., Du-IN, NeurIPS 2024, Table 2.

    Examples
    --------
    >>> from mne_duin import make_duin
    >>> make_duin("scratch", random_state=0).random_state
    0
    >>> make_duin("vqvae+vq").classifier.use_codex
    True
    """
    check_option("variant", variant, VARIANTS)
    common = {
        "preset": preset,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "verbose": verbose,
    }
    sizes = dict(architecture or {})
    last = common | sizes | {"use_codex": variant == "vqvae+vq"} | (classifier or {})
    if variant == "scratch":
        return DuINClassifier(**last)
    second = None
    if variant == "mae":
        rate = {"sfreq": sizes.get("sfreq")}
        second = DuINMAE(None, **common | rate | (mae or {}))
    return DuINDecoder(
        DuINVQVAE(**common | sizes | (vqvae or {})),
        second,
        DuINClassifier(**last),
        task_data=task_data,
        memory=memory,
    )

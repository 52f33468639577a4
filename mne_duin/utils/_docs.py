"""Every shared parameter is described once, here; ``fill_doc`` puts it into docstrings.

A docstring says ``%(name)s`` on a line of its own where the description belongs, as in
MNE. ``help`` and the reference pages show the full text.
"""

import inspect
import re

DOCS = {
    # What the estimators take.
    "X": """
X : Epochs | array, shape (n_epochs, n_channels, n_times) | list of Epochs
    The epochs.
""",
    "X_segments": """
X : Epochs | DiskSegments | array | list of Epochs
    Unlabeled segments, shape (n_epochs, n_channels, n_times). Those on disk are read
    batch by batch.
""",
    "balance": """
balance : "recording" | "subject" | None
    Whose segments are drawn equally often, however long their recordings are. A pass
    has as many segments as without; within a recording or a subject each of them comes
    once before any comes again. None draws every segment equally often.
""",
    "y": """
y : array, shape (n_epochs,)
    The labels.
""",
    "y_tokens": """
y : array, shape (n_epochs, n_tokens) | list of sequences of labels
    The labels of all tokens, see :func:`mne_duin.token_labels`: None where there is
    none, a field per tier where there are several. With CTC a sequence per epoch.
""",
    "y_ignored": """
y : None
    Ignored.
""",
    "subject": """
subject : array, shape (n_epochs,) | None
    Subject of each epoch of an array.
""",
    "fit_sfreq": """
sfreq : float | None
    Sampling rate of an array in Hz.
""",
    "validation_segments": """
validation : Epochs | DiskSegments | array | None
    Held-out epochs; their losses join the history.
""",
    "checkpoints": """
checkpoint_dir : path-like | None
    Folder for checkpoints, a subfolder per stage. If it has one of this training,
    the training continues after it, with the same result as if it had never been
    interrupted; a finished one is returned as it is. Ctrl-C and SIGTERM write the
    last complete pass. None keeps nothing.
checkpoint_every : int
    Passes from one checkpoint to the next.
""",
    "checkpoint_errors": """
OSError
    If a checkpoint cannot be written; earlier ones are left as they were.
""",
    "memory": """
memory : path-like | None
    Folder where pre-trained stages are kept, so that another fit with the same
    parameters, seed and data reads them instead of training again; an interrupted
    pre-training is continued. None keeps nothing.
""",
    # Whole jobs on the recordings of one subject.
    "subject_of_bids": """
root : path-like
    The BIDS folder.
subject : str
    The subject, with or without ``sub-``.
""",
    "recordings": """
session, task, run, acquisition : str | list of str | None
    Which recordings; None takes all.
regions : list of str | None
    Regions whose channels are used, see :data:`mne_duin.REGIONS`; None takes all.
preset : str
    ``"quick"`` or ``"paper"``: the training recipe of the networks.
""",
    "trial_options": """
event_id : dict | list of str | None
    Labels to decode; None takes all.
label_column : str
    Column of events.tsv that holds the labels.
where : dict | str | None
    What else must hold of a row of events.tsv, such as ``"trial_type == 'WORD'"``; see
    :func:`read_epochs`.
onset : "onset" | "sample" | None
    The column that says when an event is, see :func:`read_epochs`.
align : str | None
    What lies at time 0: a column of latencies in seconds such as ``"response_time"``,
    or the label of an event that follows each trial; None takes the onset.
tmin, tmax : float
    Beginning and end of an epoch in seconds.
""",
    "reference_and_anatomy": """
reference : str | None
    ``"bipolar"``, ``"laplacian"``, ``"shaft"``, ``"average"``, ``"white-matter"`` or
    None.
atlas : str
    Atlas of the anatomical labels.
space : str | None
    Which coordinates to use where there are several.
label_source : str
    ``"auto"``, ``"atlas"`` or a column of electrodes.tsv: where anatomical labels come
    from.
fs_subject, subjects_dir : str | None
    The subject's FreeSurfer folder, for contacts in native space.
max_distance : float | None
    Largest distance between the contacts of a bipolar channel in mm; None takes the
    default of the reference.
l_freq, h_freq : float | None
    Edges of the band-pass filter in Hz.
notch : "auto" | float | list of float | None
    Line noise to remove, see :func:`read_epochs`.
sfreq : "auto" | float | None
    Sampling rate that is worked with, in Hz; None keeps that of the recording.
    ``"auto"`` takes 500 Hz with the quick preset, which keeps high gamma and is faster,
    and 1000 Hz, as published, with the paper's.
causal : bool
    Whether the filters see the past only, which live decoding needs; see
    :func:`read_epochs`.
reject : "auto" | dict | None
    Trials and segments to drop by their amplitude, see :func:`read_epochs`.
""",
    "pretraining": """
pretraining : str
    ``"cells"``: hidden cells are predicted, see :class:`DuINCells`. ``"codex"``: the
    published stages, codes (VQ-VAE) and masked modeling (MAE), with the quick preset of
    signal and high gamma. ``"auto"`` takes cells from 20 minutes of recording on, and
    codes for less and with the paper's preset.
""",
    "job_output": """
desc : str | None
    Name of the analysis in file names, letters and digits; None builds it from the
    command and the regions. Analyses with different names lie side by side.
overwrite : bool
    Whether an earlier analysis of the same name may be replaced: the files that its
    manifest lists, if nobody changed them. No other file is ever touched.
""",
    "job_machine": """
device : str
    ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
precision : str
    ``"32"``, ``"bf16"`` or ``"auto"``.
random_state : int
    Seed of everything random.
verbose : bool | str | None
    Verbosity, as in MNE; False also hides the progress bars.
""",
    # How the networks are built.
    "preset": """
preset : str
    ``"quick"`` (ours) or ``"paper"``: where every parameter that is None here takes
    its value from; see :mod:`mne_duin.estimators.presets`.
""",
    "patch_duration": """
patch_duration : float | None
    Length of a patch in seconds, a whole number of samples. None takes the length
    nearest to 0.1 s that is a multiple of 10 samples (the stride of the convolutions):
    100 samples at 1000 and 1024 Hz, 50 at 512, 200 at 2048, 10 at 100 Hz.
""",
    "crop_duration": """
crop_duration : float | None
    Length in seconds of the random crops that longer epochs are trained on;
    shorter epochs are taken whole. After training, longer epochs are taken in pieces
    of about that length, because the transformer has learned from no more tokens.
""",
    "subject_layers": """
subject_layers : str
    What every subject has of its own: ``"spatial"`` (a spatial map in front of one
    patch encoder) or ``"patch"`` (a patch encoder straight from its channels, and a
    regression head back to them: the published multi-subject model, "poms").
""",
    "patch_encoder": """
patch_encoder : str
    ``"published"``: the convolutions mix all spatial filters. ``"depthwise"``: every
    channel has a temporal kernel of its own, of ``conv_kernels[0]`` samples, in front
    of the spatial map (see :meth:`contact_kernels`). ``"depthwise-filters"``: every
    spatial filter has convolutions of its own, as the paper's text has it; each number
    in ``conv_filters`` is then a multiple of ``n_filters``.
""",
    "spatial_sizes": """
n_filters : int | None
    Number of spatial filters; the quick preset takes one per input (channels, and as
    many per band of power), but at least 16 and at most 64: fewer than there are inputs
    discard directions of the signal.
conv_filters : tuple of int | None
    Filters of the patch encoder's convolutions; the last number times 10 is the size of
    a token. The quick preset takes ``(64, 64, n_filters)``. The decoder of a
    :class:`DuINVQVAE` has as many filters as the first convolution.
conv_kernels, conv_strides : tuple of int
    Their kernels and strides in samples.
""",
    "attention_sizes": """
n_heads : int
    Attention heads of a block.
head_dim : int | None
    Features of a head; the quick preset takes 32, the published number is 64.
ff_dim : int
    Size of the feed-forward layer.
attention_dropout, ff_dropout : float | None
    Dropout in the transformer. :class:`DuINCells` has none by default.
""",
    # How the networks are trained, and where.
    "recipe": """
max_iter : int | None
    Passes over the training data.
batch_size : int | None
    Epochs per step.
lr, lr_min : float | None
    Highest and final learning rate.
warmup : float | None
    Fraction of the passes in which the learning rate rises.
weight_decay : float | None
    Decay of weight matrices.
""",
    "machine": """
sfreq : float | None
    Sampling rate in Hz, for arrays.
device : str
    ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
precision : str
    ``"32"``; ``"auto"``, which trains in bfloat16 where the hardware gains by it and
    predicts in float32; or ``"bf16"``, which trains and predicts in bfloat16. It may be
    changed after fit. Codes are always compared in float32.
compile : bool
    Whether training steps are compiled by torch, on CUDA as graphs, which is what it is
    for: on a CPU compiled steps were slower. The first step takes a minute. Dropout
    then draws other numbers. Needs a C++ compiler (CPU) or Triton (CUDA) and one
    process; not with ``subject_layers="patch"``.
""",
    "progress": """
verbose : bool | None
    Whether to show a progress bar; None follows MNE's log level.
""",
    "validation_and_test": """
validation : tuple of (X, y) | None
    Held-out epochs that choose the best pass, instead of a fraction of ``X``.
test : tuple of (X, y) | None
    Further epochs whose metrics join the history; with ``select="paper"`` they decide
    ties, which leaks.
""",
    "network_pretraining": """
pretrain_iter : int
    Passes of the stage without labels; 0 leaves it out.
pretrain_batch_size : int
    Epochs per step of that stage.
pretrain_lr, pretrain_lr_min : float
    Its highest and final learning rate.
memory : path-like | None
    Folder where the passes of that stage are kept, so that another fit with the same
    parameters, seed and segments reads them instead of training again, whatever its
    labeled trials are (if ``unlabelled`` is given), and an interrupted one is
    continued. None keeps nothing.
""",
    "network_training": """
network_sfreq : float | None
    Sampling rate in Hz that the network works at; epochs are resampled to it, each
    alone. None takes that of the epochs.
max_shift : float
    Largest random shift in seconds, filled with zeros.
validation_fraction : float
    Fraction of the training epochs (the same of each class) held out to choose the best
    pass; 0 keeps the last pass, which is better where a tenth are two or three epochs
    of each class: so few choose by chance.
select : "first" | "paper"
    Which of the passes with the best validation accuracy is kept: the earliest, or
    the one with the best accuracy on the ``test`` epochs given to fit, which leaks.
max_iter : int
    Passes over the training data.
batch_size : int
    Epochs per step.
lr, lr_min : float
    Highest and final learning rate.
warmup : float
    Fraction of the passes in which the learning rate rises.
weight_decay : float
    Decay of weight matrices.
sfreq : float | None
    Sampling rate in Hz, for arrays.
device : str
    ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
precision : str
    ``"32"``; ``"auto"``, which trains in bfloat16 where the hardware gains by it and
    predicts in float32; or ``"bf16"``, which trains and predicts in bfloat16. It may be
    changed after fit. Codes are always compared in float32.
random_state : None | int | RandomState
    Seed of everything random.
verbose : bool | None
    Whether to show a progress bar; None follows MNE's log level.
""",
    "select": """
select : "first" | "paper"
    Which of the passes with the best validation accuracy is kept. ``"first"``: the
    earliest. ``"paper"``: the one with the best accuracy on the ``test`` epochs given
    to fit, as the published evaluation does; their accuracy is no estimate any more.
""",
    # Where estimators are shared.
    "hub_source": """
repo_id_or_folder : str | Path
    A folder with ``model.safetensors``, or ``"owner/name"`` on the hub.
revision : str | None
    Branch, tag or commit on the hub.
token : str | None
    Access token; None takes that of the login.
cache_dir : path-like | None
    Where downloads are kept; None is the place of huggingface_hub.
endpoint : str | None
    Address of another hub.
""",
    # What the estimators learn.
    "learned": """
history_ : History
    One record per pass.
scaler_ : ChannelScaler
    Mean and deviation of the training data per channel; those of the earlier stage
    where there is one.
bands_ : dict of str to tuple of float
    Edges in Hz of the bands whose power the network is given.
unmixing_ : dict of str to ndarray, shape (n_subjects, n_channels, n_channels)
    For unmixed bands, what the signal is multiplied by before.
info_ : Info
    Channel names and sampling rate.
ch_names_ : list of str
    Names of the channels.
subjects_ : ndarray, shape (n_subjects,)
    Names of the subjects, sorted.
contacts_ : dict of str to list of str | None
    Contacts of each subject in the order of the channel slots, of stacked epochs.
n_iter_ : int
    Passes that were made.
fit_groups_ : set of str
    The runs it and its earlier stages have learned from ("run" or "session/run"),
    if the metadata say.
""",
    # How estimators are evaluated.
    "estimators": """
estimators : dict of str to estimator
    The estimators by name.
""",
    "results": """
results : dict of str to DecodingResult
    The results by name.
""",
    "reference": """
reference : str | None
    The estimator the others are compared with; None is the first. Choose it before
    looking at the results.
""",
    "trials": """
epochs : Epochs | array | list of Epochs
    The labeled trials, see :func:`evaluate`.
y : array, shape (n_trials,) | None
    Labels; None takes the event names of the Epochs.
""",
    "cv": """
cv : "auto" | int | str | splitter
    The way of splitting, see :func:`evaluate`; ``"auto"`` holds out each run in turn
    where there are at least two.
groups : array, shape (n_trials,) | str | None
    Groups that stay together.
""",
    "repeated": """
protocol : "clean" | "paper"
    See :func:`evaluate`.
n_permutations : int
    How often to repeat the evaluation on shuffled labels.
random_state : int | None
    Seed, the same for all.
n_repeats : int
    How often to repeat with other seeds.
""",
    "unlabelled": """
unlabelled : Epochs | DiskSegments | None
    Segments for the estimators whose ``fit`` takes ``unlabelled``; the column
    ``n_unlabelled`` tells which did.
""",
    "pretrain_on": """
pretrain_on : "train" | "all"
    Which segments may be used, see :func:`evaluate`.
""",
    "n_jobs": """
n_jobs : int
    Folds that run at the same time.
verbose : bool | str | int | None
    Verbosity, as in MNE.
""",
}
PLACE = re.compile(r"^( *)%\((\w+)\)s$", re.MULTILINE)


def fill_doc(documented):
    """Put the shared descriptions into the docstring of a function or class.

    Of a class, the docstrings of its own methods and class methods are filled as well.

    Parameters
    ----------
    documented : callable
        Its docstring says ``%(name)s`` on a line of its own for every entry of
        ``DOCS`` it uses.

    Returns
    -------
    documented : callable
        The same object; only its docstring is changed.

    Raises
    ------
    KeyError
        If there is no entry of that name.

    Examples
    --------
    >>> @fill_doc
    ... def count(X):
    ...     '''Count epochs.
    ...
    ...     Parameters
    ...     ----------
    ...     %(X)s
    ...     '''
    >>> print(count.__doc__.splitlines()[-2])
            The epochs.
    """
    members = vars(documented).values() if inspect.isclass(documented) else ()
    # The function of a class method lies inside of it.
    functions = [getattr(member, "__func__", member) for member in members]
    methods = [function for function in functions if inspect.isfunction(function)]
    for one in (documented, *methods):
        if one.__doc__:
            one.__doc__ = PLACE.sub(_describe, one.__doc__)
    return documented


def _describe(place):
    """Return the description of a place, as far indented as the place is."""
    indent, name = place.groups()
    if name not in DOCS:
        raise KeyError(f"No parameter {name!r} is described in mne_duin.utils._docs.")
    lines = DOCS[name].strip().splitlines()
    return "\n".join(indent + line for line in lines)

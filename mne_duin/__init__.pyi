# the folders
from . import (
    baselines,
    channels,
    checkpoints,
    datasets,
    estimators,
    evaluation,
    io,
    live,
    nn,
    report,
    sequences,
    training,
    viz,
    weights,
    workflows,
)

# io: BIDS iEEG in, Epochs and a contacts table out
from .io import (
    DiskSegments,
    check_recording,
    find_recordings,
    list_checks,
    open_segments,
    prepare_epochs,
    read_contacts,
    read_epochs,
    read_raw,
    read_segments,
    read_stimulus_events,
    read_transcript,
    write_segments,
)

# channels: names, references, anatomy, regions, selection
from .channels import (
    REGIONS,
    Contact,
    ContributionSelector,
    RegionSelector,
    SelectedChannels,
    assign_labels,
    assign_regions,
    bipolar_pairs,
    make_contacts,
    parse_contact,
    reference_average,
    reference_bipolar,
    reference_laplacian,
    reference_shaft,
    reference_white_matter,
    stack_subjects,
)

# sequences: labels in time
from .sequences import (
    error_rate,
    label_sequences,
    split_pinyin,
    token_labels,
)

# estimators: codes, masked pre-training, words, tokens
from .estimators import (
    DecoderEnsemble,
    DuINCells,
    DuINClassifier,
    DuINDecoder,
    DuINMAE,
    DuINTokenDecoder,
    DuINVQVAE,
    add_subject,
    estimate_cost,
    make_duin,
)

# baselines
from .baselines import (
    CNN2D,
    TSTCC,
    CNNBiGRU,
    DeWave,
    EEGConformer,
    NeuroBERT,
    make_band_power,
    make_braindecode,
    make_lda,
    make_multirocket_hydra,
    make_riemann,
    make_xdawn_riemann,
)

# weights: files of fitted networks, ours and others'
from .weights import (
    convert_weights,
    from_braindecode,
    from_pretrained,
    read_baseline,
    read_estimator,
    read_model,
    read_official,
    save_decoder,
    to_braindecode,
    to_published,
)

# evaluation
from .evaluation import (
    DecodingResult,
    ablate,
    compare,
    evaluate,
    learning_curve,
    read_result,
)

# viz: arrays and tables in, Figure out
from .viz import (
    code_word_information,
    plot_ablation,
    plot_accuracy,
    plot_code_average,
    plot_code_usage,
    plot_code_words,
    plot_codes,
    plot_codex,
    plot_confusion,
    plot_contact_kernels,
    plot_contacts,
    plot_contributions,
    plot_group_contributions,
    plot_history,
    plot_learning_curve,
    plot_patch_filters,
    plot_patterns,
    plot_pretraining,
    plot_reconstruction,
    plot_spatial_filters,
    view_brain,
    view_contacts,
)

# datasets
from .datasets import (
    fetch_official,
    read_official_epochs,
    read_official_segments,
    sample_data_path,
    simulate_subjects,
    simulate_syllables,
    simulate_unit_speech,
    simulate_word_reading,
    write_simulated_bids,
)

# the whole path in one call
from .report import make_report
from .workflows import (
    ablate_words,
    compare_words,
    decode_group,
    decode_words,
    predict_words,
    pretrain,
    read_decoding,
    read_live_decoder,
    report_words,
)

# live: from a stream to words
from .live import (
    LiveCalibration,
    Decision,
    DecisionLog,
    LiveDecoder,
    LiveSummary,
    LogReplay,
    ReplaySummary,
    read_log,
    replay_log,
    replay_recording,
    run_live,
)

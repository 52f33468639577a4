"""What the columns of the written tables hold, for their sidecars."""

COLUMNS = {
    # contacts
    "name": "Name of the channel.",
    "shaft": "Name of the electrode shaft, strip or grid.",
    "number": "Number of the contact on its shaft, counted from the tip.",
    "anode": "Contact that the bipolar channel subtracts from.",
    "cathode": "Contact that is subtracted.",
    "x": "Position to the right; of a bipolar channel, its midpoint.",
    "y": "Position to the front.",
    "z": "Position upwards.",
    "space": "Coordinate system of x, y and z.",
    "hemisphere": "L or R.",
    "label": "Anatomical label.",
    "label_distance": "Distance to the nearest voxel with the label; 0 inside.",
    "label_reason": "Why there is no label.",
    "label_probability": "Probability of the label.",
    "label_rule": "How the label of a bipolar channel follows from its two contacts.",
    "anode_label": "Anatomical label of the anode.",
    "cathode_label": "Anatomical label of the cathode.",
    "atlas": "Atlas, or the column of electrodes.tsv, that the label comes from.",
    "region": "Region that the channel was chosen for.",
    # scores
    "subject": "Subject.",
    "estimator": "Name of the decoder.",
    "value": "Value of the parameter that was varied.",
    "parameter": "Parameter that was varied.",
    "accuracy": "Fraction of the held-out trials whose label was predicted.",
    "low": "Lower end of the 95 % Wilson interval of the accuracy.",
    "high": "Upper end of the 95 % Wilson interval of the accuracy.",
    "chance": "Accuracy of the uniform or the majority guess, the larger of both.",
    "p": "Permutation p-value of the accuracy.",
    "p_kind": "What was permuted: labels of the test trials, or all labels.",
    "balanced_accuracy": "Mean recall of the labels.",
    "log_loss": "Mean negative log-probability of the true label, in nats.",
    "difference": "Accuracy minus that of the first row.",
    "p_paired": "p-value of the difference.",
    "p_holm": "p-value of the difference, corrected for several by Holm's method.",
    "test": "Test of the difference.",
    "n_leaks": "Ways in which held-out trials had an influence on the decoder.",
    "n_unlabelled": "Segments without labels that the decoder was pre-trained on.",
    "n_trials": "Held-out trials.",
    "seconds_fit": "Duration of fitting, all folds together.",
    "n_per_class": "Training trials per label.",
    "n_test": "Distinct held-out trials.",
    "n_fits": "How often the decoder was fitted.",
    "seconds_predict": "Duration of prediction, all folds together.",
    # predictions on new recordings
    "trial": "Number of the trial, counted from 0.",
    "session": "Session of the recording.",
    "task": "Task of the recording.",
    "acquisition": "Acquisition of the recording.",
    "run": "Run of the recording.",
    "onset": "Onset of the event in the recording.",
    "y_true": "Label of the trial in events.tsv.",
    "y_pred": "Predicted label.",
    # group map
    "contribution": "Contribution of the channel to the decoder of its subject.",
    "weight": "Accuracy of the subject, which weights its contributions.",
}
UNITS = {
    "mm": ("x", "y", "z", "label_distance"),
    "s": ("onset", "seconds_fit", "seconds_predict"),
}
OTHER = "Column of electrodes.tsv, unchanged."


def describe_column(name):
    """Return the entry of a column in a sidecar."""
    entry = {"Description": COLUMNS.get(name, OTHER)}
    for unit, names in UNITS.items():
        if name in names:
            entry["Units"] = unit
    return entry

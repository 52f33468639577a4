"""What stands in the text files of a simulated BIDS dataset."""

import json

from mne_duin.datasets.simulation._lexicon import WORDS
from mne_duin.datasets.simulation._montages import LABEL_COLUMN

BIDS_VERSION = "1.10.0"
TASK = "wordreading"
GENERATOR = {
    "Name": "mne_duin",
    "Description": "mne_duin.datasets.write_simulated_bids",
}
README = """\
Simulated intracranial word reading
===================================

**No human subject was recorded. Every sample of this dataset is simulated** by
`mne_duin.datasets.write_simulated_bids`; the same seed gives the same bytes. It is
meant for trying, teaching and testing software, never for conclusions about the brain.

The task. A word appears at the event's `onset`; the subject reads it aloud from
`response_time` seconds later. Words are Mandarin (pinyin in `trial_type`, characters in
`word`) and come from the list of Zheng et al., NeurIPS 2024 (Du-IN).

How the signals are made
------------------------

* Ongoing activity: next to every contact a source with a 1/f spectrum, high-gamma noise
  and two rhythms (theta, alpha/mu or beta) in bursts with a waveform of their own;
  three broad sources; four brain states that last 0.4 s to several seconds.
* Words: each is spelled as two to eight articulatory gestures out of twelve. A gesture
  evokes, in sources planted in the ventral sensorimotor cortex (before it) and the
  superior temporal gyrus (after it), a waveform locked in phase (3-14 Hz) and a bump of
  power at 70-150 Hz with random phase. Onset, speed and gain vary between utterances.
* Unlabeled speech: between trials and at the ends of a run the subject says made-up
  syllables of the same gestures to himself. They are in no table.
* The cue evokes a response in two places outside the speech areas, which is the same
  for all words.
* Contacts: sources spread to their neighbors; planted sources reach 7 mm. Common
  reference signal, amplifier noise, 50 Hz mains with harmonics, and an ECG channel.

Trouble on purpose: primes in contact names, a contact number that does not exist, a
contact without coordinates, a contact that is broken (`status` bad).

The truth is in `derivatives/simulation/sub-XX_truth.tsv`: the contacts with `planted`
1, and only these, carry information about the word. A bipolar channel carries it if one
of its two contacts does.
"""
DESCRIPTION = {
    "Name": "Simulated intracranial word reading",
    "BIDSVersion": BIDS_VERSION,
    "DatasetType": "raw",
    "License": "CC0",
    "Authors": ["mne_duin developers"],
    "GeneratedBy": [GENERATOR],
}
DERIVATIVE_DESCRIPTION = {
    "Name": "Truth of the simulation",
    "BIDSVersion": BIDS_VERSION,
    "DatasetType": "derivative",
    "License": "CC0",
    "GeneratedBy": [GENERATOR],
}
PARTICIPANTS = {
    "implanted_hemisphere": {
        "Description": "Hemisphere of the simulated depth electrodes.",
        "Levels": {"L": "left", "R": "right"},
    }
}
COORDSYSTEM = {
    "iEEGCoordinateSystem": "fsaverage",
    "iEEGCoordinateUnits": "mm",
    "iEEGCoordinateSystemDescription": (
        "MNI305, the space of FreeSurfer's fsaverage; origin near the anterior "
        "commissure, axes right, anterior, superior."
    ),
    "iEEGCoordinateProcessingDescription": "none, the positions are simulated",
}
ELECTRODES = {
    LABEL_COLUMN: {
        "Description": (
            "Desikan-Killiany label of the nearest grey matter, named as in "
            "FreeSurfer's color table."
        )
    }
}
TRUTH = {
    "name": {"Description": "Contact, as in channels.tsv."},
    "planted": {
        "Description": "Whether the contact carries information about the word.",
        "Levels": {"0": "no", "1": "yes"},
    },
    "source_gain": {
        "Description": "Gain from the planted source that the contact sees best."
    },
}


def json_bytes(content):
    """Write an object as JSON.

    Parameters
    ----------
    content : dict
        The object.

    Returns
    -------
    text : bytes
        UTF-8, indented, ending with a newline.
    """
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def tsv_bytes(table):
    """Write a table as BIDS does: tabs, ``n/a`` for what is missing.

    Parameters
    ----------
    table : DataFrame
        The table; its index is left out.

    Returns
    -------
    text : bytes
        UTF-8, lines ending with a newline on every platform.
    """
    return table.to_csv(
        sep="\t", index=False, na_rep="n/a", lineterminator="\n"
    ).encode()


def events_sidecar(words):
    """Describe the columns of events.tsv.

    Parameters
    ----------
    words : iterable of str
        The words of the task, in pinyin.

    Returns
    -------
    sidecar : dict
        The content of events.json.
    """
    return {
        "onset": {"Description": "The word appears.", "Units": "s"},
        "duration": {"Description": "How long the word is shown.", "Units": "s"},
        "trial_type": {
            "Description": "The word that is read, in pinyin without tones.",
            "Levels": {word: f"The subject reads {WORDS[word]}." for word in words},
        },
        "value": {"Description": "Number of the stimulus marker of this word."},
        "sample": {"Description": "Sample of the onset, counted from 0."},
        "response_time": {
            "Description": "Onset of the voice after the onset of the event.",
            "Units": "s",
        },
        "word": {"Description": "The word in Chinese characters."},
    }


def ieeg_sidecar(raw):
    """Describe a recording.

    Parameters
    ----------
    raw : Raw
        The recording.

    Returns
    -------
    sidecar : dict
        The content of ieeg.json.
    """
    kinds = raw.get_channel_types()
    return {
        "TaskName": TASK,
        "TaskDescription": "Simulated: a word appears and is read aloud.",
        "Instructions": "Read the word aloud.",
        "Manufacturer": "none (simulated)",
        "SamplingFrequency": float(raw.info["sfreq"]),
        "PowerLineFrequency": float(raw.info["line_freq"]),
        "SoftwareFilters": "n/a",
        "HardwareFilters": "n/a",
        "iEEGReference": "one simulated signal, common to all contacts",
        "iEEGGround": "n/a",
        "iEEGElectrodeGroups": "one group per depth electrode",
        "iEEGPlacementScheme": "depth electrodes of one hemisphere",
        "RecordingType": "continuous",
        "RecordingDuration": round(raw.n_times / float(raw.info["sfreq"]), 3),
        "SEEGChannelCount": kinds.count("seeg"),
        "ECGChannelCount": kinds.count("ecg"),
        "ElectricalStimulation": False,
    }

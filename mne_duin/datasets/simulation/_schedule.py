"""What happens in a run and when: cues, spoken words, and speech in between."""

import numpy as np
import pandas as pd

from mne_duin.datasets.simulation._lexicon import GESTURE_DURATION, WORDS, babble

RESPONSE = 0.6, 0.1, 0.35, 0.95  # mean, sd, earliest and latest voice onset in s
SHORTEST_SOA, SOA_RANGE = 3.2, 0.1
BETWEEN_VOICES = 3.05  # so that epochs of 3 s around the voice onset do not overlap
CUE_SECONDS = 0.5
WORD_SECONDS = 1.2  # no word of the list lasts longer, at any speed
FILLER_SYLLABLES, REST_SYLLABLES = 2, (2, 5)


def draw_trials(rng, words, settings):
    """Draw the order, cues and voice onsets of the trials of one run.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    words : iterable of str
        The words.
    settings : SimulationSettings
        Uses ``n_trials_per_word``, ``rest`` and ``sfreq``.

    Returns
    -------
    trials : DataFrame
        The columns of events.tsv: ``onset`` and ``duration`` of the cue in s,
        ``sample``, ``value``, ``trial_type`` (pinyin), ``word`` (characters) and
        ``response_time`` (voice onset, s after the cue).
    """
    words = list(words)
    order = np.repeat(np.arange(len(words)), settings.n_trials_per_word)
    order = rng.permutation(order)
    mean, spread, earliest, latest = RESPONSE
    responses = np.clip(rng.normal(mean, spread, len(order)), earliest, latest).round(3)
    soas = rng.uniform(SHORTEST_SOA, SHORTEST_SOA + SOA_RANGE, len(order))
    rows, onset = [], settings.rest
    for trial, index in enumerate(order):
        if trial:
            wait = BETWEEN_VOICES + responses[trial - 1] - responses[trial]
            onset += max(soas[trial], wait)
        sample = int(np.ceil(onset * settings.sfreq))
        onset = sample / settings.sfreq
        rows.append(
            {
                "onset": round(onset, 6),
                "duration": CUE_SECONDS,
                "sample": sample,
                "value": int(index) + 1,
                "trial_type": words[index],
                "word": WORDS[words[index]],
                "response_time": float(responses[trial]),
            }
        )
    return pd.DataFrame(rows)


def run_seconds(trials, settings):
    """Return how long a run lasts: the last trial is followed by the rest.

    Parameters
    ----------
    trials : DataFrame
        The trials, see :func:`draw_trials`.
    settings : SimulationSettings
        Uses ``rest``.

    Returns
    -------
    seconds : float
        Length of the run.
    """
    return float(trials["onset"].iloc[-1]) + SHORTEST_SOA + settings.rest


def draw_utterances(rng, trials, vocabulary, settings):
    """List everything that is said in a run: the words and what nobody labels.

    Between two words, with probability ``filler_rate``, and all through the rest at
    both ends of the run, the subject says made-up syllables to himself. They use the
    same gestures as the words. When they begin does not depend on the word.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    trials : DataFrame
        The trials.
    vocabulary : dict of str to tuple of str
        Gestures of each word.
    settings : SimulationSettings
        Uses ``filler_rate`` and ``rest``.

    Returns
    -------
    utterances : DataFrame
        ``onset`` in s, ``gestures`` and ``labelled`` (whether it is a word of a trial).
    """
    rows = []
    voices = (trials["onset"] + trials["response_time"]).to_numpy()
    for voice, word in zip(voices, trials["trial_type"], strict=True):
        rows.append((voice, vocabulary[word], True))
        late, talks = rng.uniform(0.0, 0.4), rng.random() < settings.filler_rate
        filler = babble(rng, FILLER_SYLLABLES)
        if talks:
            rows.append((voice + WORD_SECONDS + late, filler, False))
    last = float(trials["onset"].iloc[-1]) + SHORTEST_SOA
    for start in (0.0, last):
        rows.extend(_draw_rest(rng, start, start + settings.rest))
    utterances = pd.DataFrame(rows, columns=["onset", "gestures", "labelled"])
    return utterances.sort_values("onset", ignore_index=True)


def _draw_rest(rng, start, stop):
    """Fill a stretch of time with made-up utterances and short silences."""
    while True:
        gestures = babble(rng, int(rng.integers(*REST_SYLLABLES)))
        seconds = 1.2 * sum(GESTURE_DURATION[gesture] for gesture in gestures)
        start += rng.uniform(0.2, 1.0)
        if start + seconds + 0.6 > stop:
            return
        yield start, gestures, False
        start += seconds


def draw_occurrences(rng, trials, utterances, settings):
    """Time every gesture and every cue, with the variation between trials.

    An utterance has one speed, one gain and one shift for all its gestures; each
    gesture has a little of its own.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    trials, utterances : DataFrame
        The trials and all that is said.
    settings : SimulationSettings
        Uses ``onset_jitter``, ``speed_jitter`` and ``gain_jitter``.

    Returns
    -------
    occurrences : DataFrame
        ``time`` in s, ``kind``, ``gain`` and ``speed``, in no particular order.
    """
    rows = []
    for onset, gestures in zip(
        utterances["onset"], utterances["gestures"], strict=True
    ):
        speed = np.clip(rng.lognormal(0.0, settings.speed_jitter), 0.67, 1.5)
        gain = rng.lognormal(0.0, settings.gain_jitter)
        time = onset + rng.normal(0.0, settings.onset_jitter)
        for gesture in gestures:
            own = gain * rng.lognormal(0.0, 0.5 * settings.gain_jitter)
            shift = rng.normal(0.0, 0.4 * settings.onset_jitter)
            rows.append((time + shift, gesture, own, speed))
            time += GESTURE_DURATION[gesture] / speed
    for onset in trials["onset"]:
        time = onset + rng.normal(0.0, settings.onset_jitter)
        rows.append((time, "cue", rng.lognormal(0.0, settings.gain_jitter), 1.0))
    return pd.DataFrame(rows, columns=["time", "kind", "gain", "speed"])

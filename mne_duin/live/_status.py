"""What a running decoder shows: to a terminal, to a page, to whoever asks."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

N_WORDS, N_LATENCIES, N_SCORES = 12, 2000, 300


@dataclass
class LiveStatus:
    """The newest results of a running decoder; its size does not grow.

    Parameters
    ----------
    stream : str
        Name of the stream.
    classes : list of str
        Labels of the decoder; empty for decoders of sequences.
    """

    stream: str
    classes: list
    state: str = "waiting for the stream"
    seconds: float = 0.0
    probabilities: tuple = ()
    words: deque = field(default_factory=lambda: deque(maxlen=N_WORDS))
    scores: deque = field(default_factory=lambda: deque(maxlen=N_SCORES))
    latencies: deque = field(default_factory=lambda: deque(maxlen=N_LATENCIES))
    contacts: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    n_decided: int = 0
    n_undecided: int = 0

    def take(self, decision, latency):
        """Take in a decision that was just made."""
        if decision.decided:
            if latency is not None:
                self.latencies.append(latency)
            self.n_decided += 1
        else:
            self.n_undecided += 1
        if decision.probabilities is not None:
            self.probabilities = decision.probabilities
            self.scores.append((decision.end, max(decision.probabilities)))
        if decision.kind in ("trial", "event") or decision.sequence is not None:
            self.words.append(decision)

    def look(self, live):
        """Take in what the stream is like."""
        engine = live.engine
        self.state = live.state
        self.counts = dict(engine.counts)
        self.seconds = engine.clock.n_seen / engine.clock.rate
        self.contacts = contact_quality(engine)

    def latency(self, percent):
        """Return a percentile of the latency in milliseconds, NaN if none is known."""
        if not self.latencies:
            return float("nan")
        return 1000 * float(np.percentile(self.latencies, percent))

    def to_dict(self):
        """Return the status as JSON's own types."""
        values = {
            "stream": self.stream,
            "state": self.state,
            "seconds": round(self.seconds, 1),
            "classes": self.classes,
            "probabilities": [round(p, 4) for p in self.probabilities],
            "scores": [[round(t, 3), round(p, 4)] for t, p in self.scores],
            "words": [describe_word(one) for one in self.words],
            "contacts": self.contacts,
            "counts": self.counts,
            "decided": self.n_decided,
            "undecided": self.n_undecided,
        }
        if self.latencies:
            values["latency"] = [round(self.latency(50), 1), round(self.latency(95), 1)]
        return values


def describe_word(decision):
    """Return a decision as a row: time, text, probability, and why there is none."""
    if decision.sequence is not None:
        text = " ".join(map(str, decision.sequence)) or "(nothing)"
        text += " …" if decision.kind == "partial" else ""
    else:
        text = "–" if decision.label is None else str(decision.label)
    probability = decision.probability
    return {
        "time": round(decision.onset, 2),
        "kind": decision.kind,
        "text": text,
        "probability": None if probability is None else round(probability, 3),
        "reason": decision.reason,
    }


def contact_quality(engine):
    """Return the state of every contact: good, bad, flat, or unusually strong.

    Strong is more than ten times the median of all contacts over the last chunk.
    """
    spread = engine.spread
    typical = float(np.median(spread)) if len(spread) else 0.0
    quality = {}
    for name, own in zip(engine.contacts.picks, spread.tolist(), strict=True):
        if name in engine.contacts.bads:
            quality[name] = "bad"
        elif own == 0:
            quality[name] = "flat"
        elif own > 10 * typical:
            quality[name] = "strong"
        else:
            quality[name] = "good"
    return quality

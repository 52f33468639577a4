"""What was decided, and why something was not."""

from dataclasses import asdict, dataclass, replace

KINDS = ("trial", "window", "event", "partial")


@dataclass(frozen=True)
class Decision:
    """One decision on one window of a stream.

    Parameters
    ----------
    kind : "trial" | "window" | "event" | "partial"
        Trial: the window of a cue. Window: one of those that follow each other. Event:
        a window whose probability passed the threshold, outside the refractory time.
        Partial: what is known of a sequence that is not over.
    onset : float
        Time zero of the window in seconds from the first sample of the stream.
    end : float
        The end of the window, in the same seconds.
    label : object | None
        The most probable label; None where nothing was decided.
    probabilities : tuple of float | None
        In the order of the decoder's classes.
    sequence : tuple | None
        The labels of a sequence, of decoders of sequences.
    cue : str | None
        The marker that opened the window.
    reason : str | None
        Why nothing was decided; None where something was.
    """

    kind: str
    onset: float
    end: float
    label: object = None
    probabilities: tuple | None = None
    sequence: tuple | None = None
    cue: str | None = None
    reason: str | None = None

    @property
    def decided(self) -> bool:
        """Whether something was decided."""
        return self.reason is None

    @property
    def probability(self) -> float | None:
        """The largest probability."""
        return None if self.probabilities is None else max(self.probabilities)

    def to_dict(self) -> dict:
        """Return the decision as JSON's own types.

        Returns
        -------
        values : dict
            The parameters by name, without those that are None.
        """
        values = {k: v for k, v in asdict(self).items() if v is not None}
        if "label" in values and not isinstance(self.label, str | int | float):
            values["label"] = str(self.label)
        return values

    @classmethod
    def from_dict(cls, values: dict) -> "Decision":
        """Return the decision that :meth:`to_dict` described.

        Parameters
        ----------
        values : dict
            What it returned.

        Returns
        -------
        decision : Decision
            The decision.
        """
        tuples = {
            name: tuple(values[name])
            for name in ("probabilities", "sequence")
            if values.get(name) is not None
        }
        return cls(**(values | tuples))

    def as_event(self, label):
        """Return the event that a window is, with the label of a word.

        Parameters
        ----------
        label : str
            The word.

        Returns
        -------
        event : Decision
            A copy of kind ``"event"``.
        """
        return replace(self, kind="event", label=label)

"""What happened in each pass over the training data, as plain records."""

from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from mne_duin.viz import plot_history


@dataclass(frozen=True)
class History:
    """Records of a training run, one per pass.

    Parameters
    ----------
    records : list of dict
        One dict per pass with ``pass``, ``lr``, ``seconds`` and the losses and
        metrics of the stage, prefixed with ``train_`` or ``valid_``.

    Examples
    --------
    >>> history = History([{"pass": 1, "train_loss": 2.0}, {"pass": 2}])
    >>> len(history)
    2
    >>> history["train_loss"].tolist()
    [2.0, nan]
    """

    records: list = field(default_factory=list)

    def __len__(self):
        return len(self.records)

    def __getitem__(self, name):
        """Return one column, NaN where a pass has no such value."""
        known = {key for record in self.records for key in record}
        if name not in known:
            raise KeyError(f"The history has no {name!r}; it has {sorted(known)}.")
        return np.array([record.get(name, np.nan) for record in self.records])

    def to_frame(self):
        """Return the records as a table.

        Returns
        -------
        table : DataFrame
            One row per pass.
        """
        return pd.DataFrame(self.records)

    def plot(self, *, show=True):
        """Plot the learning curves.

        Parameters
        ----------
        show : bool
            Whether to show the figure.

        Returns
        -------
        figure : Figure
            The figure.
        """
        return plot_history(self.to_frame(), show=show)

    def _repr_html_(self):
        """Return the last passes as a table."""
        frame = self.to_frame()
        table = frame.tail(5).to_html(
            index=False, na_rep="", float_format="{:.4g}".format
        )
        more = f" (the last 5 of {len(frame)})" if len(frame) > 5 else ""
        return f"<p>{escape(str(self))}{more}</p>{table}"

    def __str__(self):
        if not self.records:
            return "History of no pass"
        last = self.records[-1]
        parts = [
            f"{key} {value:.4g}"
            for key, value in last.items()
            if isinstance(value, float) and key != "seconds"
        ]
        return f"History of {len(self)} passes; last: {', '.join(parts)}"

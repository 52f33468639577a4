"""What a training holds between two passes: its records, and what continues it."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd
import torch

from mne_duin.training._devices import broadcast_
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


class TrainingState:
    """Network, optimizer, history and the best pass so far.

    Between two passes nothing else exists: the random numbers of a pass are a function
    of (seed, pass), and a step function starts every pass again.

    Parameters
    ----------
    module : Module
        The network.
    optimizer : Optimizer
        The optimizer.
    monitor : str | tuple of str | None
        Metric whose best pass is remembered, see :func:`mne_duin.training.train`.
    """

    def __init__(self, module, optimizer, monitor=None):
        self.module, self.optimizer = module, optimizer
        self.monitor = (monitor,) if isinstance(monitor, str) else monitor
        self.history = History([])
        self.best_iteration, self._best_value, self._best = None, None, None

    def add_pass(self, record):
        """Remember a pass, and its weights if it is the best; an equal one is not.

        Parameters
        ----------
        record : dict
            What happened in the pass.
        """
        self.history.records.append(record)
        if self.monitor is None:
            return
        value = [-record[m] if m.endswith("loss") else record[m] for m in self.monitor]
        if self._best_value is None or value > self._best_value:
            self.best_iteration, self._best_value = record["pass"], value
            self._best = {k: v.clone() for k, v in self.module.state_dict().items()}

    def restore_best(self):
        """Give the network the weights of the best pass."""
        if self._best is not None:
            self.module.load_state_dict(self._best)

    def broadcast_(self):
        """Give all processes the network of the main one."""
        broadcast_(self.module.state_dict().values())

    def tensors(self):
        """Return all tensors by name.

        Returns
        -------
        tensors : dict of str to Tensor
            Weights, the optimizer's state and the best weights; not copies.
        """
        tensors = {f"module.{k}": v for k, v in self.module.state_dict().items()}
        for number, values in self.optimizer.state_dict()["state"].items():
            for key, value in values.items():
                tensors[f"optimizer.{number}.{key}"] = torch.as_tensor(value)
        for name, value in (self._best or {}).items():
            tensors[f"best.{name}"] = value
        return tensors

    def record(self):
        """Return what is no tensor, as JSON can hold it.

        Returns
        -------
        record : dict
            History, best pass and its value.
        """
        return {
            "history": [dict(record) for record in self.history.records],
            "best_iteration": self.best_iteration,
            "best_value": self._best_value,
        }

    def load_(self, tensors, record):
        """Become the state that :meth:`tensors` and :meth:`record` described.

        Parameters
        ----------
        tensors : dict of str to Tensor
            The tensors by name.
        record : dict
            The rest.
        """
        parts = {"module": {}, "optimizer": {}, "best": {}}
        for full, value in tensors.items():
            part, _, name = full.partition(".")
            parts[part][name] = value.clone()
        self.module.load_state_dict(parts["module"])
        moments = {}
        for name, value in parts["optimizer"].items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self._best = parts["best"] or None
        self.history.records[:] = record["history"]
        self.best_iteration = record["best_iteration"]
        self._best_value = record["best_value"]


class CheckpointHooks:
    """What :func:`train` asks of checkpoints; these keep nothing.

    Attributes
    ----------
    found : bool
        Whether there is a state to continue from.
    """

    found = False

    def choose_seed(self, seed, random_state):
        """Return the seed to use.

        Parameters
        ----------
        seed : int
            What was drawn from ``random_state``.
        random_state : None | int | RandomState | Generator
            What the user passed.

        Returns
        -------
        seed : int
            The same, unless an earlier training had another one by chance.
        """
        return seed

    def check_data(self, data, circumstances):
        """Make sure that an earlier training was one of these data.

        Parameters
        ----------
        data : dict
            What tells data from other data.
        circumstances : dict
            Device, precision, processes, versions.
        """

    @contextmanager
    def watch(self):
        """Look after the passes that are made inside.

        Yields
        ------
        nothing : None
            This class keeps nothing.
        """
        yield

    def resume(self, state):
        """Bring a state to where an earlier training was, and count its passes.

        Parameters
        ----------
        state : TrainingState
            A new state, changed in place.

        Returns
        -------
        n_done : int
            Passes that need not be made again.
        """
        return 0

    def after_pass(self, state, n_passes):
        """Keep the state after a pass.

        Parameters
        ----------
        state : TrainingState
            The state.
        n_passes : int
            How many passes there will be in all.
        """

"""The plot methods of the estimators: what they know goes to a function of ``viz``."""

from collections.abc import Mapping

import mne
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from mne_duin import viz
from mne_duin.estimators.subjects import subject_index
from mne_duin.utils.checks import check_option, check_type
from mne_duin.utils.docs import fill_doc


class Subjects:
    """Match subjects, channels and contacts; not to be used itself."""

    def _subject_row(self, show_subject):
        """Return the position of a subject; the only one if there is one."""
        check_is_fitted(self, "module_")
        names = [str(name) for name in self.subjects_]
        if len(names) == 1:
            return 0
        return names.index(check_option("show_subject", str(show_subject), names))

    def _own_contacts(self, contacts, row):
        """Return the contacts of a subject in the order of the data.

        A table of `stack_subjects` or a dict of tables is taken apart by subject.
        """
        check_type("contacts", contacts, (pd.DataFrame, Mapping))
        n_real = int(self.scaler_.channel_mask[row, : self.n_features_in_].sum())
        stacked = isinstance(contacts, Mapping)
        if not stacked and contacts.index.nlevels == 1 and len(self.subjects_) == 1:
            missing = [name for name in self.ch_names_ if name not in contacts.index]
            if missing:
                raise ValueError(
                    f"`contacts` lacks {len(missing)} channels that "
                    f"{type(self).__name__} was fitted with: {missing[:5]}."
                )
            return contacts.loc[self.ch_names_]
        name = str(self.subjects_[row])
        table = contacts[name] if stacked else contacts.loc[name]
        table = table.set_index("contact") if "contact" in table else table
        if len(table) != n_real:
            raise ValueError(
                f"`contacts` must have the {n_real} channels of subject {name!r}; got "
                f"{len(table)}."
            )
        return table

    def _own_epochs(self, X, subject, row):
        """Return a subject's signal, real channels only, and which epochs it is."""
        epochs = self._check_fitted(X, subject)
        whose = subject_index(epochs, self.subjects_)[1]
        real = self.scaler_.channel_mask[row, : self.n_features_in_]
        return epochs.data[whose == row][:, real], whose == row


def signal_timing(X):
    """Say when the epochs start and in which unit they are.

    Parameters
    ----------
    X : Epochs | array | list of Epochs
        What the user passed.

    Returns
    -------
    tmin : float
        In seconds; 0 for an array.
    unit : str
        ``"V"`` for MNE objects, ``"signal"`` for an array.
    """
    first = X[0] if isinstance(X, list) and X else X
    if isinstance(first, mne.BaseEpochs):
        return float(first.tmin), "V"
    return 0.0, "signal"


@fill_doc
class NetworkPlots(Subjects):
    """Pictures of any stage; not to be used itself."""

    def plot_history(self, *, chance=None, **options):
        """Plot what was recorded over the passes.

        Parameters
        ----------
        chance : float | None
            Accuracy at chance, between 0 and 1.
        **options : dict
            Passed to :func:`mne_duin.plot_history`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        check_is_fitted(self, "module_")
        if chance is None and hasattr(self, "classes_"):
            chance = 1 / len(self.classes_)
        options = {"best_pass": self.best_iter_, "chance": chance} | options
        return viz.plot_history(self.history_, **options)

    def plot_contributions(
        self, contacts, method="weights", *, X=None, y=None, subject=None, **options
    ):
        """Plot how much each channel contributes, by one of three measures.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name; for several subjects the table of
            ``stack_subjects`` or a dict of tables.
        method : str
            ``"weights"``, ``"patterns"`` or ``"ablation"``; see
            :meth:`channel_contributions` for when each can be trusted.
        X : Epochs | array | None
            Data for ``"patterns"`` and ``"ablation"``, held out.
        y : array, shape (n_epochs,) | None
            Labels for the ablation of a classifier.
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_contributions`.

        Returns
        -------
        figure : Figure
            The figure; several subjects share one brain.
        """
        values = self.channel_contributions(method, X=X, y=y, subject=subject)
        names = [str(name) for name in self.subjects_]
        if len(names) == 1:
            table = self._own_contacts(contacts, 0)
            own = pd.Series(values.to_numpy(), table.index)
        else:
            table = {k: self._own_contacts(contacts, n) for n, k in enumerate(names)}
            own = {k: values[k].dropna().to_numpy() for k in names}
        return viz.plot_contributions(own, table, method=method, **options)

    def plot_spatial_filters(
        self, contacts, *, band="broadband", show_subject=None, **options
    ):
        """Plot the spatial filters with the temporal kernels that follow each.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name.
        band : str
            ``"broadband"`` or ``"high-gamma"``, as in :meth:`spatial_weights`.
        show_subject : str | None
            Whose filters, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_spatial_filters`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = self._subject_row(show_subject)
        weights = self._of_real_channels(self.spatial_weights(band), row)
        kernels = self.module_.encoder.patch.layers[0].weight.detach().cpu().numpy()
        options = {"sfreq": self.info_["sfreq"], "label": f"weight, {band}"} | options
        return viz.plot_spatial_filters(
            weights,
            self._own_contacts(contacts, row),
            kernels=kernels.swapaxes(0, 1),
            **options,
        )

    def plot_patterns(
        self,
        X,
        contacts,
        *,
        band="broadband",
        subject=None,
        show_subject=None,
        **options,
    ):
        """Plot the forward-model pattern of every spatial filter.

        Parameters
        ----------
        %(X)s
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name.
        band : str
            ``"broadband"`` or ``"high-gamma"``, as in :meth:`spatial_patterns`.
        %(subject)s
        show_subject : str | None
            Whose patterns, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_patterns`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = self._subject_row(show_subject)
        patterns = self.spatial_patterns(X, band=band, subject=subject)
        table = self._own_contacts(contacts, row)
        options = {
            "label": f"pattern, {band} (SD of channel per SD of filter)"
        } | options
        return viz.plot_patterns(
            self._of_real_channels(patterns, row), table, **options
        )

    def plot_patch_filters(self, contacts, *, show_subject=None, **options):
        """Plot the folded patch encoder: what each dimension of a token listens to.

        Parameters
        ----------
        contacts : DataFrame | dict of str to DataFrame
            Contacts, index = channel name.
        show_subject : str | None
            Whose filters, where the network knows several subjects.
        **options : dict
            Passed to :func:`mne_duin.plot_patch_filters`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        row = self._subject_row(show_subject)
        filters = self._of_real_channels(self.folded_filters().swapaxes(2, 3), row)
        options = {"sfreq": self.info_["sfreq"]} | options
        return viz.plot_patch_filters(
            filters.swapaxes(1, 2), self._own_contacts(contacts, row), **options
        )

    def _of_real_channels(self, values, row):
        """Take one subject's values (channels last) without padded channels."""
        real = self.scaler_.channel_mask[row, : self.n_features_in_]
        return values[row][..., real]


@fill_doc
class ClassifierPlots:
    """Pictures of the classifier; not to be used itself."""

    def plot_confusion(self, X, y, *, subject=None, **options):
        """Plot which classes of held-out epochs are taken for which.

        Parameters
        ----------
        %(X)s
        %(y)s
        %(subject)s
        **options : dict
            Passed to :func:`mne_duin.plot_confusion`.

        Returns
        -------
        figure : Figure
            The figure.
        """
        predicted = self.predict(X, subject=subject)
        return viz.plot_confusion(y, predicted, self.classes_, **options)

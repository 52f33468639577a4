"""The discriminants that end every linear decoder."""

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mne_duin.utils._parallel import one_blas_thread


class ShrinkageLDA(LinearDiscriminantAnalysis):
    """Scikit-learn's discriminants, solved in one thread.

    The covariance has a few hundred features, for which several threads take longer
    than one (``tests/benchmarks/busy_blas.py``).
    """

    @one_blas_thread()
    def fit(self, X, y):
        """Fit the discriminants.

        Parameters
        ----------
        X : ndarray, shape (n_epochs, n_features)
            The features.
        y : ndarray, shape (n_epochs,)
            The labels.

        Returns
        -------
        self : ShrinkageLDA
            The fitted classifier.
        """
        return super().fit(X, y)


def make_shrinkage_lda():
    """Return unfitted discriminants whose covariance is shrunk automatically.

    Ledoit and Wolf, J. Multivariate Analysis 2004.
    """
    return ShrinkageLDA(solver="lsqr", shrinkage="auto")

"""What to cite, and the versions that a methods section names."""

from importlib.metadata import PackageNotFoundError, version

CITATIONS = {
    "Du-IN": "Zheng, H., Wang, H.-T., Jiang, W.-B., Chen, Z.-T., He, L., Lin, P.-Y., "
    "Wei, P.-H., Zhao, G.-G., & Liu, Y.-Z. (2024). Du-IN: Discrete units-guided mask "
    "modeling for decoding speech from intracranial neural signals. Advances in Neural "
    "Information Processing Systems, 37. arXiv:2405.11459",
    "MNE-Python": "Gramfort, A., Luessi, M., Larson, E., et al. (2013). MEG and EEG "
    "data analysis with MNE-Python. Frontiers in Neuroscience, 7, 267. "
    "doi:10.3389/fnins.2013.00267",
    "MNE-BIDS": "Appelhoff, S., Sanderson, M., Brooks, T. L., et al. (2019). MNE-BIDS: "
    "Organizing electrophysiological data into the BIDS format and facilitating their "
    "analysis. Journal of Open Source Software, 4(44), 1896. doi:10.21105/joss.01896",
    "iEEG-BIDS": "Holdgraf, C., Appelhoff, S., Bickel, S., et al. (2019). iEEG-BIDS, "
    "extending the Brain Imaging Data Structure specification to human intracranial "
    "electrophysiology. Scientific Data, 6, 102. doi:10.1038/s41597-019-0105-7",
    "Desikan-Killiany": "Desikan, R. S., Ségonne, F., Fischl, B., et al. (2006). An "
    "automated labeling system for subdividing the human cerebral cortex on MRI scans "
    "into gyral based regions of interest. NeuroImage, 31(3), 968-980. "
    "doi:10.1016/j.neuroimage.2006.01.021",
    "Destrieux": "Destrieux, C., Fischl, B., Dale, A., & Halgren, E. (2010). Automatic "
    "parcellation of human cortical gyri and sulci using standard anatomical "
    "nomenclature. NeuroImage, 53(1), 1-15. doi:10.1016/j.neuroimage.2010.06.010",
    "patterns": "Haufe, S., Meinecke, F., Görgen, K., et al. (2014). On the "
    "interpretation of weight vectors of linear models in multivariate neuroimaging. "
    "NeuroImage, 87, 96-110. doi:10.1016/j.neuroimage.2013.10.067",
    "whitening": "Kessy, A., Lewin, A., & Strimmer, K. (2018). Optimal whitening and "
    "decorrelation. The American Statistician, 72(4), 309-314. "
    "doi:10.1080/00031305.2016.1277159",
    "joint diagonalization": "Pham, D.-T., & Cardoso, J.-F. (2001). Blind separation "
    "of instantaneous mixtures of nonstationary sources. IEEE Transactions on Signal "
    "Processing, 49(9), 1837-1848. doi:10.1109/78.942614",
    "interval": "Wilson, E. B. (1927). Probable inference, the law of succession, and "
    "statistical inference. Journal of the American Statistical Association, 22(158), "
    "209-212. doi:10.1080/01621459.1927.10502953",
    "mcnemar": "McNemar, Q. (1947). Note on the sampling error of the difference "
    "between correlated proportions or percentages. Psychometrika, 12(2), 153-157. "
    "doi:10.1007/BF02295996",
    "t-test": "Nadeau, C., & Bengio, Y. (2003). Inference for the generalization "
    "error. Machine Learning, 52(3), 239-281. doi:10.1023/A:1024068626366",
    "holm": "Holm, S. (1979). A simple sequentially rejective multiple test procedure. "
    "Scandinavian Journal of Statistics, 6(2), 65-70.",
    "scikit-learn": "Pedregosa, F., Varoquaux, G., Gramfort, A., et al. (2011). "
    "Scikit-learn: Machine learning in Python. Journal of Machine Learning Research, "
    "12, 2825-2830.",
    "PyTorch": "Paszke, A., Gross, S., Massa, F., et al. (2019). PyTorch: An "
    "imperative style, high-performance deep learning library. Advances in Neural "
    "Information Processing Systems, 32.",
    "Nilearn": "Abraham, A., Pedregosa, F., Eickenberg, M., et al. (2014). Machine "
    "learning for neuroimaging with scikit-learn. Frontiers in Neuroinformatics, 8, "
    "14. doi:10.3389/fninf.2014.00014",
}
PACKAGES = ("mne", "mne-bids", "torch", "scikit-learn", "nilearn", "numpy", "scipy")


def package_versions():
    """Return the installed versions of what this package stands on.

    Returns
    -------
    versions : dict of str to str
        Version by package; packages that are not installed are left out.
    """
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

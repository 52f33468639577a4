"""What methods and their signatures say, and the order in which they say it."""

import dataclasses
import inspect


def own_parameters_first(cls):
    """Let the signature of a dataclass begin with what the class itself adds.

    A dataclass puts inherited fields first, so that ``help`` begins with what all
    relatives share. Where every field is a keyword the order matters to readers only.

    Parameters
    ----------
    cls : type
        A dataclass with ``kw_only=True``.

    Returns
    -------
    cls : type
        The same class; only the signature of its constructor is changed.

    Raises
    ------
    TypeError
        If a parameter is not keyword-only, because its place would change.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(kw_only=True)
    ... class Shape:
    ...     color: str = "red"
    >>> @own_parameters_first
    ... @dataclass(kw_only=True)
    ... class Circle(Shape):
    ...     radius: float = 1.0
    >>> list(inspect.signature(Circle).parameters)
    ['radius', 'color']
    """
    signature = inspect.signature(cls.__init__)
    itself, *parameters = signature.parameters.values()
    for parameter in parameters:
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise TypeError(
                f"`{parameter.name}` of {cls.__name__} is not keyword-only."
            )
    distance = {}
    for rank, owner in enumerate(cls.__mro__):
        if dataclasses.is_dataclass(owner):
            # Of a field that is redefined, the class that brought it in comes last.
            distance |= dict.fromkeys((f.name for f in dataclasses.fields(owner)), rank)
    parameters.sort(key=lambda parameter: distance[parameter.name])
    cls.__init__.__signature__ = signature.replace(parameters=[itself, *parameters])
    return cls


def accepts(function, name):
    """Return whether a function has a parameter of that name.

    Parameters
    ----------
    function : callable
        The function or method.
    name : str
        The parameter.

    Returns
    -------
    accepted : bool
        Whether it can be passed by name.
    """
    return name in inspect.signature(function).parameters


def takes_segments(estimator):
    """Return whether an estimator can use unlabeled segments.

    Parameters
    ----------
    estimator : estimator
        The estimator; one that wraps another as ``estimator`` can if that one can, one
        that has several as ``decoders`` if any of them can.

    Returns
    -------
    takes : bool
        Whether ``fit`` takes ``unlabelled``.
    """
    if not accepts(estimator.fit, "unlabelled"):
        return False
    parameters = estimator.get_params(deep=False)
    inner = parameters.get("estimator")
    members = [inner] if hasattr(inner, "fit") else []
    members += [member for _, member in parameters.get("decoders", ())]
    return not members or any(map(takes_segments, members))


def decides_alike(method):
    """Mark ``predict`` and ``predict_proba`` of which one follows from the other.

    Parameters
    ----------
    method : callable
        One of the two; both must be marked.

    Returns
    -------
    method : callable
        The same method.
    """
    method._decides_alike = True
    return method


def predicts_most_probable(model):
    """Return whether ``predict`` returns the largest of ``predict_proba``.

    A subclass that has its own of either is not marked.

    Parameters
    ----------
    model : estimator
        A classifier.

    Returns
    -------
    is_known : bool
        False where it is not known.
    """
    methods = (
        getattr(type(model), name, None) for name in ("predict", "predict_proba")
    )
    return all(getattr(method, "_decides_alike", False) for method in methods)

"""Warnings of the package; errors are built-in types and scikit-learn's."""

__all__ = ["ExplanationWarning", "LargeErrorWarning", "OffPriorWarning", "ToleranceWarning"]


class ExplanationWarning(UserWarning):
    """An explanation was given, but is less than what was asked for."""


class LargeErrorWarning(ExplanationWarning):
    """An explainer expects its attributions to be off by half of their size or more."""


class OffPriorWarning(ExplanationWarning):
    """A model is harder to tell than nearly all that the networks were trained on."""


class ToleranceWarning(ExplanationWarning):
    """The expected error of some rows is above `tol` within their budget."""

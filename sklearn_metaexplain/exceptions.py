"""Warnings of the package; errors are built-in types and scikit-learn's."""

__all__ = ["ExplanationWarning"]


class ExplanationWarning(UserWarning):
    """An explanation was given, but is less than what was asked for."""

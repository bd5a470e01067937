"""Classifiers whose prediction is what they show."""

from sklearn_metaexplain.selfexplaining._attention import AttentionClassifier
from sklearn_metaexplain.selfexplaining._matching import MatchingClassifier
from sklearn_metaexplain.selfexplaining._prototype import PrototypeClassifier

__all__ = ["AttentionClassifier", "MatchingClassifier", "PrototypeClassifier"]

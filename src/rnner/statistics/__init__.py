"""Annotated corpora in figures: what a file holds, and how much of dev and test is new beside train."""

from rnner.statistics.measure import Ambiguity, Lengths, Statistics, Unseen, describe

__all__ = ["Ambiguity", "Lengths", "Statistics", "Unseen", "describe"]

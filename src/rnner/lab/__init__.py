"""Experiments that show what recurrence does, with the tagger's own cells.

Each experiment is a module with three functions: `measure` trains or loads networks and returns the results
as values for JSON, `table` renders the results for a terminal, and `plot` draws them with matplotlib.
"""

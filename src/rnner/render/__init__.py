"""Scores and entities as a person reads them, in a terminal or a browser, and as a program reads them.

What comes from data or a user (words, labels, texts) is never taken for markup, and control characters in it
never reach the terminal or the page.
"""

from rnner.render.characters import plain
from rnner.render.colours import colours_of
from rnner.render.entities import binary_view, entities_table, entities_text, readings_table, tally
from rnner.render.html import html_page
from rnner.render.scores import comparison_table, raw_table, scores_conlleval, scores_table
from rnner.render.tables import Drawn, colour_system, figures_table
from rnner.render.values import entities_json, to_json

__all__ = [
    "Drawn",
    "binary_view",
    "colour_system",
    "colours_of",
    "comparison_table",
    "entities_json",
    "entities_table",
    "entities_text",
    "figures_table",
    "html_page",
    "plain",
    "raw_table",
    "readings_table",
    "scores_conlleval",
    "scores_table",
    "tally",
    "to_json",
]
